"""A table of the archive: its columns, and its lines in both forms, read anew each time they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from experiments.exports.cells import Column, csv_encoder, csv_header, json_encoder


@dataclass(frozen=True)
class Table:
    """`csv_lines` and `json_lines` each give one line a row, with its end."""

    name: str
    about: str
    columns: Sequence[Column]
    csv_lines: Callable[[], Iterator[str]]
    json_lines: Callable[[], Iterator[str]]

    @property
    def header(self) -> str:
        return csv_header(column.name for column in self.columns) + "\r\n"


def table(name: str, about: str, columns: Sequence[Column], rows: Callable[[], Iterable[Sequence[Any]]]) -> Table:
    """A table whose rows are values in the order of the columns."""

    def csv_lines() -> Iterator[str]:
        encode = csv_encoder(columns)
        return (f"{encode(row)}\r\n" for row in rows())

    def json_lines() -> Iterator[str]:
        encode = json_encoder(columns)
        return (f"{{{encode(row)}}}\n" for row in rows())

    return Table(name, about, columns, csv_lines, json_lines)


def moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="milliseconds")


def day(at: datetime | None) -> str | None:
    return None if at is None else at.date().isoformat()


def seconds(begin: datetime | None, end: datetime | None) -> float | None:
    return None if begin is None or end is None else round((end - begin).total_seconds(), 3)
