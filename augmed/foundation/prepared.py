"""Queries on the hot path: composed by the ORM once per process, planned once per connection, then only executed.

Composing a query of some joins and subqueries takes the ORM many times longer than the database takes to answer it, and
so does planning it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

from django.db import connection
from django.db.models import AutoField, Field, Model, QuerySet
from django.db.models.sql import UpdateQuery


@dataclass(frozen=True)
class Parameter:
    """A value that changes from call to call: how it is written to the database, and a sample by which its places in
    the composed query are found. Samples must be unlike each other and unlike every constant of the query."""

    field: Field[Any, Any]
    sample: Any

    def adapted(self, value: Any) -> Any:
        return self.field.get_db_prep_value(value, connection, prepared=False)


@dataclass(frozen=True)
class _Composed:
    """`constants` has room for the parameters in their `places`; None where constants are in the text, which names the
    parameters."""

    sql: str
    constants: tuple[Any, ...] | None
    places: Mapping[int, str]
    converters: Mapping[int, tuple[list[Callable[..., Any]], Any]]

    def sent(self, adapted: Mapping[str, Any]) -> Mapping[str, Any] | list[Any]:
        if self.constants is None:
            return adapted
        sent = list(self.constants)
        for place, name in self.places.items():
            sent[place] = adapted[name]
        return sent


def keep_generic_plans(connection: Any, **_: Any) -> None:
    """For every new connection (`connection_created`): PostgreSQL plans a prepared statement once, not anew for each
    value. Left to itself it compares the costs that it estimates, planning a dozen joins among them far too low, and
    may go on planning for ever. Only the statements of this module are prepared. What a DATABASE_URL says of it in its
    own options stands."""
    options = connection.settings_dict["OPTIONS"]
    prepares = connection.vendor == "postgresql" and options.get("prepare_threshold") is not None
    if prepares and "plan_cache_mode" not in options.get("options", ""):
        with connection.cursor() as cursor:
            cursor.execute("SET plan_cache_mode = force_generic_plan")


def server_prepared_cursor() -> Any:
    """Django's cursor; on PostgreSQL one whose statements the server plans once per connection.

    Planning a query of a dozen joins takes the server longer than executing it. Django's default cursor puts the values
    into the text, so that every call is a statement of its own. psycopg keeps the 100 latest of a connection."""
    if connection.vendor != "postgresql":
        return connection.cursor()
    database: Any = connection  # what follows is Django's own, but not in its types
    database.ensure_connection()
    made = _preparing_cursor_class()(database.connection)
    return database._prepare_cursor(made)  # counts in tests and in debug as every other cursor does


@cache
def _preparing_cursor_class() -> type[Any]:
    from django.db.backends.postgresql import base  # needs psycopg, so not at import

    cursor_class: Any = base.ServerBindingCursor  # type: ignore[attr-defined]

    class PreparingCursor(cursor_class):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            result = super().execute(query, params, prepare=True, **options)
            # A prepared statement leaves nothing behind for Django's log of statements, which tests count.
            self._query = SimpleNamespace(query=str(query).encode())
            return result

    return PreparingCursor


class _Composing:
    """Composes once for each kind of database, with the samples in the places of the parameters."""

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], parameters: Mapping[str, Parameter]) -> None:
        self._build = build
        self._parameters = parameters
        self._composed: dict[str, _Composed] = {}

    def _execute(self, cursor: Any, values: Mapping[str, Any]) -> _Composed:
        composed = self._ready()
        cursor.execute(composed.sql, composed.sent(self._adapted(values)))
        return composed

    def _ready(self) -> _Composed:
        return self._composed.get(connection.vendor) or self._compose()

    def _adapted(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: parameter.adapted(values[name]) for name, parameter in self._parameters.items()}

    def _compose(self) -> _Composed:
        built = self._build(**{name: parameter.sample for name, parameter in self._parameters.items()})
        compiler = self._query(built).get_compiler(connection=connection)
        sql, constants = compiler.as_sql()
        samples = {parameter.adapted(parameter.sample): name for name, parameter in self._parameters.items()}
        assert len(samples) == len(self._parameters), "two parameters have one sample"
        places = {at: samples[found] for at, found in enumerate(constants) if _is_in(found, samples)}
        missing = set(self._parameters) - set(places.values())
        assert not missing, f"not found in the query: {missing}"
        converters = compiler.get_converters([expression for expression, *_ in (compiler.select or [])])
        if connection.vendor == "postgresql":
            composed = _Composed(_with_constants_in(sql, constants, places), None, places, converters)
        else:
            composed = _Composed(sql, tuple(constants), places, converters)
        self._composed[connection.vendor] = composed
        return composed

    def _query(self, built: QuerySet[Any, Any]) -> Any:
        return built.query


class Prepared(_Composing):
    """`build` takes the parameters by name and returns a queryset of `values_list(...)`; it is called with the samples,
    once for each kind of database."""

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], **parameters: Parameter) -> None:
        super().__init__(build, parameters)

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """The rows with these values in the places of the parameters. One statement."""
        with server_prepared_cursor() as cursor:
            composed = self._execute(cursor, values)
            return [_converted(row, composed) for row in cursor.fetchall()]


class PreparedUpdate(_Composing):
    """The same for `build(...).update(**changes)`; the changes are constants."""

    def __init__(
        self, build: Callable[..., QuerySet[Any, Any]], changes: Mapping[str, Any], **parameters: Parameter
    ) -> None:
        super().__init__(build, parameters)
        self._changes = changes

    def execute(self, **values: Any) -> int:
        """How many rows were changed. One statement."""
        with server_prepared_cursor() as cursor:
            self._execute(cursor, values)
            return int(cursor.rowcount)

    def execute_and_record(self, record: Model, **values: Any) -> bool:
        """The same, and the new row `record` stored if any row was changed. One statement on PostgreSQL; at most two on
        SQLite, which cannot insert what an update returns."""
        if connection.vendor != "postgresql":
            changed = self.execute(**values) > 0
            if changed:
                record.save(force_insert=True)
            return changed
        fields = _stored_fields(type(record))
        stored = {
            f"new_{field.column}": field.get_db_prep_save(getattr(record, field.attname), connection)
            for field in fields
        }
        with server_prepared_cursor() as cursor:
            cursor.execute(_and_insert(record, fields).format(sql=self._ready().sql), self._adapted(values) | stored)
            return int(cursor.rowcount) > 0

    def _query(self, built: QuerySet[Any, Any]) -> Any:
        query: Any = built.query.chain(UpdateQuery)
        query.add_update_values(dict(self._changes))
        return query


def insert(records: Sequence[Model]) -> None:
    """Store new rows of one model, for which nothing is to be done but that (no signals). One statement, as long as
    they are few. The primary keys that the database gives are not read back."""
    if not records:
        return
    if connection.vendor != "postgresql":
        type(records[0])._default_manager.bulk_create(records)
        return
    fields = _stored_fields(type(records[0]))
    stored = [
        field.get_db_prep_save(field.pre_save(record, add=True), connection) for record in records for field in fields
    ]
    with server_prepared_cursor() as cursor:
        cursor.execute(_insertion(type(records[0]), len(records)), stored)
    for record in records:
        record._state.adding = False
        record._state.db = connection.alias


@cache
def _stored_fields(model: type[Model]) -> list[Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if not isinstance(field, AutoField)]


@cache
def _insertion(model: type[Model], rows: int) -> str:
    quote = connection.ops.quote_name
    fields = _stored_fields(model)
    columns = ", ".join(quote(str(field.column)) for field in fields)
    row = f"({', '.join(['%s'] * len(fields))})"
    return f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES {', '.join([row] * rows)}"


def _with_constants_in(sql: str, constants: Sequence[Any], places: Mapping[int, str]) -> str:
    """The text with its constants, which one plan for all values can make use of (for the condition of a partial index,
    say), and with names for its parameters, so that each is sent once."""
    from psycopg.sql import Literal

    database: Any = connection
    at = itertools.count()

    def written(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%%"
        place = next(at)
        if place in places:
            return f"%({places[place]})s"
        return Literal(constants[place]).as_string(database.connection).replace("%", "%%")

    return re.sub("%%|%s", written, sql)


def _and_insert(record: Model, fields: Sequence[Field[Any, Any]]) -> str:
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    places = ", ".join(f"%(new_{field.column})s" for field in fields)
    return (
        "WITH changed AS ({sql} RETURNING 1) "
        f"INSERT INTO {quote(record._meta.db_table)} ({columns}) SELECT {places} FROM changed LIMIT 1"
    )


def _is_in(value: Any, samples: Mapping[Any, str]) -> bool:
    try:
        return value in samples
    except TypeError:  # not hashable, so no sample
        return False


def _converted(row: tuple[Any, ...], composed: _Composed) -> tuple[Any, ...]:
    if not composed.converters:
        return row
    columns = list(row)
    for at, (convert, expression) in composed.converters.items():
        for step in convert:
            columns[at] = step(columns[at], expression, connection)
    return tuple(columns)
