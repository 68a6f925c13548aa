"""AugMed's display-config CSV, read into rows; whatever cannot be read is an error with its row number.

Source of the format: AugMed's published upload (`User,Case No.,Path,Collapse,Highlight,Top`); `Experiment`, `Arm` and
`Policy` are this project's optional columns. Row numbers are a spreadsheet's: the header is row 1.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from augmed.foundation.canonical import canonical_decimal
from cases.disclosure_content import PLAIN, Style

REQUIRED = ("User", "Case No.", "Path")
OPTIONAL = ("Collapse", "Highlight", "Top", "Experiment", "Arm", "Policy")
MAXIMUM_ROWS = 500_000
LONGEST_PATH = 2_000
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NAMES = {name.lower(): name for name in (*REQUIRED, *OPTIONAL)}


@dataclass(frozen=True, slots=True, order=True)
class RowError:
    """What is wrong with one row; `column` is empty where it is the row as a whole."""

    row: int
    column: str
    message: str

    def __str__(self) -> str:
        place = f"Row {self.row}, {self.column}" if self.column else f"Row {self.row}"
        return f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class ConfigRow:
    """One row. `user` is lower-cased; `path` is empty where the row only names an arm."""

    row: int
    user: str
    case_number: int
    path: str
    style: Style
    experiment: str
    arm: str
    policy: str

    @property
    def pair(self) -> tuple[str, str, int]:
        """What all rows of one configuration have in common."""
        return self.experiment, self.user, self.case_number


@dataclass(slots=True)
class ParsedFile:
    """`ignored_columns` are unknown ones; `ignored_rows` say nothing: no path, and no arm to disclose instead."""

    rows: list[ConfigRow] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    ignored_columns: tuple[str, ...] = ()
    ignored_rows: list[int] = field(default_factory=list)
    duplicate_rows: list[int] = field(default_factory=list)
    row_count: int = 0


def parse(content: bytes) -> ParsedFile:
    """Read a whole file: UTF-8 with or without a byte order mark, comma separated, header in any case."""
    parsed = ParsedFile()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        parsed.errors.append(RowError(row, "", "the file is not UTF-8; save it as 'CSV UTF-8'"))
        return parsed
    records = _records(text, parsed)
    header = next(records, (1, []))[1]
    columns = _columns(header, parsed)
    if columns is None:
        return parsed
    for number, record in records:
        if not any(cell.strip() for cell in record):
            continue
        parsed.row_count += 1
        if parsed.row_count > MAXIMUM_ROWS:
            parsed.errors.append(RowError(number, "", f"a file holds at most {MAXIMUM_ROWS:,} rows"))
            break
        _read_row(number, record, columns, len(header), parsed)
    _look_across(parsed)
    if not parsed.row_count and not parsed.errors:
        parsed.errors.append(RowError(1, "", "the file has a header but no row; nothing would change"))
    parsed.errors.sort()
    return parsed


def _records(text: str, parsed: ParsedFile) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    while True:
        number += 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            parsed.errors.append(RowError(number, "", f"not readable as CSV: {error}"))
            return
        yield number, record


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


def _read_row(number: int, record: Sequence[str], columns: dict[str, int], width: int, parsed: ParsedFile) -> None:
    cells = {name: record[place].strip() if place < len(record) else "" for name, place in columns.items()}
    errors = list(_cell_errors(number, cells))
    if any(cell.strip() for cell in record[width:]):
        errors.append(RowError(number, "", "more cells than the header has; is a comma not in quotes?"))
    style, style_errors = _style(number, cells)
    errors += style_errors
    if errors:
        parsed.errors += errors
        return
    row = ConfigRow(
        row=number,
        user=cells["User"].lower(),
        case_number=int(cells["Case No."]),
        path=cells["Path"],
        style=style,
        experiment=cells.get("Experiment", ""),
        arm=cells.get("Arm", ""),
        policy=cells.get("Policy", ""),
    )
    if not row.path and not row.arm:
        parsed.ignored_rows.append(number)
    else:
        parsed.rows.append(row)


def _cell_errors(number: int, cells: dict[str, str]) -> Iterator[RowError]:
    if not cells["User"]:
        yield RowError(number, "User", "an e-mail address is needed")
    if not _INTEGER.fullmatch(cells["Case No."]):
        yield RowError(number, "Case No.", f"{cells['Case No.'][:40]!r} is not a whole number")
    if len(cells["Path"]) > LONGEST_PATH:
        yield RowError(number, "Path", f"longer than {LONGEST_PATH:,} characters")
    if cells.get("Arm") and not cells.get("Experiment"):
        yield RowError(number, "Arm", "an arm needs the experiment that it belongs to")
    if len(cells.get("Policy", "")) > 100:
        yield RowError(number, "Policy", "longer than 100 characters")


def _style(number: int, cells: dict[str, str]) -> tuple[Style, list[RowError]]:
    flags: dict[str, bool | None] = {}
    errors: list[RowError] = []
    for name in ("Collapse", "Highlight"):
        written = cells.get(name, "").lower()
        flags[name] = {"": None, "true": True, "false": False}.get(written)
        if written not in ("", "true", "false"):
            errors.append(RowError(number, name, f"{cells[name][:40]!r} is neither TRUE nor FALSE nor empty"))
    top = None
    if written := cells.get("Top", ""):
        try:
            top = Decimal(canonical_decimal(written))
        except ValueError:
            errors.append(RowError(number, "Top", f"{written[:40]!r} is not a number"))
    style = Style(flags["Collapse"], flags["Highlight"], top)
    return (PLAIN if style == PLAIN else style), errors


def _look_across(parsed: ParsedFile) -> None:
    """What only shows when rows are seen together: one arm and one policy for a pair, repeated rows counted once."""
    first: dict[tuple[str, str, int], ConfigRow] = {}
    seen: set[tuple[object, ...]] = set()
    kept: list[ConfigRow] = []
    for row in parsed.rows:
        leader = first.setdefault(row.pair, row)
        for column, mine, theirs in (("Arm", row.arm, leader.arm), ("Policy", row.policy, leader.policy)):
            if mine != theirs:
                parsed.errors.append(RowError(row.row, column, f"{mine!r}, but row {leader.row} says {theirs!r}"))
        identity = (row.pair, row.path, row.style)
        if identity in seen:
            parsed.duplicate_rows.append(row.row)
        else:
            seen.add(identity)
            kept.append(row)
    parsed.rows = kept


def grouped(rows: Iterable[ConfigRow]) -> dict[tuple[str, str, int], list[ConfigRow]]:
    """The rows of each (experiment, user, case number), in the order of their first appearance."""
    groups: dict[tuple[str, str, int], list[ConfigRow]] = {}
    for row in rows:
        groups.setdefault(row.pair, []).append(row)
    return groups
