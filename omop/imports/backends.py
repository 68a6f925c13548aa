"""What PostgreSQL and SQLite do differently: staging tables, bulk writes, comparing with NULL, locking.

Staging tables are temporary and belong to the connection. They are filled outside the run's transaction, so that a
long read of files holds no lock and its progress can be seen; they go away at the end whatever happens.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

from omop.fields import SQLITE_DIGITS
from omop.imports.schema import TableSchema

FILE, LINE, REJECTED = "_file", "_line", "_rejected"
Column = Sequence[Any]


def staging(table: str) -> str:
    """Name of a table's staging table."""
    return f"omop_import_{table}"


class Backend:
    """What both have in common. `null` is the staged form of an empty cell."""

    null: Any = None
    same: str  # the comparison for which NULL equals NULL
    max_digits: int | None  # of a number
    types: dict[str, str]

    def __init__(self) -> None:
        self.tables: set[str] = set()

    def encoder(self, kind: str) -> Callable[[str], Any] | None:
        """From a cell's canonical text to what `write` takes; None where that is the text itself."""
        raise NotImplementedError

    def create(self, schema: TableSchema) -> None:
        """Make the empty staging table of a table."""
        columns = [(FILE, "integer"), (LINE, "bigint"), (REJECTED, "smallint")]
        columns += [(column.name, self.types[column.kind]) for column in schema.columns.values()]
        body = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns)
        execute(f"DROP TABLE IF EXISTS {self.temporary(schema.name)}")
        execute(f"CREATE TEMPORARY TABLE {quoted(staging(schema.name))} ({body})")
        self.tables.add(schema.name)

    def temporary(self, table: str) -> str:
        """The staging table's qualified name, which never means a permanent table."""
        raise NotImplementedError

    def write(self, table: str, names: Sequence[str], columns: Sequence[Column]) -> None:
        """Append rows, given column by column and already encoded."""
        raise NotImplementedError

    def finish(self, schema: TableSchema) -> None:
        """All rows of the table are there: prepare for the checks."""
        raise NotImplementedError

    def lock(self) -> None:
        """Within the transaction: let no second import load at the same time."""

    def drop(self) -> None:
        """Remove the staging tables, unless the transaction is already lost (its end removes them)."""
        if connection.needs_rollback or connection.connection is None:
            return
        for table in self.tables:
            execute(f"DROP TABLE IF EXISTS {self.temporary(table)}")


class PostgreSQL(Backend):
    """COPY in text format, which this class writes itself: so no line of a file can mean anything to COPY."""

    null = "\\N"
    same = "IS NOT DISTINCT FROM"
    max_digits = None
    types = {
        "id": "bigint",
        "integer": "integer",
        "number": "numeric",
        "date": "date",
        "moment": "timestamp",
        "text": "text",
    }

    _LOCK = 4_150_254  # any number: the advisory lock that imports share
    _SPECIAL = re.compile(r"[\\\n\r\t]")
    _ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})

    def encoder(self, kind: str) -> Callable[[str], Any] | None:
        return self._escape if kind == "text" else None

    def _escape(self, value: str) -> str:
        return value.translate(self._ESCAPES) if self._SPECIAL.search(value) else value

    def temporary(self, table: str) -> str:
        return f"pg_temp.{quoted(staging(table))}"

    def write(self, table: str, names: Sequence[str], columns: Sequence[Column]) -> None:
        lines = "\n".join(map("\t".join, zip(*columns, strict=True)))
        target = f"{self.temporary(table)} ({', '.join(map(quoted, names))})"
        with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
            copy.write(lines.encode())
            copy.write(b"\n")

    def finish(self, schema: TableSchema) -> None:
        execute(f"ANALYZE {self.temporary(schema.name)}")

    def lock(self) -> None:
        execute("SELECT pg_advisory_xact_lock(%s)", [self._LOCK])


class SQLite(Backend):
    """executemany, one transaction a batch; the main database is not locked by it."""

    same = "IS"
    max_digits = SQLITE_DIGITS
    types = {
        "id": "integer",
        "integer": "integer",
        "number": "real",
        "date": "text",
        "moment": "text",
        "text": "text",
    }

    def encoder(self, kind: str) -> Callable[[str], Any] | None:
        if kind in {"id", "integer"}:
            return int
        return float if kind == "number" else None

    def temporary(self, table: str) -> str:
        return f"temp.{quoted(staging(table))}"

    def write(self, table: str, names: Sequence[str], columns: Sequence[Column]) -> None:
        marks = ", ".join(["%s"] * len(names))
        sql = f"INSERT INTO {self.temporary(table)} ({', '.join(map(quoted, names))}) VALUES ({marks})"
        alone = not connection.in_atomic_block
        with connection.cursor() as cursor:
            if alone:  # in autocommit each row would be a transaction of its own
                cursor.execute("BEGIN DEFERRED")
            try:
                cursor.executemany(sql, list(zip(*columns, strict=True)))
            finally:
                if alone:
                    cursor.execute("COMMIT")

    def finish(self, schema: TableSchema) -> None:
        key = ", ".join(map(quoted, schema.key))
        index = quoted(f"{staging(schema.name)}_key")
        execute(f"CREATE INDEX temp.{index} ON {quoted(staging(schema.name))} ({key})")


def backend() -> Backend:
    """The one for the database in use."""
    return PostgreSQL() if connection.vendor == "postgresql" else SQLite()


def quoted(name: str) -> str:
    """An identifier, safe in SQL."""
    return connection.ops.quote_name(name)


def execute(sql: str, parameters: Sequence[Any] = ()) -> int:
    """Run a statement; the number of rows it changed."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return max(cursor.rowcount, 0)


def query(sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a query whose answer is short."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
