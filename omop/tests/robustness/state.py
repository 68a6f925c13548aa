"""What a database holds, as whoever stands outside of the importing process sees it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import psycopg

from omop.models.base import cdm_models

_TEMPORARY = "(substr({0}, 1, 12) = 'omop_import_' OR substr({0}, 1, 10) = 'omop_gate_')"
PATIENCE = 60  # seconds until something that has to come is said not to come


@dataclass(frozen=True, slots=True)
class Live:
    """The database behind a URL of PostgreSQL or of a file of SQLite."""

    url: str

    def ask(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self._connected() as ask:
            return ask(sql, *parameters)

    def contents(self) -> dict[str, tuple[int, str]]:
        """Of each table of the CDM that has rows: how many, and a checksum over all of them."""
        found = {}
        with self._connected() as ask:
            for model in cdm_models():
                rows = sorted(map(repr, ask(f'SELECT * FROM "{model._meta.db_table}"')))
                if rows:
                    found[model._meta.db_table] = (len(rows), sha256("\n".join(rows).encode()).hexdigest())
        return found

    @contextmanager
    def held(self, table: str) -> Iterator[None]:
        """On PostgreSQL: nobody else can read or write the table."""
        server = psycopg.connect(self.url.replace("=killed", "=holding"))
        try:
            server.execute(f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE')
            yield
        finally:
            server.close()

    def waiting(self, table: str) -> bool:
        """On PostgreSQL: somebody waits for the table."""
        return bool(self.ask("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = ?::regclass", table))

    @contextmanager
    def _connected(self) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
        if self.url.startswith("sqlite"):
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=PATIENCE)) as database:
                yield lambda sql, *parameters: database.execute(sql, parameters).fetchall()
        else:
            with psycopg.connect(self.url, autocommit=True) as server:
                yield lambda sql, *parameters: _fetched(server.execute(sql.replace("?", "%s"), parameters or None))

    def runs(self) -> list[str]:
        """The status of each remembered run, the first one first."""
        return [status for (status,) in self.ask("SELECT status FROM omop_importrun ORDER BY finished_at")]

    def leftovers(self) -> list[Any]:
        """Temporary tables of imports, and locks, once the server has seen that its client is gone."""
        if self.url.startswith("sqlite"):
            self.ask("BEGIN IMMEDIATE")  # waits for a lock, if there is one
            broken = [row for row in self.ask("PRAGMA integrity_check") if row != ("ok",)]
            return broken + self.ask(f"SELECT name FROM sqlite_master WHERE {_TEMPORARY.format('name')}")
        locks = self.locks()
        relations = f"SELECT relname FROM pg_class WHERE relpersistence = 't' AND {_TEMPORARY.format('relname')}"
        return locks + self.ask(relations)

    def locks(self) -> list[Any]:
        """On PostgreSQL: the locks of imports, once the server has seen that its client is gone."""
        here = "datname = current_database()"
        others = f"FROM pg_stat_activity WHERE {here} AND pid <> pg_backend_pid() AND application_name = 'killed'"
        wait_until(lambda: not self.ask(f"SELECT 1 {others}"))
        return self.ask(
            "SELECT objid FROM pg_locks WHERE locktype = 'advisory'"
            f" AND database = (SELECT oid FROM pg_database WHERE {here})"
        )


def _fetched(cursor: psycopg.Cursor) -> list[tuple[Any, ...]]:
    return cursor.fetchall() if cursor.description else []


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for what happens in another process."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)
