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

_POSTGRESQL_FUNCTION = f"""
CREATE OR REPLACE FUNCTION foundation_refuse_change() RETURNS trigger AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND EXISTS (SELECT 1 FROM {PERMIT_TABLE} WHERE transaction_id = txid_current()) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'Rows of % are facts: they are neither changed nor deleted.', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$ LANGUAGE plpgsql;
"""


def statements(table: str, vendor: str) -> list[str]:
    """The SQL that makes `table` append-only."""
    if vendor == "postgresql":
        return [
            _POSTGRESQL_FUNCTION,
            f'CREATE TRIGGER "{table}_append_only" BEFORE UPDATE OR DELETE ON "{table}" '
            "FOR EACH ROW EXECUTE FUNCTION foundation_refuse_change();",
            # TRUNCATE fires no row trigger.
            f'CREATE TRIGGER "{table}_no_truncate" BEFORE TRUNCATE ON "{table}" '
            "FOR EACH STATEMENT EXECUTE FUNCTION foundation_refuse_change();",
        ]
    message = f"Rows of {table} are facts: they are neither changed nor deleted."
    return [
        f'CREATE TRIGGER "{table}_no_update" BEFORE UPDATE ON "{table}" '
        f"WHEN NOT EXISTS (SELECT 1 FROM {PERMIT_TABLE}) BEGIN SELECT RAISE(ABORT, '{message}'); END;",
        f'CREATE TRIGGER "{table}_no_delete" BEFORE DELETE ON "{table}" BEGIN SELECT RAISE(ABORT, \'{message}\'); END;',
    ]


def undo_statements(table: str, vendor: str) -> list[str]:
    if vendor == "postgresql":
        return [f'DROP TRIGGER IF EXISTS "{table}_{name}" ON "{table}";' for name in ("append_only", "no_truncate")]
    return [f'DROP TRIGGER IF EXISTS "{table}_no_update";', f'DROP TRIGGER IF EXISTS "{table}_no_delete";']


class AppendOnly(migrations.RunPython):
    """Migration operation: make these tables append-only."""

    def __init__(self, *tables: str) -> None:
        self.tables = tables

        def forwards(_apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
            for table in tables:
                for statement in statements(table, schema_editor.connection.vendor):
                    schema_editor.execute(statement, params=None)

        def backwards(_apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
            for table in tables:
                for statement in undo_statements(table, schema_editor.connection.vendor):
                    schema_editor.execute(statement, params=None)

        super().__init__(forwards, backwards)

    def deconstruct(self) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        return (self.__class__.__name__, self.tables, {})


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
