"""What PostgreSQL and SQLite do differently: staging tables, bulk writes, comparing with NULL, locking.

Staging tables are temporary and belong to the connection. They are filled outside the run's transaction, so that a
long read of files holds no lock and its progress can be seen; they go away at the end whatever happens.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from django.db import connection, transaction

from omop.fields import SQLITE_DIGITS
from omop.imports.schema import TableSchema

FILE, LINE, REJECTED = "_file", "_line", "_rejected"
_OWN = {FILE: "integer", LINE: "id", REJECTED: "integer"}
_SQLITE_TYPES = {"id": pa.int64(), "integer": pa.int64(), "number": pa.float64()}
_SENT = 1 << 20  # bytes that go to COPY at a time
_ROWS = 5_000
_MEMORY = {"work_mem": "64MB", "maintenance_work_mem": "256MB"}  # of the server, for joins and for indexes


def staging(table: str) -> str:
    """Name of a table's staging table."""
    return f"omop_import_{table}"


class Backend(ABC):
    """What both have in common."""

    same: str  # the comparison for which NULL equals NULL
    max_digits: int | None  # of a number
    types: dict[str, str]

    def __init__(self) -> None:
        self.tables: set[str] = set()

    def create(self, schema: TableSchema) -> None:
        """Make the empty staging table of a table."""
        columns = [(FILE, "integer"), (LINE, "bigint"), (REJECTED, "smallint")]
        columns += [(column.name, self.types[column.kind]) for column in schema.columns.values()]
        body = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns)
        execute(f"DROP TABLE IF EXISTS {self.temporary(schema.name)}")
        execute(f"CREATE TEMPORARY TABLE {quoted(staging(schema.name))} ({body})")
        self.tables.add(schema.name)

    @abstractmethod
    def temporary(self, table: str) -> str:
        """The staging table's qualified name, which never means a permanent table."""

    @abstractmethod
    def encode(self, schema: TableSchema, rows: pa.Table) -> Any:
        """Rows of canonical texts, null for none, as `write` takes them. Called by threads; asks no database."""

    @abstractmethod
    def write(self, schema: TableSchema, names: Sequence[str], count: int, encoded: Any) -> None:
        """Append `count` encoded rows, whose columns are `names`."""

    @abstractmethod
    def finish(self, schema: TableSchema) -> None:
        """All rows of the table are there: prepare for the checks."""

    @abstractmethod
    def lock(self) -> None:
        """Within the transaction, first: let no second import load at the same time."""

    @abstractmethod
    def memory(self) -> None:
        """Within a transaction, first: let its statements have the memory that joins of whole tables need."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[Any]:
        """What a check runs in that loads nothing."""

    def drop(self) -> None:
        """Remove the staging tables, unless the transaction is already lost (its end removes them)."""
        if connection.needs_rollback or connection.connection is None:
            return
        for table in self.tables:
            execute(f"DROP TABLE IF EXISTS {self.temporary(table)}")


class PostgreSQL(Backend):
    """COPY, of CSV that pyarrow writes and that names its columns: so no line of a file can mean anything to COPY."""

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

    def temporary(self, table: str) -> str:
        return f"pg_temp.{quoted(staging(table))}"

    def encode(self, schema: TableSchema, rows: pa.Table) -> Any:
        # Nulls are written as nothing at all, so only quoting tells an empty text from none.
        if not any(_has_empty(column) for column in rows.columns):
            try:
                return _csv(rows, "none")
            except pa.ArrowInvalid:  # some text holds a comma, a quotation mark or a line end
                pass
        return _csv(rows, "needed")

    def write(self, schema: TableSchema, names: Sequence[str], count: int, encoded: Any) -> None:
        target = f"{self.temporary(schema.name)} ({', '.join(map(quoted, names))})"
        with connection.cursor() as cursor:
            with cursor.copy(f"COPY {target} FROM STDIN (FORMAT csv, ENCODING 'UTF8')") as copy:
                for start in range(0, len(encoded), _SENT):
                    copy.write(encoded[start : start + _SENT])
            if cursor.rowcount != count:
                raise RuntimeError(f"{schema.name}: COPY took {cursor.rowcount} of {count} rows")

    def finish(self, schema: TableSchema) -> None:
        # Joins need to know how many rows and values there are, roughly; the finer default takes a second a table.
        with transaction.atomic():
            execute("SET LOCAL default_statistics_target = 20")
            execute(f"ANALYZE {self.temporary(schema.name)}")

    def memory(self) -> None:
        for name, value in _MEMORY.items():
            execute(f"SET LOCAL {name} = '{value}'")

    def reading(self) -> AbstractContextManager[Any]:
        return transaction.atomic()

    def lock(self) -> None:
        self.memory()
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

    def temporary(self, table: str) -> str:
        return f"temp.{quoted(staging(table))}"

    def encode(self, schema: TableSchema, rows: pa.Table) -> Any:
        kinds = {**_OWN, **{column.name: column.kind for column in schema.columns.values()}}
        wanted = [_SQLITE_TYPES.get(kinds[name], pa.string()) for name in rows.column_names]
        return rows.cast(pa.schema(list(zip(rows.column_names, wanted, strict=True))))

    def write(self, schema: TableSchema, names: Sequence[str], count: int, encoded: Any) -> None:
        marks = ", ".join(["%s"] * len(names))
        sql = f"INSERT INTO {self.temporary(schema.name)} ({', '.join(map(quoted, names))}) VALUES ({marks})"
        alone = not connection.in_atomic_block
        with connection.cursor() as cursor:
            if alone:  # in autocommit each row would be a transaction of its own
                cursor.execute("BEGIN DEFERRED")
            try:
                for rows in _slices(encoded):
                    cursor.executemany(sql, rows)
            finally:
                if alone:
                    cursor.execute("COMMIT")

    def lock(self) -> None:
        """Nothing to do: one transaction writes at a time."""

    def memory(self) -> None:
        """Nothing to do: no statement is given less."""

    def reading(self) -> AbstractContextManager[Any]:
        return nullcontext()  # a transaction would lock all other writers out for as long as it reads

    def finish(self, schema: TableSchema) -> None:
        key = ", ".join(map(quoted, schema.key))
        index = quoted(f"{staging(schema.name)}_key")
        execute(f"CREATE INDEX temp.{index} ON {quoted(staging(schema.name))} ({key})")


def _has_empty(column: pa.ChunkedArray) -> bool:
    return pa.types.is_string(column.type) and pc.min(pc.binary_length(column)).as_py() == 0


def _csv(rows: pa.Table, quoting: str) -> memoryview:
    sink = pa.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False, batch_size=len(rows), quoting_style=quoting)
    pyarrow.csv.write_csv(rows, sink, options)
    return memoryview(sink.getvalue())


def _slices(rows: pa.Table) -> Iterator[list[tuple[Any, ...]]]:
    """Rows as Python's values, a few thousand at a time: they take ten times the memory of the columns."""
    for start in range(0, len(rows), _ROWS):
        columns = [column.to_pylist() for column in rows.slice(start, _ROWS).columns]
        yield list(zip(*columns, strict=True))


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
