"""Which rows of which persons a run changes, for the apps above that ask (omop.signals).

Found before the rows are written, as the old ones are gone afterwards, and only for persons that somebody asks for.
"""

from collections.abc import Mapping
from typing import Any, cast

from django.db.models import QuerySet

from omop import signals
from omop.events import EVENT_TABLES
from omop.imports.backends import Backend, execute, quoted, staging
from omop.imports.loading.modes import TableLoader
from omop.imports.loading.sql import FINE, PERSON, has_rows, insert_ids, live_twin, replaced, staged_twin
from omop.imports.schema import TableSchema
from omop.models.imports import ImportRun

CHANGES = "omop_import_changes"
_ASKED = "omop_import_asked"
_COLUMNS = "table_name, person_id, kind, start_date, start_at, old_start_date, old_start_at"

# Where a table that snapshots read keeps its start: date, time. A person has none.
STARTS: Mapping[str, tuple[str | None, str | None]] = {
    "person": (None, None),
    "visit_occurrence": ("visit_start_date", "visit_start_datetime"),
    **{table.model._meta.db_table: (table.start_date, table.start_datetime) for table in EVENT_TABLES.values()},
}


class Changes:
    """The changes of one run. Ask `wanted` first: where nobody asks for any person, nothing is looked for."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.wanted = False

    def prepare(self) -> None:
        """Ask who wants to know of whom, and make the temporary tables."""
        self.drop()
        types = self._backend.types
        execute(f"CREATE TEMPORARY TABLE {_ASKED} (person_id {types['id']})")
        for _, persons in signals.persons_asked_for.send(sender=ImportRun):
            insert_ids(_ASKED, cast(QuerySet[Any], persons))
        self.wanted = has_rows(_ASKED)
        if self.wanted:
            execute(
                f"CREATE TEMPORARY TABLE {CHANGES} (table_name {types['text']}, person_id {types['id']},"
                f" kind {types['text']}, start_date {types['date']}, start_at {types['moment']},"
                f" old_start_date {types['date']}, old_start_at {types['moment']})"
            )

    def find(self, loader: TableLoader) -> None:
        """Write down what the loader is going to change."""
        if not self.wanted or loader.schema.name not in STARTS:
            return
        schema = loader.schema
        staged, table = f"{quoted(staging(schema.name))} s", quoted(schema.name)
        first = not has_rows(schema.name)
        known = "" if first else f" AND NOT {live_twin(schema, self._backend, same_person=True)}"
        self._write(schema, "added", "s", None, f"{staged} WHERE {_asked('s')} AND {FINE}{known}")
        if first:
            return
        if loader.updates:
            same_person = f"t.{quoted(PERSON)} = s.{quoted(PERSON)}"
            self._write(schema, "changed", "s", "t", f"{loader.changed} AND {_asked('s')} AND {same_person}")
        if loader.replaces:
            moved = f"NOT {staged_twin(schema, self._backend, same_person=True)}"
            gone = f"{replaced(schema, 't')} AND {moved}"
            self._write(schema, "removed", None, "t", f"{table} t WHERE {_asked('t')} AND {gone}")

    def tell(self, run: ImportRun, *, dry_run: bool) -> dict[str, Any]:
        """Tell whoever asked; what they say of it for the report."""
        said: dict[str, Any] = {}
        if self.wanted:
            sent = signals.rows_changed.send(sender=ImportRun, run=run, dry_run=dry_run, changes=CHANGES)
            for _, answer in sent:
                said |= cast(dict[str, Any], answer or {})
        return said

    def drop(self) -> None:
        """Remove the temporary tables, if they are there."""
        for table in (_ASKED, CHANGES):
            execute(f"DROP TABLE IF EXISTS {table}")

    def _write(self, schema: TableSchema, kind: str, new: str | None, old: str | None, source: str) -> None:
        date, moment = STARTS[schema.name]
        types = self._backend.types
        columns = [
            f"CAST({alias}.{quoted(name)} AS {types[kind_]})" if alias and name else f"CAST(NULL AS {types[kind_]})"
            for alias in (new, old)
            for name, kind_ in ((date, "date"), (moment, "moment"))
        ]
        person = f"{new or old}.{quoted(PERSON)}"
        execute(
            f"INSERT INTO {CHANGES} ({_COLUMNS}) SELECT '{schema.name}', {person}, '{kind}', {', '.join(columns)}"
            f" FROM {source}"
        )


def _asked(alias: str) -> str:
    return f"{alias}.{quoted(PERSON)} IN (SELECT person_id FROM {_ASKED})"
