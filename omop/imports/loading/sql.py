"""The few phrases of SQL that all of loading is made of. `s` is a staged row, `t` one of the table itself."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from omop.imports.backends import REJECTED, Backend, execute, query, quoted, staging
from omop.imports.schema import OWNED, TableSchema

PERSON = "person_id"
REPLACED = "omop_import_persons"
"""Temporary table (person_id): whose rows a run in the mode replace-person replaces."""
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
    """Whether rows of the table say whose they are."""
    return PERSON in schema.columns


def is_owned(schema: TableSchema) -> bool:
    """Whether rows of the table are somebody's: by their person_id, or by the row that they refer to."""
    return has_person(schema) or schema.name in OWNED


def replaced(schema: TableSchema, row: str) -> str:
    """Condition on a row of a table that is_owned: it is of a person whose rows are replaced."""
    if has_person(schema):
        return f"{row}.{quoted(PERSON)} IN (SELECT {PERSON} FROM {REPLACED})"
    owner = OWNED[schema.name]
    return f"{row}.{quoted(owner.column)} IN (SELECT id FROM {replaced_owners(owner.table)})"


def replaced_owners(table: str) -> str:
    """Temporary table (id): the rows of replaced persons as they were before the run, by which others are theirs."""
    return f"{REPLACED}_{table}"


def may_meet(schema: TableSchema) -> bool:
    """Whether the table has any key between the least and the greatest of the run: new ids are above, as a rule.

    Spares a join with the whole table, by its index.
    """
    if len(schema.key) > 1:
        return has_rows(schema.name)
    key = quoted(schema.key[0])
    low, high = query(f"SELECT min({key}), max({key}) FROM {quoted(staging(schema.name))}")[0]
    among = f"SELECT 1 FROM {quoted(schema.name)} WHERE {key} BETWEEN %s AND %s LIMIT 1"
    return low is not None and bool(query(among, [low, high]))


def _equal(schema: TableSchema, name: str, backend: Backend) -> str:
    return f"t.{quoted(name)} {'=' if schema.columns[name].required else backend.same} s.{quoted(name)}"
