"""From a stage's matrix cells to the disclosure set that is stored: resolved, complete, content-addressed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction

from augmed.foundation import audit
from augmed.foundation.canonical import canonical_decimal, canonical_json
from augmed.foundation.errors import Invalid
from cases.disclosure import (
    DisclosureContent,
    DisclosureEntry,
    DisclosureError,
    MatrixCell,
    Style,
    resolve_with_report,
)
from cases.models import Case
from experiments.actions.common import locked, refuse_when_over
from experiments.design.matrix import found_features, matrix_nodes, study_layout_version
from experiments.models import DisclosureSet, Experiment, Stage

_CELL_KEYS = frozenset({"node", "discriminator", "shown", "collapse", "highlight", "top"})


@dataclass(frozen=True)
class StageResolution:
    """What a stage's cells resolve to, the new features that stay hidden, and the nodes of cells that the layout does
    not have (any more): such cells disclose nothing."""

    stage: Stage
    content: DisclosureContent
    hidden_new: tuple[tuple[str, str], ...]
    unknown_nodes: tuple[str, ...]


def disclosure_set_for(entries: Iterable[DisclosureEntry], case: Case | None = None) -> DisclosureSet:
    """The stored set of these entries: the one that is there, else a new one.

    A set that supplies values belongs to one case, and only such a set does."""
    content = _content(entries)
    if bool(content.supplies) != (case is not None):
        raise Invalid("A disclosure set names a case exactly when it supplies values.")
    return _stored([content], case)[content.sha256]


def stored_sets(contents: Iterable[DisclosureContent]) -> dict[str, DisclosureSet]:
    """The stored sets of these contents by hash, missing ones made. At most three statements."""
    return _stored(list(contents), None)


def set_cells(*, experiment: Experiment, cells: Mapping[int, list[dict[str, Any]]], by: Any) -> list[StageResolution]:
    """Save the matrix: the whole list of cells for each stage id named; stages not named stay.

    A cell is {node, discriminator or null, shown, collapse, highlight, top}; all but node may be left out. Resolves and
    stores the disclosure sets. In a running study the change takes effect with the next amendment."""
    with transaction.atomic():
        study = locked(experiment)
        refuse_when_over(study)
        stages = {stage.pk: stage for stage in Stage.objects.filter(arm__experiment=study).select_related("arm")}
        if unknown := sorted(set(cells) - stages.keys()):
            raise Invalid(f"The study has no stage {', '.join(map(str, unknown))}.")
        for stage_id, listed in cells.items():
            stages[stage_id].cells = [
                cell_to_json(cell_from_json(cell, f"{stages[stage_id]}: cell {index + 1}"))
                for index, cell in enumerate(listed)
            ]
        resolutions = resolve_and_store(study, [stages[stage_id] for stage_id in cells])
        _refuse_unknown_nodes(resolutions)
        audit.record(
            action="disclosure_changed",
            by=by,
            target=study,
            data={"sets": {str(made.stage.pk): made.content.sha256 for made in resolutions}},
            experiment_id=study.pk,
        )
    return resolutions


def resolve_and_store(experiment: Experiment, stages: Iterable[Stage] | None = None) -> list[StageResolution]:
    """Resolve these stages (default: all of the study) anew and point them at their sets.

    The number of queries does not depend on the number of features or stages."""
    if stages is None:
        stages = Stage.objects.filter(arm__experiment=experiment).select_related("arm").order_by("arm", "position")
    resolutions = resolve_stages(experiment, stages)
    sets = stored_sets(made.content for made in resolutions)
    for made in resolutions:
        made.stage.disclosure_set = sets[made.content.sha256]
    Stage.objects.bulk_update([made.stage for made in resolutions], ["cells", "disclosure_set"], batch_size=100)
    return resolutions


def resolve_stages(experiment: Experiment, stages: Iterable[Stage]) -> list[StageResolution]:
    """What these stages' cells resolve to now. Writes nothing."""
    version = study_layout_version(experiment)
    nodes = matrix_nodes(version) if version else []
    found = found_features(experiment, version) if version else []
    known = {node.key for node in nodes}
    resolutions = []
    for stage in stages:
        cells = [cell_from_json(cell, str(stage)) for cell in stage.cells]
        unknown = tuple(sorted({cell.node_key for cell in cells} - known))
        try:
            resolved = resolve_with_report([cell for cell in cells if cell.node_key in known], nodes, found)
        except DisclosureError as error:
            raise Invalid(f"{stage}: {error}.", errors={str(stage.pk): [str(error)]}) from error
        hidden = tuple((key, discriminator) for key, discriminator in resolved.hidden_new)
        resolutions.append(StageResolution(stage, _content(resolved.shows), hidden, unknown))
    return resolutions


def cell_from_json(cell: Any, place: str) -> MatrixCell:
    """Read a cell; Invalid says where and what is wrong."""
    if not isinstance(cell, Mapping) or "node" not in cell:
        raise Invalid(f"{place}: an object with at least 'node' is needed.")
    if unknown := sorted(cell.keys() - _CELL_KEYS):
        raise Invalid(f"{place}: unknown {', '.join(map(str, unknown))}.")
    for name in ("shown", "collapse", "highlight"):
        if not (cell.get(name) is None or isinstance(cell[name], bool)):
            raise Invalid(f"{place}: {name} is true, false or null.")
    for name, empty in (("node", False), ("discriminator", True)):
        if not (isinstance(cell.get(name), str) or (empty and cell.get(name) is None)):
            raise Invalid(f"{place}: {name} is a text.")
    style = Style(cell.get("collapse"), cell.get("highlight"), _top(cell.get("top"), place))
    return MatrixCell(cell["node"], cell.get("discriminator"), cell.get("shown"), style)


def cell_to_json(cell: MatrixCell) -> dict[str, Any]:
    """The one stored form of a cell, with all its keys."""
    return {
        "node": cell.node_key,
        "discriminator": cell.discriminator,
        "shown": cell.shown,
        "collapse": cell.style.collapse,
        "highlight": cell.style.highlight,
        "top": None if cell.style.top is None else canonical_decimal(cell.style.top),
    }


def _refuse_unknown_nodes(resolutions: list[StageResolution]) -> None:
    errors = {
        str(made.stage.pk): [f"The layout has no node {', '.join(made.unknown_nodes)}."]
        for made in resolutions
        if made.unknown_nodes
    }
    if errors:
        raise Invalid("Some cells name nodes that the layout does not have.", errors=errors)


def _top(value: Any, place: str) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        if isinstance(value, bool | float):
            raise TypeError
        return Decimal(canonical_decimal(value))
    except (TypeError, ValueError, InvalidOperation) as error:
        raise Invalid(f"{place}: top is a whole or decimal number (as text), not {value!r}.") from error


def _content(entries: Iterable[DisclosureEntry]) -> DisclosureContent:
    try:
        return DisclosureContent.of(entries)
    except DisclosureError as error:
        raise Invalid(f"The disclosure set was not accepted: {error}.") from error


def _stored(contents: list[DisclosureContent], case: Case | None) -> dict[str, DisclosureSet]:
    wanted = {content.sha256: content for content in contents}
    there = {found.sha256: found for found in DisclosureSet.objects.filter(case=case, sha256__in=wanted)}
    missing = [sha256 for sha256 in wanted if sha256 not in there]
    if not missing:
        return there
    DisclosureSet.objects.bulk_create(
        [
            DisclosureSet(sha256=sha256, case=case, content=canonical_json(wanted[sha256].to_json()))
            for sha256 in missing
        ],
        ignore_conflicts=True,  # somebody else may be storing the same set
    )
    return {found.sha256: found for found in DisclosureSet.objects.filter(case=case, sha256__in=wanted)}
