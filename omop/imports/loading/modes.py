"""What a run does to one table: which staged rows are new, which change a row, which rows go.

The same phrases count in a dry run and choose the rows in a load, so the preview is what happens. Only staged rows
that no check has marked take part.

insert          a known key is left alone (the gate has refused it where its content differs)
upsert          a known key is updated where a column that the file has differs; what the file does not say, the staged
                row has from the database (merge.py)
replace-person  rows of the persons in the run's person file, in the tables of the run whose rows are somebody's: a
                known key is updated in every column, rows without a staged one go. Any other row: as in insert
"""

from contextlib import nullcontext
from dataclasses import dataclass

from omop.imports.backends import Backend, execute, quoted, staging
from omop.imports.loading.indexes import built_after
from omop.imports.loading.sql import (
    FINE,
    count,
    has_rows,
    is_owned,
    live_twin,
    may_meet,
    names,
    on_key,
    replaced,
    staged_twin,
)
from omop.imports.options import Indexes, Mode
from omop.imports.report import TableCounts
from omop.imports.schema import TableSchema

_MANY = 10_000  # rows; fewer are faster inserted than a table is locked and its indexes dropped


@dataclass(frozen=True, slots=True)
class TableLoader:
    """One table of a run. `keeps` are the columns that an update leaves as they are: in an upsert, what no file has."""

    schema: TableSchema
    backend: Backend
    mode: Mode
    keeps: frozenset[str]
    indexes: Indexes = Indexes.AUTO

    def preview(self, counts: TableCounts) -> None:
        """Count what `load` would do, without doing it."""
        fine = count(f"SELECT count(*) FROM {self._staged} WHERE {FINE}")
        if not has_rows(self.schema.name):
            counts.new = fine
            return
        known = count(f"SELECT count(*) FROM {self._staged} WHERE {FINE} AND {live_twin(self.schema, self.backend)}")
        counts.new = fine - known
        counts.changed = count(f"SELECT count(*) FROM {self.changed}") if self.updates else 0
        counts.removed = count(f"SELECT count(*) FROM {self._table} t WHERE {self.removed}") if self.replaces else 0
        counts.unchanged = known - counts.changed

    def load(self, counts: TableCounts) -> None:
        """Do it, and count what was done."""
        empty = not has_rows(self.schema.name)
        if not empty and self.replaces:
            counts.removed = execute(f"DELETE FROM {self._table} AS t WHERE {self.removed}")
        if not empty and self.updates:
            counts.changed = self._update()
        with built_after(self.schema) if self._many(counts) else nullcontext():
            counts.new = self._insert(empty)
        fine = counts.read - counts.rejected - counts.duplicates
        counts.unchanged = fine - counts.new - counts.changed
        counts.loaded = counts.new + counts.changed

    def _many(self, counts: TableCounts) -> bool:
        """Whether there are rows enough to have the indexes of a table that is empty built after them."""
        return self.indexes is Indexes.AUTO and counts.read >= _MANY

    @property
    def replaces(self) -> bool:
        """Whether rows of this table go with their persons."""
        return self.mode is Mode.REPLACE_PERSON and is_owned(self.schema)

    @property
    def updates(self) -> bool:
        """Whether rows of this table can be changed in place."""
        return bool(self._settable) and (self.mode is Mode.UPSERT or self.replaces)

    @property
    def changed(self) -> str:
        """FROM clause and condition: staged rows `s` with the rows `t` that they change."""
        return f"{self._staged} JOIN {self._table} t ON {on_key(self.schema, self.backend)} WHERE {self._differs}"

    @property
    def removed(self) -> str:
        """Condition on a row `t` of the table that goes."""
        return f"{replaced(self.schema, 't')} AND NOT {staged_twin(self.schema, self.backend)}"

    @property
    def _table(self) -> str:
        return quoted(self.schema.name)

    @property
    def _staged(self) -> str:
        return f"{quoted(staging(self.schema.name))} s"

    @property
    def _settable(self) -> list[str]:
        """Columns that an update may set."""
        return [name for name in self.schema.columns if name not in self.schema.key and name not in self.keeps]

    @property
    def _differs(self) -> str:
        same = " AND ".join(f"t.{quoted(name)} {self.backend.same} s.{quoted(name)}" for name in self._settable)
        theirs = f" AND {replaced(self.schema, 't')}" if self.replaces else ""
        return f"{FINE}{theirs} AND NOT ({same})"

    def _update(self) -> int:
        assignments = ", ".join(f"{quoted(name)} = s.{quoted(name)}" for name in self._settable)
        return execute(
            f"UPDATE {self._table} AS t SET {assignments} FROM {self._staged}"
            f" WHERE {on_key(self.schema, self.backend)} AND {self._differs}"
        )

    def _insert(self, empty: bool) -> int:
        unknown = "" if empty or not may_meet(self.schema) else f" AND NOT {live_twin(self.schema, self.backend)}"
        return execute(
            f"INSERT INTO {self._table} ({names(self.schema.columns)})"
            f" SELECT {names(self.schema.columns, 's.')} FROM {self._staged} WHERE {FINE}{unknown}"
        )
