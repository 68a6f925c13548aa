"""Many rows of one table at once: COPY on PostgreSQL, Django's bulk_create elsewhere. The same rows on both.

For writes of ten thousand rows and more, where building as many model instances, and quoting their texts into a
statement, costs several times what the database needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Max

_BATCH = 500


def reserve_keys(model: type[models.Model], count: int) -> list[int]:
    """Primary keys that nobody else will get, ascending: so that rows which refer to each other can be made at once."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
                [connection.ops.quote_name(model._meta.db_table), _key(model).column, count],
            )
            return [key for (key,) in cursor.fetchall()]
    # SQLite has one writer at a time, who reads this inside the transaction in which the rows are written.
    last = model._default_manager.aggregate(last=Max("pk"))["last"] or 0
    return list(range(last + 1, last + 1 + count))


def insert_rows(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]], *, ignore_conflicts: bool = False
) -> None:
    """Insert rows of these fields (by `attname`) as plain values: numbers, texts, times, UUIDs. The other fields take
    their model's default, worked out once for all rows. `ignore_conflicts` leaves out rows that are there already."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("Many rows are written in one transaction.")
    if connection.vendor == "postgresql":
        _copy(model, names, rows, ignore_conflicts)
        return
    defaults = {field.attname: field.get_default() for field in _not_named(model, names)}
    made = [model(**defaults, **dict(zip(names, row, strict=True))) for row in rows]
    model._default_manager.bulk_create(made, batch_size=_BATCH, ignore_conflicts=ignore_conflicts)


def _copy(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]], ignore_conflicts: bool
) -> None:
    fields = {field.attname: field for field in model._meta.concrete_fields}
    others = _not_named(model, names)
    defaults = [field.get_db_prep_save(field.get_default(), connection) for field in others]
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    columns = ", ".join(quote(field.column) for field in (*map(fields.__getitem__, names), *others))
    with connection.cursor() as cursor:
        target = "pg_temp.rows_to_insert" if ignore_conflicts else table
        if ignore_conflicts:  # which COPY cannot
            cursor.execute(f"CREATE TEMPORARY TABLE rows_to_insert AS SELECT {columns} FROM {table} WITH NO DATA")
        with connection.wrap_database_errors, cursor.copy(f"COPY {target} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row((*row, *defaults))
        if ignore_conflicts:
            cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {target} ON CONFLICT DO NOTHING")
            cursor.execute(f"DROP TABLE {target}")


def _not_named(model: type[models.Model], names: Sequence[str]) -> list[models.Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if field.attname not in names and field != _key(model)]


def _key(model: type[models.Model]) -> models.Field[Any, Any]:
    key = model._meta.pk
    assert key is not None
    return key
