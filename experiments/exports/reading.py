"""One consistent read: what others write meanwhile is either all in it or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def consistent_read() -> Iterator[bool]:
    """One transaction that only reads and sees the database as it was at its first statement; nobody waits for it.

    PostgreSQL: REPEATABLE READ, READ ONLY. SQLite: BEGIN DEFERRED, whose snapshot the write-ahead log keeps. Must be
    the outermost transaction (`durable`); inside that of a test case it cannot set anything and yields False."""
    if connection.in_atomic_block:
        with transaction.atomic(durable=True):  # refuses any transaction but a test case's
            yield False
        return
    if connection.vendor == "postgresql":
        with transaction.atomic(durable=True):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield True
        return
    # The project's own mode, IMMEDIATE, would keep every writer out until the export is over.
    mode = connection.transaction_mode  # type: ignore[attr-defined]
    connection.transaction_mode = "DEFERRED"  # type: ignore[attr-defined]
    try:
        with transaction.atomic(durable=True):
            connection.transaction_mode = mode  # type: ignore[attr-defined]
            yield True
    finally:
        connection.transaction_mode = mode  # type: ignore[attr-defined]
