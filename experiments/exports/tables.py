"""A table of the archive: its columns, its rows from the database, and how rows become the lines of a file."""

from __future__ import annotations

import marshal
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import IO, Any

from django.db.models import Expression, F, TextField
from django.db.models.functions import Cast

from experiments.exports.cells import Column, csv_encoder, csv_header, json_encoder
from experiments.exports.questions import Asked

Row = Sequence[Any]
Lines = Callable[[Iterable[Row]], Iterator[str]]


@dataclass(frozen=True)
class Table:
    """`rows` reads the database; `csv_lines` and `json_lines` each make one line of a row, with its end. `asked`: the
    questions that columns answer, by the columns' names."""

    name: str
    about: str
    columns: Sequence[Column]
    rows: Callable[[], Iterable[Row]]
    csv_lines: Lines
    json_lines: Lines
    asked: Mapping[str, Asked] = field(default_factory=dict)

    @property
    def header(self) -> str:
        return csv_header(column.name for column in self.columns) + "\r\n"


def table(
    name: str,
    about: str,
    columns: Sequence[Column],
    rows: Callable[[], Iterable[Row]],
    asked: Mapping[str, Asked] | None = None,
) -> Table:
    """A table whose rows are values in the order of the columns."""
    to_csv, to_json = csv_encoder(columns), json_encoder(columns)

    def csv_lines(read: Iterable[Row]) -> Iterator[str]:
        return (f"{to_csv(row)}\r\n" for row in read)

    def json_lines(read: Iterable[Row]) -> Iterator[str]:
        return (f"{{{to_json(row)}}}\n" for row in read)

    return Table(name, about, columns, rows, csv_lines, json_lines, asked or {})


_BATCH = 500
_LENGTH = struct.Struct("<I")


class Spool:
    """Rows on their way to the second form of a file: read from the database once, kept on disk meanwhile."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def noting(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, written down as they pass, many at a time."""
        read = iter(rows)
        while batch := list(islice(read, _BATCH)):
            data = marshal.dumps(batch)
            self._file.write(_LENGTH.pack(len(data)) + data)
            yield from batch

    def again(self) -> Iterator[Row]:
        """All of them, from the first."""
        self._file.seek(0)
        while head := self._file.read(_LENGTH.size):
            yield from marshal.loads(self._file.read(*_LENGTH.unpack(head)))  # noqa: S302  this process wrote it


def at(path: str) -> Expression:
    """A moment as the database writes it: making times of a million rows costs more than all else; see `instant`."""
    return Cast(F(path), TextField())


def instant(text: str | None) -> datetime | None:
    """What `at` read. Both databases write UTC; SQLite does not say so. None also for a moment before the year 1 or
    after 9999, which PostgreSQL takes from a client's clock with a zone and nothing here can read again."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def moment(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat(timespec="milliseconds")


def day(when: datetime | None) -> str | None:
    return None if when is None else when.date().isoformat()
