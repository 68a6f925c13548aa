"""From the paths that a display-config CSV gives for a case to the disclosure set that they make."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from cases.disclosure import (
    DisclosureError,
    PathError,
    PathMatch,
    Style,
    Supply,
    merge_matches,
    merge_styles,
)
from cases.layouts.reading import advice_nodes, layout_nodes, matrix_nodes, path_rules
from cases.models import LayoutVersion
from cases.tree import Identity, from_json
from experiments.display_configs.case_paths import CasePaths, LayoutPaths, Matched
from experiments.display_configs.texts import SetTexts
from experiments.display_configs.written import PathRow, RowError
from experiments.models import Experiment


def study_version(experiment: Experiment) -> LayoutVersion | None:
    """The layout version under which a review of this study will be opened: the protocol's, else the newest."""
    if experiment.protocol is not None:
        return experiment.protocol.layout_version
    return experiment.layout.current() if experiment.layout else None


def layout_paths(version: LayoutVersion) -> LayoutPaths:
    """One query."""
    nodes = layout_nodes(version)
    return LayoutPaths(
        nodes=tuple(matrix_nodes(nodes)),
        sections={node.key: node.headings[0].key if node.headings else node.key for node in nodes},
        advice=tuple(advice_nodes(nodes)),
        rules=path_rules(version),
    )


@dataclass(frozen=True, slots=True)
class ConfigSet:
    """What one configuration discloses. `case_id` only where values are supplied: such a set belongs to one case."""

    sha256: str
    content: str
    case_id: int | None
    paths: str
    supplies: tuple[Supply, ...]
    also_discloses: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def key(self) -> tuple[str, int | None]:
        return self.sha256, self.case_id


class SetMaker:
    """Makes the sets of one layout version: a list of paths once per case, however many participants share it, from
    paths that are matched once per case; lists that disclose the same are one set for all cases."""

    def __init__(self, layout: LayoutPaths, contents: dict[int, str]) -> None:
        """`contents`: the snapshot's JSON by case, which is read only for cases that are asked for."""
        self.contents = contents
        self._layout = layout
        self._adds = layout.shows_by_itself
        self._texts = SetTexts()
        self._cases: dict[int, CasePaths] = {}
        self._made: dict[tuple[int, str], ConfigSet] = {}

    def make(self, case_id: int, rows: Sequence[PathRow]) -> ConfigSet | list[RowError]:
        """The set of these rows' paths in this case, or what is wrong with each row."""
        paths = self._texts.paths(rows)
        made = self._made.get((case_id, paths))
        if made is not None:
            return made
        # Errors carry row numbers, so they are worked out anew; a path itself is still matched once.
        found = self._make(case_id, rows, paths)
        if isinstance(found, ConfigSet):
            self._made[case_id, paths] = found
        return found

    def _make(self, case_id: int, rows: Sequence[PathRow], paths: str) -> ConfigSet | list[RowError]:
        case = self._case(case_id)
        matches: list[tuple[Matched, Style]] = []
        errors: list[RowError] = []
        for row in rows:
            match = case.matched(row.path)
            if isinstance(match, PathError):
                errors.append(RowError(row.row, "Path", f"{match.path[:200]!r}: {match.reason}"))
            else:
                matches.append((match, row.style))
        if errors:
            return errors
        try:
            supplies = _supplies([(one.match, style) for one, style in matches if one.match.supply is not None])
        except DisclosureError as error:
            return [RowError(rows[0].row, "Path", str(error))]
        sha256, content = self._texts.content(self._shows(case, matches), supplies)
        beside = tuple((one.match.path, one.match.also_discloses) for one, _ in matches if one.match.also_discloses)
        return ConfigSet(sha256, content, case_id if supplies else None, paths, supplies, beside)

    def _shows(self, case: CasePaths, matches: Sequence[tuple[Matched, Style]]) -> dict[Identity, str]:
        """The style's text of every feature shown. Styles hold for all that stands under the same heading, as in
        `merge_matches`; what an imported layout shows by itself is plain."""
        styles: dict[tuple[str, ...], list[Style]] = {}
        shown: dict[Identity, tuple[str, ...]] = {}
        for one, style in matches:
            for heading in one.headings:
                styles.setdefault(heading, []).append(style)
            shown.update(one.shown)
        texts = {heading: self._texts.style(merge_styles(listed)) for heading, listed in styles.items()}
        shows = {identity: texts[heading] for identity, heading in shown.items()}
        if not self._adds:
            return shows
        named = frozenset().union(*(one.sections for one, _ in matches))
        return dict.fromkeys(case.shown_by_itself(named), self._texts.plain) | shows

    def _case(self, case_id: int) -> CasePaths:
        if case_id not in self._cases:
            tree = from_json(json.loads(self.contents[case_id]))
            self._cases[case_id] = CasePaths(tree, self._layout)
        return self._cases[case_id]


def _supplies(matches: Sequence[tuple[PathMatch, Style]]) -> tuple[Supply, ...]:
    if not matches:
        return ()
    return tuple(entry for entry in merge_matches(matches) if isinstance(entry, Supply))
