"""Helpers for tests: what is append-only, and how many statements a piece of code sends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from augmed.foundation.append_only import AppendOnly, statements, undo_statements
from augmed.foundation.frozen import FrozenBy


@cache
def append_only_tables() -> tuple[str, ...]:
    """Every table that the migrations made append-only."""
    found = (table for operation in _operations(AppendOnly) for table in operation.tables)
    return tuple(dict.fromkeys(found))


def lift_guards() -> None:
    """Drop the triggers that keep facts and what is frozen, so that a test's rows can be flushed."""
    with connection.cursor() as cursor:
        for table in append_only_tables():
            for statement in undo_statements(table, connection.vendor):
                cursor.execute(statement)
        for operation in _operations(FrozenBy):
            for statement in operation.undo_statements(connection):
                cursor.execute(statement)


def set_guards() -> None:
    """Put them back, as the migrations made them."""
    made = [statement for table in append_only_tables() for statement in statements(table, connection)]
    made += [statement for operation in _operations(FrozenBy) for statement in operation.statements(connection)]
    with connection.cursor() as cursor:
        for statement in made:
            cursor.execute(statement)


@contextmanager
def flushed_by_deleting() -> Iterator[bool]:
    """On PostgreSQL, as a superuser: let Django's flush delete the rows there are, with all triggers off.

    TRUNCATE makes new files for each of a hundred tables and their indexes, and the guards would have to be lifted
    and set again by some two hundred statements: seconds, where this takes milliseconds. Gives whether it does so.
    """
    if connection.vendor != "postgresql" or not _is_superuser():
        yield False
        return
    original = connection.ops.sql_flush

    def deletes(_style: Any, tables: Sequence[str], **_: Any) -> list[str]:
        quoted = [connection.ops.quote_name(table) for table in tables]
        asked = " UNION ALL ".join(f"(SELECT '{table}' FROM {table} LIMIT 1)" for table in quoted)
        with connection.cursor() as cursor:
            cursor.execute(asked)
            filled = [table for (table,) in cursor.fetchall()]
        return ["SET LOCAL session_replication_role = replica", *(f"DELETE FROM {table}" for table in filled)]

    connection.ops.sql_flush = deletes  # type: ignore[assignment, method-assign]
    try:
        yield True
    finally:
        connection.ops.sql_flush = original  # type: ignore[method-assign]


def _is_superuser() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser')")
        return bool(cursor.fetchone()[0] == "on")


@cache
def _operations(kind: type[Any]) -> tuple[Any, ...]:
    loader = MigrationLoader(connection)
    return tuple(
        operation
        for _key, migration in sorted(loader.disk_migrations.items())
        for operation in migration.operations
        if isinstance(operation, kind)
    )
