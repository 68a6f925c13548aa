"""Text to records with line numbers. Streams: no file is held whole, no value is longer than MAX_CHARACTERS."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple, TextIO

from omop.imports.reading.shape import Dialect

BATCH = 5_000
MAX_CHARACTERS = 8 << 20  # a note may be long, but a quote that never ends must not fill the memory


class Problem(NamedTuple):
    """A record that cannot be read: where it begins, why, and the code of the check that it fails.

    `file_readable` means that what follows in the file has no meaning either; no record comes after it.
    """

    line: int
    reason: str
    code: str


@dataclass(slots=True)
class Batch:
    """Records and the line that each begins on, and those that could not be read."""

    rows: list[list[str]]
    lines: list[int]
    problems: list[Problem]


def read_records(stream: BinaryIO, dialect: Dialect, first_line: int, *, size: int = BATCH) -> Iterator[Batch]:
    """The records from where `stream` stands, which is the beginning of a record on line `first_line`.

    A batch has at most `size` records, those that cannot be read among them, and fewer where they are long. Empty
    lines are passed over, as files often end with one. Bytes that the encoding does not have come through as lone
    surrogates, so that the cell which holds them can be named. The number of fields is not looked at.
    """
    batch = Batch([], [], [])
    enough = MAX_CHARACTERS
    with _reader(stream, dialect, keep=False) as (lines, reader):
        while True:
            line = first_line + reader.line_num
            try:
                row = next(reader)
            except StopIteration:
                break
            except (csv.Error, _TooLong) as error:
                problem = _explain(error, line)
                batch.problems.append(problem)
                if problem.code == "file_readable":
                    break
            else:
                if not row:
                    continue
                batch.rows.append(row)
                batch.lines.append(line)
            if len(batch.rows) + len(batch.problems) == size or lines.characters >= enough:
                enough = lines.characters + MAX_CHARACTERS
                yield batch
                batch = Batch([], [], [])
    if batch.rows or batch.problems:
        yield batch


def raw_records(stream: BinaryIO, dialect: Dialect, first_line: int) -> Iterator[tuple[int, str]]:
    """As `read_records`, but each record as it stands in the file, without its line end."""
    with _reader(stream, dialect, keep=True) as (lines, reader):
        while True:
            line = first_line + reader.line_num
            lines.taken.clear()
            try:
                next(reader)
            except StopIteration:
                return
            except (csv.Error, _TooLong) as error:
                yield line, "".join(lines.taken).rstrip("\r\n")
                if _explain(error, line).code == "file_readable":
                    return
                continue
            yield line, "".join(lines.taken).rstrip("\r\n")


class _TooLong(Exception):
    """A line that does not end."""


class _Lines:
    """The lines of a file; with `keep`, `taken` are those since somebody cleared it."""

    def __init__(self, text: TextIO, keep: bool) -> None:
        self._read = text.readline
        self._keep = keep
        self.taken: list[str] = []
        self.characters = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._read(MAX_CHARACTERS)
        if not line:
            raise StopIteration
        self.characters += len(line)
        if self._keep:
            self.taken.append(line)
        if len(line) == MAX_CHARACTERS:
            raise _TooLong
        return line


@contextmanager
def _reader(stream: BinaryIO, dialect: Dialect, *, keep: bool) -> Iterator[tuple[_Lines, Any]]:
    csv.field_size_limit(MAX_CHARACTERS)
    text = io.TextIOWrapper(stream, encoding=dialect.encoding, errors="surrogateescape", newline="")
    try:
        lines = _Lines(text, keep)
        if dialect.quoted:
            yield lines, csv.reader(lines, delimiter=dialect.separator, strict=True)
        else:
            yield lines, csv.reader(lines, delimiter=dialect.separator, quoting=csv.QUOTE_NONE)
    finally:
        with suppress(ValueError):  # closed already, where somebody stopped in mid-file
            text.detach()  # the stream belongs to the caller


def _explain(error: Exception, line: int) -> Problem:
    message = str(error)
    if isinstance(error, _TooLong):
        reason = f"the line is longer than {MAX_CHARACTERS:,} characters; the file's line ends cannot be recognised"
        return Problem(line, reason, "file_readable")
    if "unexpected end of data" in message or "field larger than" in message:
        reason = "a quotation mark opened in this record is never closed"
        return Problem(line, reason, "file_readable")
    if "expected after" in message:
        return Problem(line, "a quotation mark inside a quoted value is not doubled", "record_readable")
    return Problem(line, f"the record cannot be read: {message}", "record_readable")
