"""Every fact table refuses UPDATE and DELETE, on both databases; `erasing()` lets an UPDATE pass, never a DELETE."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone

from augmed.foundation.append_only import AUDIT_TABLE, erasing
from augmed.foundation.models import ErasurePermit
from augmed.foundation.testing import append_only_tables

pytestmark = pytest.mark.django_db


class RollBack(Exception):
    pass


def test_there_are_fact_tables():
    expected = {"foundation_auditevent", "cases_casesnapshot", "experiments_submission", "experiments_reviewevent"}
    assert expected <= set(append_only_tables())


def _value(field: models.Field[Any, Any]) -> Any:
    if isinstance(field, models.ForeignKey):
        return _value(field.target_field)
    for kinds, value in [
        (models.BooleanField, False),
        (models.JSONField, {}),
        (models.UUIDField, uuid.uuid4()),
        (models.DateTimeField, timezone.now()),
        (models.DateField, date(2020, 1, 1)),
        ((models.CharField, models.TextField), "x"),
        (models.BinaryField, b"x"),
        ((models.IntegerField, models.DecimalField, models.FloatField), 1),
    ]:
        if isinstance(field, kinds):
            return value
    return datetime(2020, 1, 1)  # noqa: DTZ001  local times of the Common Data Model


@pytest.fixture(autouse=True)
def _constraints_hold_again(db):
    """A pragma outlives the transaction of its test: left on, it would lift the constraints of every later test."""
    yield
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA ignore_check_constraints = OFF")


def _insert_any_row(table: str) -> str:
    """A row with made-up values; what else the table asks of them is lifted. Returns the name of its key column."""
    model = next(model for model in apps.get_models(include_auto_created=True) if model._meta.db_table == table)
    columns = [field for field in model._meta.concrete_fields if field.primary_key or not field.null]
    values = [field.get_db_prep_save(_value(field), connection) for field in columns]
    names = ", ".join(f'"{field.column}"' for field in columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('c', 'f')", [table]
            )
            for (constraint,) in cursor.fetchall():
                cursor.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{constraint}"')
        else:
            cursor.execute("PRAGMA ignore_check_constraints = ON")
        cursor.execute(f'INSERT INTO "{table}" ({names}) VALUES ({", ".join(["%s"] * len(values))})', values)
    return model._meta.pk.column


def _refused(sql: str) -> str:
    with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    return str(refused.value)


def test_every_fact_table_refuses_update_and_delete(db):
    for table in append_only_tables():
        with pytest.raises(RollBack), transaction.atomic():  # noqa: PT012
            key = _insert_any_row(table)
            update, delete = f'UPDATE "{table}" SET "{key}" = "{key}"', f'DELETE FROM "{table}"'
            assert "facts" in _refused(update), table
            assert "facts" in _refused(delete), table
            with erasing(), connection.cursor() as cursor:
                if table != AUDIT_TABLE:
                    cursor.execute(update)
                    assert cursor.rowcount == 1, table
                assert "facts" in _refused(delete), table
            assert "facts" in _refused(update), table
            raise RollBack


@pytest.mark.postgresql
def test_no_fact_table_is_truncated(db):
    for table in append_only_tables():
        assert "facts" in _refused(f'TRUNCATE "{table}" CASCADE'), table


@pytest.mark.sqlite
def test_no_fact_is_replaced_by_an_insert(db):
    for table in append_only_tables():
        with pytest.raises(RollBack), transaction.atomic():  # noqa: PT012
            _insert_any_row(table)
            assert "facts" in _refused(f'INSERT OR REPLACE INTO "{table}" SELECT * FROM "{table}"'), table
            raise RollBack


def test_erasing_needs_a_transaction(transactional_db):
    with pytest.raises(transaction.TransactionManagementError), erasing():
        pass


def test_no_permit_is_left(db):
    with transaction.atomic(), erasing():
        assert ErasurePermit.objects.count() == 1
    assert not ErasurePermit.objects.exists()


def test_an_error_inside_leaves_no_permit(db):
    with pytest.raises(RollBack), transaction.atomic(), erasing():
        raise RollBack
    assert not ErasurePermit.objects.exists()


def test_no_permit_opens_the_audit_trail(db):
    with pytest.raises(RollBack), transaction.atomic():  # noqa: PT012
        _insert_any_row("foundation_auditevent")
        with erasing():
            assert "facts" in _refused("UPDATE foundation_auditevent SET data = 'other'")
        raise RollBack


@pytest.mark.sqlite
def test_no_fact_is_replaced_by_a_client_without_recursive_triggers(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA recursive_triggers = OFF")
    try:
        for table in append_only_tables():
            with pytest.raises(RollBack), transaction.atomic():  # noqa: PT012
                _insert_any_row(table)
                assert "facts" in _refused(f'INSERT OR REPLACE INTO "{table}" SELECT * FROM "{table}"'), table
                raise RollBack
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA recursive_triggers = ON")
