"""One case as several arms and stages disclose it, row by row, so that what differs stands side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from augmed.foundation.canonical import canonical_decimal
from cases.disclosure import DisclosedFeature, DisclosedTree, Style, compare, disclosed_features
from cases.tree import Entry, Feature, Identity, Node, Tree

ONLY_HERE, NOT_HERE, NOT_EVERYWHERE, STYLE = "Only here", "Not shown", "Not in all", "Style differs"


@dataclass(frozen=True, slots=True)
class ComparedCell:
    """A feature in one column; `note` says in words how it differs from the others, '' where it does not."""

    entries: tuple[Entry, ...] | None
    marks: tuple[str, ...] = ()
    note: str = ""

    @property
    def shown(self) -> bool:
        return self.entries is not None


@dataclass(slots=True)
class ComparedRow:
    """A heading (no cells) or a feature."""

    label: str
    depth: int
    level: str
    role: str = "clinical"
    whole: tuple[Entry, ...] = ()
    cells: list[ComparedCell] = field(default_factory=list)
    differs: bool = False


@dataclass(frozen=True)
class Comparison:
    rows: list[ComparedRow]
    feature_count: int
    differing: int
    pinned: list[list[str]]


def style_words(style: Style) -> tuple[str, ...]:
    """A style in words, in a fixed order."""
    words = []
    if style.collapse:
        words.append("starts collapsed")
    if style.highlight:
        words.append("highlighted")
    if style.top is not None:
        words.append(f"pinned at {canonical_decimal(style.top)}")
    return tuple(words)


def compare_columns(
    tree: Tree, columns: Sequence[DisclosedTree], *, whole: bool, only_differing: bool = False
) -> Comparison:
    """The rows of the case in its own order. Without `whole` only what some column discloses is in them."""
    disclosed = [{feature.identity: feature for feature, _ in disclosed_features(column)} for column in columns]
    differing = _differing(columns)
    rows: list[ComparedRow] = []
    for section in tree.sections:
        rows += _rows(section, 0, disclosed, differing, whole, only_differing)
    features = [row for row in rows if row.level == "feature"]
    pinned = [[" / ".join(important.path[1:]) for important in column.importants] for column in columns]
    return Comparison(rows, len(features), sum(row.differs for row in features), pinned)


def _differing(columns: Sequence[DisclosedTree]) -> set[Identity]:
    """What is not the same in all columns: the first is compared with each of the others."""
    return {
        difference.identity
        for other in columns[1:]
        for difference in compare(columns[0], other)
        if difference.kind != "same"
    }


def _rows(
    node: Node,
    depth: int,
    disclosed: list[dict[Identity, DisclosedFeature]],
    differing: set[Identity],
    whole: bool,
    only_differing: bool,
) -> list[ComparedRow]:
    below: list[ComparedRow] = []
    for child in node.children:
        if isinstance(child, Node):
            below += _rows(child, depth + 1, disclosed, differing, whole, only_differing)
            continue
        row = _feature_row(child, depth + 1, disclosed, child.identity in differing)
        seen = whole or any(cell.shown for cell in row.cells)
        if seen and (row.differs or not only_differing):
            below.append(row)
    return [ComparedRow(node.label, depth, node.level), *below] if below else []


def _feature_row(
    feature: Feature, depth: int, disclosed: list[dict[Identity, DisclosedFeature]], differs: bool
) -> ComparedRow:
    found = [column.get(feature.identity) for column in disclosed]
    shown_count = sum(one is not None for one in found)
    cells = [_cell(one, shown_count, len(found), differs) for one in found]
    return ComparedRow(feature.label, depth, "feature", feature.role, feature.entries, cells, differs)


def _cell(found: DisclosedFeature | None, shown_count: int, column_count: int, differs: bool) -> ComparedCell:
    if found is None:
        return ComparedCell(None, note=NOT_HERE if shown_count else "")
    note = ""
    if differs and shown_count == 1:
        note = ONLY_HERE
    elif differs and shown_count < column_count:
        note = NOT_EVERYWHERE
    elif differs:
        note = STYLE
    return ComparedCell(found.entries, style_words(found.style), note)
