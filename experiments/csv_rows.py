"""Read a small CSV that staff wrote, with line numbers, and refuse it with every error at once. Writes nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass, field

from augmed.foundation.errors import Invalid

LISTED_ERRORS = 1_000
MOST_ROWS = 100_000


@dataclass(frozen=True)
class CsvRow:
    """A row with its first line in the file and its cells by lower-case column name, stripped."""

    line: int
    cells: dict[str, str]


@dataclass
class RowErrors:
    """Errors by line, counted; the first thousand are listed."""

    count: int = 0
    listed: dict[str, list[str]] = field(default_factory=dict)

    def add(self, line: int, message: str) -> None:
        self.count += 1
        if self.count <= LISTED_ERRORS:
            self.listed.setdefault(f"line {line}", []).append(message)

    def refuse(self) -> None:
        """Raise Invalid when there is any."""
        if self.count:
            raise Invalid(
                f"Nothing was imported: {self.count} error{'s' if self.count > 1 else ''}.", errors=self.listed
            )


def read_rows(content: bytes | str, *, required: Collection[str], optional: Collection[str] = ()) -> list[CsvRow]:
    """The rows of a comma or semicolon separated file in UTF-8; Invalid when its form is wrong.

    Empty lines are passed over. Every required cell must be filled in; unknown and repeated columns are refused."""
    reader = csv.reader(io.StringIO(_decoded(content), newline=""), delimiter=_delimiter(content), strict=True)
    errors = RowErrors()
    rows: list[CsvRow] = []
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _check_header(header, required, optional)
        begun = reader.line_num + 1
        for cells in reader:
            line, begun = begun, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if len(rows) == MOST_ROWS:
                raise Invalid(f"The file has more than {MOST_ROWS} rows.")
            if len(cells) != len(header):
                errors.add(line, f"{len(cells)} cells where the header has {len(header)}.")
                continue
            row = dict(zip(header, (cell.strip() for cell in cells), strict=True))
            for name in (name for name in required if not row[name]):
                errors.add(line, f"{name} is empty.")
            rows.append(CsvRow(line, row))
    except csv.Error as error:
        errors.add(reader.line_num, f"This is not CSV: {error}.")
    errors.refuse()
    return rows


def _decoded(content: bytes | str) -> str:
    if isinstance(content, str):
        return content.removeprefix("\ufeff")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Invalid("The file is not UTF-8.", errors={f"line {line}": ["A byte here is not UTF-8."]}) from error


def _delimiter(content: bytes | str) -> str:
    """Spreadsheets of many languages write semicolons."""
    head = _decoded(content).partition("\n")[0]
    return ";" if head.count(";") > head.count(",") else ","


def _check_header(header: list[str], required: Collection[str], optional: Collection[str]) -> None:
    known = {*required, *optional}
    wrong = [f"The column {name} is missing." for name in required if name not in header]
    wrong += [f"There is no column {name or '(without name)'}." for name in header if name not in known]
    wrong += [f"The column {name} stands twice." for name in sorted({n for n in header if header.count(n) > 1})]
    if wrong:
        raise Invalid("The header is not as it should be: " + " ".join(wrong), errors={"line 1": wrong})
