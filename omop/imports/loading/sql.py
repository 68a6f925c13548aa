"""The few phrases of SQL that all of loading is made of. `s` is a staged row, `t` one of the table itself."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from omop.imports.backends import REJECTED, Backend, execute, query, quoted, staging
from omop.imports.schema import TableSchema

PERSON = "person_id"
FINE = f"s.{quoted(REJECTED)} = 0"


def on_key(schema: TableSchema, backend: Backend) -> str:
    """Both are the same row. A key column that may be empty is compared so that NULL equals NULL."""
    return " AND ".join(_equal(schema, name, backend) for name in schema.key)


def staged_twin(schema: TableSchema, backend: Backend, *, same_person: bool = False) -> str:
    """EXISTS a staged row, fit to load, with the key of `t` (and, where asked, of the same person)."""
    person = f" AND s.{quoted(PERSON)} = t.{quoted(PERSON)}" if same_person else ""
    return f"EXISTS (SELECT 1 FROM {quoted(staging(schema.name))} s WHERE {on_key(schema, backend)} AND {FINE}{person})"


def live_twin(schema: TableSchema, backend: Backend, *, same_person: bool = False) -> str:
    """EXISTS a row in the table with the key of `s` (and, where asked, of the same person)."""
    person = f" AND t.{quoted(PERSON)} = s.{quoted(PERSON)}" if same_person else ""
    return f"EXISTS (SELECT 1 FROM {quoted(schema.name)} t WHERE {on_key(schema, backend)}{person})"


def names(columns: Iterable[str], prefix: str = "") -> str:
    """A list of columns."""
    return ", ".join(f"{prefix}{quoted(name)}" for name in columns)


def count(statement: str) -> int:
    """The one number that a query answers with."""
    return int(query(statement)[0][0])


def insert_ids(table: str, ids: QuerySet[Any]) -> None:
    """Write what a query of one column answers with into a table of one column."""
    statement, parameters = ids.query.sql_with_params()
    execute(f"INSERT INTO {quoted(table)} {statement}", parameters)


def has_rows(table: str) -> bool:
    """Whether a table has any row: a first load need not be compared with anything."""
    return bool(query(f"SELECT 1 FROM {quoted(table)} LIMIT 1"))


def has_person(schema: TableSchema) -> bool:
    """Whether rows of the table are somebody's."""
    return PERSON in schema.columns


def _equal(schema: TableSchema, name: str, backend: Backend) -> str:
    return f"t.{quoted(name)} {'=' if schema.columns[name].required else backend.same} s.{quoted(name)}"
