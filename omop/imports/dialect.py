"""Bytes to records: separator, quoting, header, line numbers. Streams; a file is never held whole."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

BATCH = 5_000
MAX_CELL = 64 * 1024 * 1024  # a note may be long, but a quote that never ends must not fill the memory
MAX_HEADER = 64 * 1024


class HeaderError(ValueError):
    """The file has no header that can be read."""


@dataclass(slots=True)
class Batch:
    """Records and the line that each begins on; `problems` are lines that could not be read, with why."""

    rows: list[list[str]]
    lines: list[int]
    problems: list[tuple[int, str]]


class RecordReader:
    """An open file: `header` is its column names in lower case, `batches()` the records after it.

    Bytes that are not UTF-8 come through as lone surrogates, so that the cell which holds them can be named.
    """

    def __init__(self, file: TextIO) -> None:
        first = file.readline(MAX_HEADER)
        if not first.strip():
            raise HeaderError("the file is empty; its first line must name the columns")
        file.seek(0)
        self._file = file
        self._reader = csv.reader(file, **_dialect(first))
        try:
            names = next(self._reader)
        except (csv.Error, StopIteration) as error:
            raise HeaderError(f"the header cannot be read: {error}") from error
        self.header = [name.strip().strip('"').strip().lower() for name in names]

    @property
    def bytes_read(self) -> int:
        return self._file.buffer.tell()

    def batches(self, size: int = BATCH) -> Iterator[Batch]:
        """Records in batches of `size`. Empty lines are passed over, as files often end with one."""
        reader = self._reader
        batch = Batch([], [], [])
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                batch.problems.append((line, _explain(error)))
                continue
            if row:
                batch.rows.append(row)
                batch.lines.append(line)
                if len(batch.rows) == size:
                    yield batch
                    batch = Batch([], [], [])
        if batch.rows or batch.problems:
            yield batch


@contextmanager
def open_records(path: Path) -> Iterator[RecordReader]:
    """Open a file for reading; raises HeaderError or OSError."""
    csv.field_size_limit(MAX_CELL)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        yield RecordReader(file)


def _dialect(first: str) -> dict[str, Any]:
    # Vocabulary downloads are tab separated and know no quoting: their quotes are part of the names.
    # A tab separated file whose header is quoted does quote.
    if first.count("\t") > first.count(","):
        if first.lstrip().startswith('"'):
            return {"delimiter": "\t", "strict": True}
        return {"delimiter": "\t", "quoting": csv.QUOTE_NONE}
    return {"delimiter": ",", "strict": True}


def _explain(error: csv.Error) -> str:
    message = str(error)
    if "unexpected end of data" in message:
        return "a quotation mark opened in this record is never closed"
    if "expected after" in message:
        return "a quotation mark inside a quoted value is not doubled"
    return f"the record cannot be read: {message}"
