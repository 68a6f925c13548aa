"""From the paths that a display-config CSV gives for a case to the disclosure set that they make."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from augmed.foundation.canonical import canonical_json, sha256_hex
from cases.disclosure import (
    DisclosureContent,
    DisclosureEntry,
    DisclosureError,
    FoundFeature,
    MatrixCell,
    PathError,
    PathIndex,
    PathMatch,
    Show,
    Supply,
    match_augmed_path,
    merge_matches,
    path_index,
    resolve,
    style_to_json,
)
from cases.layouts.reading import advice_nodes, layout_nodes, matrix_nodes, path_rules
from cases.models import CaseSnapshot, LayoutVersion
from cases.tree import features, from_json
from experiments.display_configs.parsing import ConfigRow, RowError
from experiments.models import Experiment

SOURCE = "display-config CSV"
_Paths = tuple[tuple[str, str], ...]  # path and the canonical JSON of its style, in file order


def study_version(experiment: Experiment) -> LayoutVersion | None:
    """The layout version under which a review of this study will be opened: the protocol's, else the newest."""
    if experiment.protocol is not None:
        return experiment.protocol.layout_version
    return experiment.layout.current() if experiment.layout else None


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


@dataclass(slots=True)
class _Case:
    index: PathIndex
    found: list[FoundFeature]


class SetMaker:
    """Makes the sets of one layout version. A path is matched once per case, and a list of paths resolved once per
    case, however many participants share it; lists that disclose the same are one set for all cases."""

    def __init__(self, version: LayoutVersion, snapshots: dict[int, CaseSnapshot]) -> None:
        """`snapshots` by case. Two queries."""
        self.snapshots = snapshots
        nodes = layout_nodes(version)
        self._nodes = matrix_nodes(nodes)
        self._advice = tuple(advice_nodes(nodes))
        self._rules = path_rules(version)
        self._compatible = any(node.visibility not in (None, "when_disclosed") for node in self._nodes)
        self._cases: dict[int, _Case] = {}
        self._matches: dict[tuple[int, str], PathMatch | PathError] = {}
        self._made: dict[tuple[int, _Paths], ConfigSet] = {}
        self._contents: dict[tuple[DisclosureEntry, ...], tuple[str, str]] = {}

    def make(self, case_id: int, rows: list[ConfigRow]) -> ConfigSet | list[RowError]:
        """The set of these rows' paths in this case, or what is wrong with each row."""
        key = (case_id, tuple((row.path, _style_text(row)) for row in rows))
        if key in self._made:
            return self._made[key]
        # Errors carry row numbers, so they are worked out anew; a path itself is still matched once.
        found = self._make(case_id, rows, key[1])
        if isinstance(found, ConfigSet):
            self._made[key] = found
        return found

    def _make(self, case_id: int, rows: list[ConfigRow], paths: _Paths) -> ConfigSet | list[RowError]:
        matches: list[tuple[PathMatch, ConfigRow]] = []
        errors: list[RowError] = []
        for row in rows:
            match = self._match(case_id, row.path)
            if isinstance(match, PathError):
                errors.append(RowError(row.row, "Path", f"{match.path[:200]!r}: {match.reason}"))
            else:
                matches.append((match, row))
        if errors:
            return errors
        try:
            entries = merge_matches([(match, row.style) for match, row in matches])
        except DisclosureError as error:
            return [RowError(rows[0].row, "Path", str(error))]
        if self._compatible:
            entries = self._with_compatible(case_id, entries)
        sha256, content = self._content(entries)
        supplies = tuple(entry for entry in entries if isinstance(entry, Supply))
        written = [{"path": path, "style": json.loads(style)} for path, style in paths]
        beside = tuple((match.path, match.also_discloses) for match, _ in matches if match.also_discloses)
        return ConfigSet(sha256, content, case_id if supplies else None, canonical_json(written), supplies, beside)

    def _match(self, case_id: int, path: str) -> PathMatch | PathError:
        key = (case_id, path)
        if key not in self._matches:
            index = self._case(case_id).index
            self._matches[key] = match_augmed_path(path, index, self._rules, self._advice, SOURCE)
        return self._matches[key]

    def _with_compatible(self, case_id: int, entries: Iterable[DisclosureEntry]) -> tuple[DisclosureEntry, ...]:
        """What an imported layout shows by itself, beside what the paths name (DESIGN's compatibility visibilities)."""
        listed = tuple(entries)
        shows = [entry for entry in listed if isinstance(entry, Show)]
        cells = [MatrixCell(show.node_key, show.discriminator, True, show.style) for show in shows]
        resolved = resolve(cells, self._nodes, self._case(case_id).found)
        return (*resolved, *(entry for entry in listed if isinstance(entry, Supply)))

    def _content(self, entries: tuple[DisclosureEntry, ...]) -> tuple[str, str]:
        if entries not in self._contents:
            content = canonical_json(DisclosureContent.of(entries).to_json())
            self._contents[entries] = (sha256_hex(content), content)
        return self._contents[entries]

    def _case(self, case_id: int) -> _Case:
        if case_id not in self._cases:
            tree = from_json(json.loads(self.snapshots[case_id].content))
            listed = list(features(tree))
            found = [FoundFeature(feature.node_key, feature.discriminator) for feature, _ in listed]
            self._cases[case_id] = _Case(path_index(listed), found)
        return self._cases[case_id]


_styles: dict[object, str] = {}


def _style_text(row: ConfigRow) -> str:
    """A style as it is kept beside the path: only what the file says, as AugMed's own entries are."""
    if row.style not in _styles:
        if len(_styles) > 10_000:
            _styles.clear()
        said = {name: value for name, value in style_to_json(row.style).items() if value is not None}
        _styles[row.style] = canonical_json(said)
    return _styles[row.style]
