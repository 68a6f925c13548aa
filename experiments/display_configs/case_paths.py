"""What paths mean under one layout and in one case: matched once, however many rows name them. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cases.disclosure import (
    AdviceNode,
    FoundFeature,
    MatrixNode,
    PathError,
    PathMatch,
    PathRules,
    match_augmed_path,
    path_index,
    shown_by_visibility,
)
from cases.tree import Identity, Tree, features

SOURCE = "display-config CSV"


@dataclass(frozen=True, slots=True)
class LayoutPaths:
    """Of a layout version what paths need. `sections`: the section above each node, by their keys."""

    nodes: tuple[MatrixNode, ...]
    sections: Mapping[str, str]
    advice: tuple[AdviceNode, ...]
    rules: PathRules

    @property
    def shows_by_itself(self) -> bool:
        """Imported layouts may show what no path names (DESIGN's compatibility visibilities)."""
        return any(node.visibility not in (None, "when_disclosed") for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Matched:
    """A match in the form in which many are merged: the headings of each feature, and each of them once."""

    match: PathMatch
    shown: Mapping[Identity, tuple[str, ...]]
    headings: tuple[tuple[str, ...], ...]
    sections: frozenset[str]


class CasePaths:
    """One case's features, indexed by their paths."""

    def __init__(self, tree: Tree, layout: LayoutPaths) -> None:
        listed = list(features(tree))
        self._layout = layout
        self._index = path_index(listed)
        self._found = [FoundFeature(feature.node_key, feature.discriminator) for feature, _ in listed]
        self._matched: dict[str, Matched | PathError] = {}
        self._by_itself: dict[frozenset[str], tuple[Identity, ...]] = {}

    def matched(self, path: str) -> Matched | PathError:
        found = self._matched.get(path)
        if found is None:
            found = self._matched[path] = self._match(path)
        return found

    def shown_by_itself(self, named: frozenset[str]) -> tuple[Identity, ...]:
        """What the layout shows where paths name something of just these sections."""
        found = self._by_itself.get(named)
        if found is None:
            shows = shown_by_visibility(self._layout.nodes, self._found, named)
            found = self._by_itself[named] = tuple(show.identity for show in shows)
        return found

    def _match(self, path: str) -> Matched | PathError:
        match = match_augmed_path(path, self._index, self._layout.rules, self._layout.advice, SOURCE)
        if isinstance(match, PathError):
            return match
        shown = {feature.identity: feature.headings for feature in match.features}
        sections = frozenset(self._layout.sections[identity.node_key] for identity in shown)
        return Matched(match, shown, tuple(dict.fromkeys(shown.values())), sections)
