"""Helpers for tests: what is append-only, and how many statements a piece of code sends."""

from __future__ import annotations

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


@cache
def _operations(kind: type[Any]) -> tuple[Any, ...]:
    loader = MigrationLoader(connection)
    return tuple(
        operation
        for _key, migration in sorted(loader.disk_migrations.items())
        for operation in migration.operations
        if isinstance(operation, kind)
    )
