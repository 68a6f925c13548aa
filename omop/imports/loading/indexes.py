"""Indexes of an empty PostgreSQL table, built after its rows: that takes a fraction of the time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import OperationalError, connection, transaction

from omop.imports.backends import execute, query, quoted
from omop.imports.schema import TableSchema

# Left alone: what a foreign key or the replica identity rests on, what the table is clustered by, what has a comment
# (which its definition does not tell), what is not valid.
_INDEXES = """
    SELECT i.relname, pg_get_indexdef(x.indexrelid), c.conname, pg_get_constraintdef(c.oid)
    FROM pg_index x
    JOIN pg_class i ON i.oid = x.indexrelid
    LEFT JOIN pg_constraint c ON c.conindid = x.indexrelid AND c.conrelid = x.indrelid AND c.contype IN ('p', 'u', 'x')
    WHERE x.indrelid = %s::regclass AND x.indisvalid AND NOT x.indisclustered AND NOT x.indisreplident
      AND i.reltablespace = 0
      AND obj_description(i.oid, 'pg_class') IS NULL AND obj_description(c.oid, 'pg_constraint') IS NULL
      AND NOT EXISTS (SELECT 1 FROM pg_constraint f WHERE f.contype = 'f' AND f.conindid = x.indexrelid)
    ORDER BY x.indisprimary DESC, i.relname
"""

# Half of what PostgreSQL lets pass before it looks for a deadlock. Somebody who has read this table may be waiting for
# one that this run has locked: to wait for each other would end one of both.
_WAIT = "500ms"
_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True, slots=True)
class _Index:
    """`constraint` is the definition of the constraint that the index belongs to, if there is one of its name."""

    name: str
    definition: str
    constraint: str | None


@contextmanager
def built_after(schema: TableSchema) -> Iterator[bool]:
    """Inside a transaction: drop the indexes of an empty table, and build them again at the end of the block.

    Gives whether it does so; on SQLite, for a table that has rows and for one that somebody is reading nothing happens.
    Whoever reads the table later waits until the transaction ends. An exception in the block goes through: the
    transaction has to be rolled back, which brings the indexes back as they were.
    """
    indexes = _dropped(schema) if connection.vendor == "postgresql" else []
    yield bool(indexes)
    table = quoted(schema.name)
    for index in indexes:
        if index.constraint is None:
            execute(index.definition)
        else:
            execute(f"ALTER TABLE {table} ADD CONSTRAINT {quoted(index.name)} {index.constraint}")


def _dropped(schema: TableSchema) -> list[_Index]:
    table = quoted(schema.name)
    if query(f"SELECT 1 FROM {table} LIMIT 1"):
        return []
    if not _locked(table):
        return []
    if query(f"SELECT 1 FROM {table} LIMIT 1"):  # somebody was faster
        return []
    indexes = [
        _Index(constraint or name, definition, text) for name, definition, constraint, text in query(_INDEXES, [table])
    ]
    for index in indexes:
        if index.constraint is None:
            execute(f"DROP INDEX {quoted(index.name)}")
        else:
            execute(f"ALTER TABLE {table} DROP CONSTRAINT {quoted(index.name)}")
    return indexes


def _locked(table: str) -> bool:
    """Take the table for this transaction alone; False where others have it."""
    try:
        with transaction.atomic():
            execute(f"SET LOCAL lock_timeout = '{_WAIT}'")
            execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            execute("SET LOCAL lock_timeout = DEFAULT")
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _NOT_AVAILABLE:
            raise
        return False
    return True
