"""Fact tables: triggers on both databases refuse UPDATE and DELETE.

The only door is `erasing()`: it writes a permit that lives inside one transaction, so that only the two audited
actions which blank a payload (erase_enrolment, redact_snapshot) can pass, and nothing beside them at the same time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

PERMIT_TABLE = "foundation_erasurepermit"
AUDIT_TABLE = "foundation_auditevent"  # nothing in it is ever erased, so no permit opens it

_POSTGRESQL_FUNCTION = f"""
CREATE OR REPLACE FUNCTION foundation_refuse_change() RETURNS trigger AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME <> '{AUDIT_TABLE}'
        AND EXISTS (SELECT 1 FROM {PERMIT_TABLE} WHERE transaction_id = txid_current()) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'Rows of % are facts: they are neither changed nor deleted.', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$ LANGUAGE plpgsql;
"""


def statements(table: str, database: Any) -> list[str]:
    """The SQL that makes `table` append-only, whether or not it is already. `database`: the connection."""
    undo = undo_statements(table, database.vendor)
    if database.vendor == "postgresql":
        return [
            *undo,
            _POSTGRESQL_FUNCTION,
            f'CREATE TRIGGER "{table}_append_only" BEFORE UPDATE OR DELETE ON "{table}" '
            "FOR EACH ROW EXECUTE FUNCTION foundation_refuse_change();",
            # TRUNCATE fires no row trigger.
            f'CREATE TRIGGER "{table}_no_truncate" BEFORE TRUNCATE ON "{table}" '
            "FOR EACH STATEMENT EXECUTE FUNCTION foundation_refuse_change();",
        ]
    refuse = f"BEGIN SELECT RAISE(ABORT, 'Rows of {table} are facts: they are neither changed nor deleted.'); END;"
    permitted = "" if table == AUDIT_TABLE else f"WHEN NOT EXISTS (SELECT 1 FROM {PERMIT_TABLE}) "
    with database.cursor() as cursor:
        key = database.introspection.get_primary_key_column(cursor, table)
    return [
        *undo,
        f'CREATE TRIGGER "{table}_no_update" BEFORE UPDATE ON "{table}" {permitted}{refuse}',
        f'CREATE TRIGGER "{table}_no_delete" BEFORE DELETE ON "{table}" {refuse}',
        # A client that did not switch recursive triggers on deletes by INSERT OR REPLACE without firing the above.
        f'CREATE TRIGGER "{table}_no_replace" BEFORE INSERT ON "{table}" '
        f'WHEN EXISTS (SELECT 1 FROM "{table}" WHERE "{key}" = NEW."{key}") {refuse}',
    ]


def undo_statements(table: str, vendor: str) -> list[str]:
    if vendor == "postgresql":
        return [f'DROP TRIGGER IF EXISTS "{table}_{name}" ON "{table}";' for name in ("append_only", "no_truncate")]
    return [f'DROP TRIGGER IF EXISTS "{table}_{name}";' for name in ("no_update", "no_delete", "no_replace")]


class AppendOnly(migrations.RunPython):
    """Migration operation: make these tables append-only."""

    def __init__(self, *tables: str) -> None:
        self.tables = tables

        def forwards(_apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
            for table in tables:
                for statement in statements(table, schema_editor.connection):
                    schema_editor.execute(statement, params=None)

        def backwards(_apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
            for table in tables:
                for statement in undo_statements(table, schema_editor.connection.vendor):
                    schema_editor.execute(statement, params=None)

        super().__init__(forwards, backwards)

    def deconstruct(self) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        return (self.__class__.__name__, self.tables, {})


class RenewAppendOnly(AppendOnly):
    """Migration operation: give tables that are append-only already the triggers of today. Going back leaves them."""

    def __init__(self, *tables: str) -> None:
        super().__init__(*tables)
        self.reverse_code = migrations.RunPython.noop


@contextmanager
def erasing() -> Iterator[None]:
    """Inside a transaction: UPDATE of fact tables is allowed until the block ends. For the erasing actions only."""
    from augmed.foundation.models import ErasurePermit

    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("erasing() needs a transaction around it.")
    permit = ErasurePermit.objects.create(transaction_id=_transaction_id())
    yield
    permit.delete()


def _transaction_id() -> int:
    if connection.vendor != "postgresql":
        return 0  # SQLite has one writer at a time: a permit can only be seen by the transaction that wrote it
    with connection.cursor() as cursor:
        cursor.execute("SELECT txid_current()")
        row = cursor.fetchone()
    return int(row[0])
