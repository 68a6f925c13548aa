"""AugMed's display-config CSV, read into configurations; whatever cannot be read is an error with its row number.

Source of the format: AugMed's published upload (`User,Case No.,Path,Collapse,Highlight,Top`); `Experiment`, `Arm` and
`Policy` are this project's optional columns. Row numbers are a spreadsheet's: the header is row 1.

A file has some hundred thousand rows of few different cells, so each different cell is read once and then remembered.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any, NamedTuple

from augmed.foundation.canonical import canonical_decimal
from augmed.foundation.garbage import nothing_to_collect
from cases.disclosure_content import PLAIN, Style
from experiments.display_configs.written import ConfigRow, ParsedFile, RowError, WrittenConfig, parsed_rows

__all__ = ["OVERRIDES", "ConfigRow", "ParsedFile", "RowError", "WrittenConfig", "parse", "parsed_rows"]

REQUIRED = ("User", "Case No.", "Path")
OVERRIDES = ("Experiment", "Arm", "Policy")
OPTIONAL = ("Collapse", "Highlight", "Top", *OVERRIDES)
LARGEST_BYTES = 50 * 1024 * 1024
MAXIMUM_ROWS = 500_000
LONGEST_PATH = 2_000
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NAMES = {name.lower(): name for name in (*REQUIRED, *OPTIONAL)}


@nothing_to_collect()
def parse(content: bytes, overrides: Mapping[str, str] | None = None) -> ParsedFile:
    """Read a whole file: UTF-8 with or without a byte order mark, comma separated, header in any case.

    `overrides`: what holds for all rows instead of their own Experiment, Arm or Policy."""
    parsed = ParsedFile()
    if problem := _unreadable(content):
        parsed.errors.append(problem)
        return parsed
    records = _records(content, parsed)
    header = next(records, (1, []))[1]
    columns = _columns(header, parsed)
    if columns is None:
        return parsed
    _read_rows(records, _Cells(columns, len(header), overrides or {}), parsed)
    parsed.count_once()
    if not parsed.row_count and not parsed.errors:
        parsed.errors.append(RowError(1, "", "the file has a header but no row; nothing would change"))
    parsed.errors.sort()
    return parsed


def _unreadable(content: bytes) -> RowError | None:
    """What no text file has, and its row."""
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        return RowError(row, "", "the file is not UTF-8; save it as 'CSV UTF-8'")
    if b"\0" in content:
        row = content[: content.index(b"\0")].count(b"\n") + 1
        return RowError(row, "", "there is a null character, which no text has; save the file anew")
    return None


def _records(content: bytes, parsed: ParsedFile) -> Iterator[tuple[int, list[str]]]:
    """The records and their numbers. Decoded bit by bit: a whole text in memory takes four times the file."""
    number = 0
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    try:
        for number, record in enumerate(csv.reader(text, strict=True), start=1):
            yield number, record
    except csv.Error as error:
        parsed.errors.append(RowError(number + 1, "", f"not readable as CSV: {error}"))


def _columns(header: Sequence[str], parsed: ParsedFile) -> dict[str, int] | None:
    """The place of every known column, or None where the header cannot be used."""
    found: dict[str, int] = {}
    unknown: list[str] = []
    for place, cell in enumerate(header):
        name = _NAMES.get(" ".join(cell.split()).lower())
        if name is None:
            unknown.append(cell.strip())
        elif name in found:
            parsed.errors.append(RowError(1, name, "the column is there twice"))
        else:
            found[name] = place
    parsed.ignored_columns = tuple(name for name in unknown if name)
    missing = [name for name in REQUIRED if name not in found]
    if missing:
        hint = "; the columns are separated by ';', they must be by ','" if any(";" in cell for cell in header) else ""
        parsed.errors.append(RowError(1, "", f"the header lacks {', '.join(missing)}{hint}"))
    return None if parsed.errors else found


def _read_rows(records: Iterator[tuple[int, list[str]]], cells: _Cells, parsed: ParsedFile) -> None:
    for number, record in records:
        if not any(map(str.strip, record)):
            continue
        parsed.row_count += 1
        if parsed.row_count > MAXIMUM_ROWS:
            parsed.errors.append(RowError(number, "", f"a file holds at most {MAXIMUM_ROWS:,} rows"))
            return
        row, problems = cells.row(number, record)
        if problems:
            parsed.errors += [RowError(number, column, message) for column, message in problems]
        else:
            parsed.add(row)


_Problems = tuple[tuple[str, str], ...]  # column and message


class _Read(NamedTuple):
    value: Any
    problems: _Problems = ()


class _Remembered(dict[Any, _Read]):
    """Reads each different cell once."""

    def __init__(self, read: Callable[[Any], _Read]) -> None:
        self._read = read

    def __missing__(self, cell: Any) -> _Read:
        found = self[cell] = self._read(cell)
        return found


class _Cells:
    """From the cells of a record to a row. A column that the header does not have is an empty cell behind the last."""

    def __init__(self, columns: Mapping[str, int], width: int, overrides: Mapping[str, str]) -> None:
        def place(*names: str) -> tuple[int, ...]:
            return tuple(columns.get(name, width) for name in names)

        self._width = width
        self._overrides = [overrides.get(name) for name in OVERRIDES]
        self._user, self._number, self._path = place(*REQUIRED)
        self._style, self._names = place("Collapse", "Highlight", "Top"), place(*OVERRIDES)
        self._users, self._numbers = _Remembered(_user), _Remembered(_case_number)
        self._paths, self._styles = _Remembered(_path), _Remembered(_style)
        self._named = _Remembered(self._belonging)

    def row(self, number: int, record: list[str]) -> tuple[ConfigRow, _Problems]:
        beyond = _beyond(record[self._width :]) if len(record) > self._width else ()
        record = [*record[: self._width], *[""] * (self._width + 1 - len(record)), ""]
        user, user_problems = self._users[record[self._user]]
        case_number, number_problems = self._numbers[record[self._number]]
        path, path_problems = self._paths[record[self._path]]
        collapse, highlight, top = self._style
        style, style_problems = self._styles[record[collapse], record[highlight], record[top]]
        experiment, arm, policy = self._names
        names, name_problems = self._named[record[experiment], record[arm], record[policy]]
        problems = (*user_problems, *number_problems, *path_problems, *style_problems, *name_problems, *beyond)
        return ConfigRow(number, user, case_number, path, style, *names), problems

    def _belonging(self, cells: tuple[str, str, str]) -> _Read:
        given = zip(cells, self._overrides, strict=True)
        experiment, arm, policy = (cell.strip() if said is None else said for cell, said in given)
        problems = []
        if arm and not experiment:
            problems.append(("Arm", "an arm needs the experiment that it belongs to"))
        problems += [
            (name, "there is a null character in it")
            for name, value in zip(OVERRIDES, (experiment, arm, policy), strict=True)
            if "\0" in value
        ]
        if len(policy) > 100:
            problems.append(("Policy", "longer than 100 characters"))
        return _Read((experiment, arm, policy), tuple(problems))


def _beyond(cells: Sequence[str]) -> _Problems:
    if any(cell.strip() for cell in cells):
        return (("", "more cells than the header has; is a comma not in quotes?"),)
    return ()


def _user(cell: str) -> _Read:
    user = cell.strip().lower()
    return _Read(user) if user else _Read("", (("User", "an e-mail address is needed"),))


def _case_number(cell: str) -> _Read:
    written = cell.strip()
    if _INTEGER.fullmatch(written):
        return _Read(int(written))
    return _Read(0, (("Case No.", f"{written[:40]!r} is not a whole number"),))


def _path(cell: str) -> _Read:
    path = cell.strip()
    return _Read(path, (("Path", f"longer than {LONGEST_PATH:,} characters"),) if len(path) > LONGEST_PATH else ())


def _style(cells: tuple[str, str, str]) -> _Read:
    collapse, highlight = _flag("Collapse", cells[0]), _flag("Highlight", cells[1])
    top = _top(cells[2].strip())
    style = Style(collapse.value, highlight.value, top.value)
    problems = tuple(chain(collapse.problems, highlight.problems, top.problems))
    return _Read(PLAIN if style == PLAIN else style, problems)


def _flag(column: str, cell: str) -> _Read:
    written = cell.strip()
    if written.lower() in ("", "true", "false"):
        return _Read({"": None, "true": True, "false": False}[written.lower()])
    return _Read(None, ((column, f"{written[:40]!r} is neither TRUE nor FALSE nor empty"),))


def _top(written: str) -> _Read:
    try:
        return _Read(Decimal(canonical_decimal(written)) if written else None)
    except ValueError:
        return _Read(None, (("Top", f"{written[:40]!r} is not a number"),))
