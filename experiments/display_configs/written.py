"""What a display-config CSV says, as plain values: its configurations with their paths, and what is wrong where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from cases.disclosure_content import Style

Pair = tuple[str, str, int]
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True, order=True)
class RowError:
    """What is wrong with one row; `column` is empty where it is the row as a whole."""

    row: int
    column: str
    message: str

    def __str__(self) -> str:
        place = f"Row {self.row}, {self.column}" if self.column else f"Row {self.row}"
        return f"{place}: {self.message}"


class ConfigRow(NamedTuple):
    """One row. `user` is lower-cased; `path` is empty where the row only names an arm."""

    row: int
    user: str
    case_number: int
    path: str
    style: Style
    experiment: str
    arm: str
    policy: str


class PathRow(NamedTuple):
    """One path of a configuration, and the row that it stands in."""

    row: int
    path: str
    style: Style


@dataclass(slots=True)
class WrittenConfig:
    """All rows of one (experiment, user, case number): `row` is the first, `paths` those that name something."""

    row: int
    experiment: str
    user: str
    case_number: int
    arm: str
    policy: str
    paths: list[PathRow] = field(default_factory=list)

    def row_of(self, text: str) -> int:
        """The row whose path ends so, else the first."""
        return next((path.row for path in self.paths if path.path.endswith(text)), self.row)


@dataclass(slots=True)
class ParsedFile:
    """`configs` come in the order of their first rows. `ignored_columns` are unknown ones; `ignored_rows` say nothing:
    no path, and no arm to disclose instead."""

    configs: dict[Pair, WrittenConfig] = field(default_factory=dict)
    errors: list[RowError] = field(default_factory=list)
    ignored_columns: tuple[str, ...] = ()
    ignored_rows: list[int] = field(default_factory=list)
    duplicate_rows: list[int] = field(default_factory=list)
    row_count: int = 0

    @property
    def rows(self) -> Iterator[ConfigRow]:
        """Every path as a row of its own."""
        for one in self.configs.values():
            for row, path, style in one.paths or [PathRow(one.row, "", Style())]:
                yield ConfigRow(row, one.user, one.case_number, path, style, one.experiment, one.arm, one.policy)

    def add(self, row: ConfigRow) -> None:
        """Put a row to its configuration, which has one arm and one policy."""
        if not row.path and not row.arm:
            self.ignored_rows.append(row.row)
            return
        pair = (row.experiment, row.user, row.case_number)
        config = self.configs.get(pair)
        if config is None:
            config = WrittenConfig(row.row, *pair, row.arm, row.policy)
            self.configs[pair] = config
        elif config.arm != row.arm or config.policy != row.policy:
            for column, mine, theirs in (("Arm", row.arm, config.arm), ("Policy", row.policy, config.policy)):
                if mine != theirs:
                    text = f"{mine!r}, but row {config.row} says {theirs!r}"
                    self.errors.append(RowError(row.row, column, text))
        elif not row.path:
            self.duplicate_rows.append(row.row)
        if row.path:
            config.paths.append(PathRow(row.row, row.path, row.style))

    def count_once(self) -> None:
        """Leave out rows that say again what another row of their configuration says."""
        for config in self.configs.values():
            if len({path.path for path in config.paths}) == len(config.paths):
                continue
            kept: dict[tuple[str, Style], PathRow] = {}
            for path in config.paths:
                if kept.setdefault((path.path, path.style), path) is not path:
                    self.duplicate_rows.append(path.row)
            config.paths = list(kept.values())
        self.duplicate_rows.sort()


def parsed_rows(rows: Iterable[ConfigRow]) -> ParsedFile:
    """Rows that came another way than in a file, put together as a file's are."""
    parsed = ParsedFile()
    for row in rows:
        parsed.row_count += 1
        if storable(row.user, row.path, row.experiment, row.arm, row.policy):
            parsed.add(row)
        else:
            parsed.errors.append(RowError(row.row, "", "there is a character in it that cannot be stored"))
    parsed.count_once()
    return parsed


def storable(*texts: str) -> bool:
    """PostgreSQL takes no null character, UTF-8 no half of a surrogate pair; JSON can hold both."""
    return not any(map(_UNSTORABLE.search, texts))
