"""Between the text paths of AugMed's files and the matrix cells of a stage. Plain values.

A display config discloses in one case, an arm in all cases of its study. So a path is looked up in every case, and what
it names anywhere is shown everywhere; one that spells out a value names the feature that has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cases.disclosure import (
    MatchedFeature,
    MatrixCell,
    PathError,
    PathIndex,
    PathMatch,
    Style,
    match_augmed_path,
    merge_matches,
    merge_styles,
)
from cases.layouts.reading import LayoutNodeDescription
from cases.tree import Identity, augmed_path
from experiments.display_configs.case_paths import LayoutPaths

StyledPath = tuple[str, Style]


@dataclass
class StudyPaths:
    """What paths name in a study: nodes of its layout, or features found in its cases."""

    nodes: Sequence[LayoutNodeDescription]
    layout: LayoutPaths
    cases: Sequence[PathIndex]
    _found: dict[str, dict[Identity, MatchedFeature] | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # A section alone would be too much, as in display configs.
        self._keys = {augmed_path(node.path).strip(): node.key for node in self.nodes if node.depth > 0}

    def cells(self, paths: Iterable[StyledPath]) -> tuple[list[MatrixCell], dict[int, str]]:
        """The cells that show what these paths name, and what is wrong with paths, by their index in the list."""
        by_node: dict[str, list[Style]] = {}
        matches: list[tuple[PathMatch, Style]] = []
        wrong: dict[int, str] = {}
        for index, (path, style) in enumerate(paths):
            if (node := self._keys.get(path.strip())) is not None:
                by_node.setdefault(node, []).append(style)
                continue
            found = self._features(path)
            if isinstance(found, str):
                wrong[index] = found
            else:
                matches.append((PathMatch(path, tuple(found.values())), style))
        shows = merge_matches(matches)
        cells = [MatrixCell(node, None, True, merge_styles(styles)) for node, styles in by_node.items()]
        cells += [MatrixCell(*show.identity, shown=True, style=show.style) for show in shows]
        return cells, wrong

    def _features(self, path: str) -> dict[Identity, MatchedFeature] | str:
        if path not in self._found:
            self._found[path] = self._look_up(path)
        return self._found[path]

    def _look_up(self, path: str) -> dict[Identity, MatchedFeature] | str:
        found: dict[Identity, MatchedFeature] = {}
        reason = "the study has no case"
        for index in self.cases:
            match = match_augmed_path(path, index, self.layout.rules, self.layout.advice)
            if isinstance(match, PathError):
                reason = match.reason
            elif match.supply is not None:
                return "a value is given for one participant's case, by a display config; an arm shows what cases have"
            else:
                found |= {feature.identity: feature for feature in match.features if feature.identity not in found}
        return self._preferred(found) or f"{reason} (looked up in every case of the study)"

    def _preferred(self, found: dict[Identity, MatchedFeature]) -> dict[Identity, MatchedFeature]:
        """Of advice that has several forms a case shows one. Cases that have only another form show none in this arm:
        to show both would show some cases two."""
        for name in self.layout.rules.advice_names:
            forms = [Identity(name.node_key, form) for form in name.prefer if Identity(name.node_key, form) in found]
            for other in forms[1:]:
                del found[other]
        return found


def paths_of_cells(
    cells: Iterable[MatrixCell], nodes: Iterable[LayoutNodeDescription], labels: Mapping[Identity, str]
) -> list[StyledPath]:
    """The paths of what the cells show, by the labels of the layout and of the features found.

    A cell of a node that the layout does not have shows nothing, and has no path."""
    described = {node.key: node for node in nodes}
    found: list[StyledPath] = []
    for cell in cells:
        node = described.get(cell.node_key)
        if node is None or not cell.shown:
            continue
        path = node.path
        if cell.discriminator is not None:
            label = labels.get(Identity(cell.node_key, cell.discriminator), cell.discriminator)
            path = (*node.path[:-1], label or node.label)
        found.append((augmed_path(path), cell.style))
    return found
