"""Helpers for tests: what is append-only, and how many statements a piece of code sends."""

from __future__ import annotations

from functools import cache

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from augmed.foundation.append_only import AppendOnly


@cache
def append_only_tables() -> tuple[str, ...]:
    """Every table that the migrations made append-only."""
    loader = MigrationLoader(connection)
    return tuple(
        table
        for _key, migration in sorted(loader.disk_migrations.items())
        for operation in migration.operations
        if isinstance(operation, AppendOnly)
        for table in operation.tables
    )
