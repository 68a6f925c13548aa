"""The disclosure matrix as a table: rows are nodes and the features found under them, columns are arms and stages.

What a cell shows is worked out by the engine that makes the disclosure sets (cases.disclosure), never beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from augmed.foundation.canonical import canonical_decimal, digest
from cases.disclosure import FoundFeature, MatrixNode, Show, Style, resolve_with_report
from cases.models import LayoutNode, LayoutVersion
from cases.tree import Identity
from experiments.actions.disclosure_sets import cell_from_json, cell_to_json
from experiments.design.matrix import CountedFeature, counted_features, study_layout_version
from experiments.models import Experiment, Stage

COMPATIBILITY = {
    LayoutNode.Visibility.ALWAYS: "always shown, as in AugMed",
    LayoutNode.Visibility.UNLESS_RESTRICTED: "shown unless its section is restricted, as in AugMed",
}


@dataclass(slots=True)
class Cell:
    """One row in one column: what holds, and whether it was said here or comes from above."""

    shown: bool
    own: bool | None
    style: Style
    column: Column
    below: tuple[int, int] | None = None  # of the features found below a heading: shown, and all

    @property
    def in_part(self) -> bool:
        return self.below is not None and 0 < self.below[0] < self.below[1]

    @property
    def state(self) -> str:
        if self.in_part and self.below is not None:
            return f"{self.below[0]} of {self.below[1]}"
        return "Shown" if self.shown else "Hidden"

    @property
    def inherited(self) -> bool:
        return self.own is None

    @property
    def marks(self) -> list[tuple[str, str]]:
        """Style of a shown cell: a short mark and its words."""
        marks = []
        if self.shown and self.style.collapse:
            marks.append(("C", "starts collapsed"))
        if self.shown and self.style.highlight:
            marks.append(("H", "highlighted"))
        if self.shown and self.style.top is not None:
            number = canonical_decimal(self.style.top)
            marks.append((f"↑{number}", f"pinned at {number}"))
        return marks

    @property
    def words(self) -> str:
        said = self.state.lower() + (" shown" if self.in_part else "") + (", as above" if self.inherited else "")
        return ", ".join([said, *(words for _, words in self.marks)])


@dataclass(slots=True)
class Row:
    """A node, or (discriminator given) a feature found under it."""

    node: str
    discriminator: str | None
    label: str
    level: str
    depth: int
    parent: int | None
    case_count: int | None = None
    new: bool = False
    compatibility: str = ""
    visibility: str = ""
    advice: bool = False
    discloses_new_values: bool = False
    has_features: bool = False
    hidden_new: bool = False
    differs: bool = False
    cells: list[Cell] = field(default_factory=list)

    @property
    def place(self) -> tuple[str, str | None]:
        return self.node, self.discriminator

    @property
    def compatibility_tag(self) -> str:
        return f"AugMed: {self.visibility.replace('_', ' ')}" if self.compatibility else ""


@dataclass(slots=True)
class Column:
    stage: Stage
    stage_count: int
    shown_count: int = 0

    def is_stale(self, known: set[str]) -> bool:
        """Does it hold cells of nodes that the layout no longer has? A save leaves them out."""
        return any(cell["node"] not in known for cell in self.stage.cells)

    @property
    def label(self) -> str:
        name = self.stage.arm.name
        return f"{name}, stage {self.stage.position}" if self.stage_count > 1 else name


@dataclass(slots=True)
class DisclosureTable:
    version: LayoutVersion | None
    rows: list[Row]
    columns: list[Column]
    feature_count: int
    case_count: int
    token: str

    @property
    def arms(self) -> list[tuple[str, int]]:
        """Names of the arms and how many columns each has."""
        spans: dict[int, tuple[str, int]] = {}
        for column in self.columns:
            name, count = spans.get(column.stage.arm_id, (column.stage.arm.name, 0))
            spans[column.stage.arm_id] = (name, count + 1)
        return list(spans.values())

    @property
    def has_compatibility(self) -> bool:
        return any(row.compatibility for row in self.rows)

    def to_json(self, unsaved: Iterable[int] = ()) -> dict[str, Any]:
        """What the page's script works with: rows as lists, cells by stage; `unsaved` stages are still to be saved."""
        known = {row.node for row in self.rows}
        return {
            "unsaved": sorted({*unsaved, *(column.stage.pk for column in self.columns if column.is_stale(known))}),
            "rows": [
                [row.node, row.discriminator, row.parent, row.visibility, row.case_count, row.new,
                 row.discloses_new_values]
                for row in self.rows
            ],
            "stages": [
                {
                    "id": column.stage.pk,
                    "label": column.label,
                    "cells": [
                        cell_to_json(cell_from_json(cell, column.label))
                        for cell in column.stage.cells
                        if cell["node"] in known
                    ],
                }
                for column in self.columns
            ],
        }  # fmt: skip


def disclosure_table(experiment: Experiment, cells: dict[int, list[dict[str, Any]]] | None = None) -> DisclosureTable:
    """The table of a study's working design; with `cells` (by stage id) as it would be with these in their place.

    Seven queries at most, whatever the number of rows and columns."""
    version = study_layout_version(experiment)
    stages = list(
        Stage.objects.filter(arm__experiment=experiment)
        .select_related("arm")
        .order_by("arm__position", "arm_id", "position")
    )
    token = design_token(stages, version)
    if cells is not None:
        for stage in stages:
            stage.cells = cells.get(stage.pk, stage.cells)
    counts = [stage.arm_id for stage in stages]
    columns = [Column(stage, counts.count(stage.arm_id)) for stage in stages]
    nodes = list(version.nodes.select_related("parent").order_by("position")) if version else []
    found = counted_features(experiment, version) if version else []
    rows = _rows(nodes, found)
    matrix_nodes = [_matrix_node(node) for node in nodes]
    for column in columns:
        _fill(column, rows, matrix_nodes, found)
    for row in rows:
        row.differs = len({(cell.state, cell.style if cell.shown else None) for cell in row.cells}) > 1
    return DisclosureTable(version, rows, columns, len(found), experiment.study_cases.count(), token)


def design_token(stages: list[Stage], version: LayoutVersion | None) -> str:
    """Changes whenever what a save of the matrix would replace has changed."""
    return digest([version.pk if version else None, [[stage.pk, stage.cells] for stage in stages]])


def _matrix_node(node: LayoutNode) -> MatrixNode:
    return MatrixNode(
        node.key,
        node.parent.key if node.parent else None,
        node.visibility,  # type: ignore[arg-type]  # the field's choices are the literals
        node.discloses_new_values,
    )


def _rows(nodes: list[LayoutNode], found: list[CountedFeature]) -> list[Row]:
    """Every node in layout order, each followed by the features found under it."""
    below: dict[str, list[CountedFeature]] = {}
    alone: dict[str, CountedFeature] = {}
    for counted in found:
        if counted.found.discriminator:
            below.setdefault(counted.found.node_key, []).append(counted)
        else:
            alone[counted.found.node_key] = counted
    rows: list[Row] = []
    places: dict[int, int] = {}
    for node in nodes:
        parent = places.get(node.parent_id) if node.parent_id else None
        depth = rows[parent].depth + 1 if parent is not None else 0
        places[node.pk] = len(rows)
        own = alone.get(node.key)
        rows.append(
            Row(
                node=node.key,
                discriminator=None,
                label=node.label,
                level=node.level,
                depth=depth,
                parent=parent,
                case_count=own.case_count if own else None,
                new=bool(own and own.found.new),
                compatibility=COMPATIBILITY.get(LayoutNode.Visibility(node.visibility), ""),
                visibility=node.visibility,
                advice=node.role == LayoutNode.Role.ADVICE,
                discloses_new_values=node.discloses_new_values,
                has_features=node.key in below,
            )
        )
        rows += [
            Row(
                node=node.key,
                discriminator=feature.found.discriminator,
                label=feature.label,
                level="found",
                depth=depth + 1,
                parent=places[node.pk],
                case_count=feature.case_count,
                new=feature.found.new,
            )
            for feature in below.get(node.key, [])
        ]
    return rows


def _fill(column: Column, rows: list[Row], nodes: list[MatrixNode], found: list[CountedFeature]) -> None:
    """Ask the engine once for every row: a heading is asked as if it were a feature of its own."""
    cells = [cell_from_json(cell, column.label) for cell in column.stage.cells]
    known = {node.key for node in nodes}
    cells = [cell for cell in cells if cell.node_key in known]  # of a layout before: the save leaves them out
    asked = [FoundFeature(row.node, row.discriminator or "", row.new) for row in rows]
    resolution = resolve_with_report(cells, nodes, asked)
    shows: dict[Identity, Show] = {show.identity: show for show in resolution.shows}
    hidden_new = set(resolution.hidden_new)
    own = {(cell.node_key, cell.discriminator): cell.shown for cell in cells}
    for row in rows:
        identity = Identity(row.node, row.discriminator or "")
        show = shows.get(identity)
        row.hidden_new = row.hidden_new or identity in hidden_new
        style = show.style if show else Style()
        row.cells.append(Cell(show is not None, own.get(row.place), style, column))
    column.shown_count = sum(counted.found.identity in shows for counted in found)
    _count_below(rows)


def _count_below(rows: list[Row]) -> None:
    """A heading is what the features found below it are: all shown, all hidden, or some of them."""
    counts = [[0, 0] for _ in rows]
    for at in range(len(rows) - 1, -1, -1):
        row, cell = rows[at], rows[at].cells[-1]
        if counts[at][1]:
            shown, total = counts[at]
            cell.below, cell.shown = (shown, total), shown > 0
        if row.case_count is not None:
            counts[at][0] += cell.shown
            counts[at][1] += 1
        if row.parent is not None:
            for which in (0, 1):
                counts[row.parent][which] += counts[at][which]
