"""Versions and their rows: triggers on both databases keep what is frozen as it was.

A version may be changed until its `frozen_at` is set; from then on neither it nor a row of it is changed, added or
deleted, by whatever means. No permit opens this: nothing frozen holds what a person gave.
"""

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION foundation_refuse_frozen() RETURNS trigger AS $$
DECLARE
    is_frozen boolean;
BEGIN
    -- Arguments: table of the versions, column that names the version (empty: the versions' own table).
    IF TG_OP = 'TRUNCATE' THEN
        is_frozen := TRUE;
    ELSIF TG_ARGV[1] = '' THEN
        is_frozen := OLD.frozen_at IS NOT NULL;
    ELSE
        -- The lock lets a freezing that is under way end first, so that its row is seen as it then is.
        EXECUTE format(
            'SELECT count(frozen_at) > 0 FROM (SELECT frozen_at FROM %I WHERE id IN ($1, $2) FOR SHARE) AS versions',
            TG_ARGV[0]
        ) INTO is_frozen USING
            CASE WHEN TG_OP <> 'INSERT' THEN (to_jsonb(OLD) ->> TG_ARGV[1])::bigint END,
            CASE WHEN TG_OP <> 'DELETE' THEN (to_jsonb(NEW) ->> TG_ARGV[1])::bigint END;
    END IF;
    IF is_frozen THEN
        RAISE EXCEPTION 'Rows of % that are frozen are neither changed, added nor deleted.', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END
$$ LANGUAGE plpgsql;
"""
_NAMES = ("frozen_insert", "frozen_update", "frozen_delete", "frozen_replace")


class FrozenBy(migrations.RunPython):
    """Migration operation: rows of `table` stand still once `versions.frozen_at` of their version is set.

    `column` of `table` names the version. Without it `table` is the table of versions itself."""

    def __init__(self, table: str, versions: str = "", column: str = "") -> None:
        self.table, self.versions, self.column = table, versions or table, column

        def forwards(_apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
            for statement in self.statements(schema_editor.connection):
                schema_editor.execute(statement, params=None)

        def backwards(_apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
            for statement in self.undo_statements(schema_editor.connection):
                schema_editor.execute(statement, params=None)

        super().__init__(forwards, backwards)

    def deconstruct(self) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        given = (self.table, self.versions, self.column) if self.column else (self.table,)
        return (self.__class__.__name__, given, {})

    def statements(self, database: Any) -> list[str]:
        return [
            *self.undo_statements(database),
            *(self._postgresql() if database.vendor == "postgresql" else self._sqlite()),
        ]

    def undo_statements(self, database: Any) -> list[str]:
        if database.vendor == "postgresql":
            return [
                f'DROP TRIGGER IF EXISTS "{self.table}_{name}" ON "{self.table}";' for name in ("frozen", "no_truncate")
            ]
        return [f'DROP TRIGGER IF EXISTS "{self.table}_{name}";' for name in _NAMES]

    def _postgresql(self) -> list[str]:
        events = "INSERT OR UPDATE OR DELETE" if self.column else "UPDATE OR DELETE"
        function = f"foundation_refuse_frozen('{self.versions}', '{self.column}')"
        return [
            _POSTGRESQL_FUNCTION,
            f'CREATE TRIGGER "{self.table}_frozen" BEFORE {events} ON "{self.table}" '
            f"FOR EACH ROW EXECUTE FUNCTION {function};",
            f'CREATE TRIGGER "{self.table}_no_truncate" BEFORE TRUNCATE ON "{self.table}" '
            f"FOR EACH STATEMENT EXECUTE FUNCTION {function};",
        ]

    def _sqlite(self) -> list[str]:
        made = {
            "frozen_update": ("UPDATE", " OR ".join(filter(None, [self._frozen("OLD"), self._of_new()]))),
            "frozen_delete": ("DELETE", self._frozen("OLD")),
            # INSERT OR REPLACE of a client without recursive triggers deletes unseen: by the key, or by another.
            "frozen_replace": ("INSERT", self._replaces()),
        }
        if self.column:
            made["frozen_insert"] = ("INSERT", self._frozen("NEW"))
        message = f"Rows of {self.table} that are frozen are neither changed, added nor deleted."
        return [
            f'CREATE TRIGGER "{self.table}_{name}" BEFORE {event} ON "{self.table}" WHEN {condition} '
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END;"
            for name, (event, condition) in made.items()
        ]

    def _of_new(self) -> str:
        return self._frozen("NEW") if self.column else ""

    def _frozen(self, row: str) -> str:
        if not self.column:
            return f"{row}.frozen_at IS NOT NULL"
        return f'EXISTS (SELECT 1 FROM "{self.versions}" WHERE id = {row}."{self.column}" AND frozen_at IS NOT NULL)'

    def _replaces(self) -> str:
        if not self.column:
            return f'EXISTS (SELECT 1 FROM "{self.table}" WHERE id = NEW.id AND frozen_at IS NOT NULL)'
        return (
            f'EXISTS (SELECT 1 FROM "{self.table}" AS held JOIN "{self.versions}" AS version '
            f'ON version.id = held."{self.column}" WHERE held.id = NEW.id AND version.frozen_at IS NOT NULL)'
        )
