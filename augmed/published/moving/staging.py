"""AugMed's tables as they were found, in a private temporary database: files and databases are then read alike.

It is SQLite's own unnamed file, which nobody else can open and which goes with the process. Every cell is text."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from types import TracebackType

from augmed.published.moving.tables import TABLES, Table

Row = sqlite3.Row
_BATCH = 2000
LONGEST_ID = 255
_WITHOUT_ID = f"""
SELECT row_number, id FROM "{{table}}" WHERE coalesce(id, '') = '' OR length(id) > {LONGEST_ID}
    OR row_number NOT IN (SELECT min(row_number) FROM "{{table}}" GROUP BY id)
"""


class SourceError(Exception):
    """The source cannot be read at all; the words are for whoever runs the command."""


class Staging:
    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.row_factory = sqlite3.Row
        self.found: set[str] = set()
        for table in TABLES.values():
            columns = ", ".join(f'"{column}" TEXT' for column in table.columns)
            self._database.execute(f'CREATE TABLE "{table.name}" (row_number INTEGER PRIMARY KEY, {columns})')

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._database.close()

    def load(self, table: Table, columns: Sequence[str], rows: Iterable[tuple[int, Sequence[str | None]]]) -> None:
        """Put a table in. `rows`: the number of each, and its cells in the order of `columns`."""
        refuse_without(table, columns)
        known = [(place, name) for place, name in enumerate(columns) if name in table.columns]
        names = ", ".join(f'"{name}"' for _, name in known)
        marks = ", ".join("?" * (len(known) + 1))
        cells = ([number, *(row[place] for place, _ in known)] for number, row in rows)
        while batch := list(islice(cells, _BATCH)):
            self._database.executemany(f'INSERT INTO "{table.name}" (row_number, {names}) VALUES ({marks})', batch)
        self.found.add(table.name)

    def index(self) -> None:
        """What the joins below look things up by."""
        for table, columns in (
            ("answer", "task_id"),
            ("analytics", "case_config_id, user_email"),
            ("display_config", "id"),
        ):
            self._database.execute(f'CREATE INDEX "{table}_by" ON "{table}" ({columns})')

    def set_aside(self) -> Iterator[tuple[str, Row, str]]:
        """Take out rows that have no id of their own, by which they could come once; yield each with the reason."""
        for table in sorted(self.found):
            for row in list(self.rows(_WITHOUT_ID.format(table=table))):
                self._database.execute(f'DELETE FROM "{table}" WHERE row_number = ?', [row["row_number"]])
                yield table, row, "it has no id" if not row["id"] else "its id is too long, or there twice"

    def count(self, table: str) -> int:
        return int(self._database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])

    def rows(self, statement: str) -> Iterator[Row]:
        with closing(self._database.execute(statement)) as cursor:
            yield from cursor

    def chunks(self, statement: str, size: int = 500) -> Iterator[list[Row]]:
        rows = self.rows(statement)
        while chunk := list(islice(rows, size)):
            yield chunk


def refuse_without(table: Table, columns: Sequence[str]) -> None:
    """SourceError where a column is missing without which the table cannot be read."""
    if missing := [name for name in table.needed if name not in columns]:
        raise SourceError(f"Table {table.name} lacks {', '.join(missing)}.")
    if twice := sorted({name for name in table.columns if list(columns).count(name) > 1}):
        raise SourceError(f"Table {table.name} has {', '.join(twice)} twice.")
