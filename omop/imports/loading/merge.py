"""The mode upsert: staged rows are completed by what the database has, before anything is asked of them.

So what the checks see, what a dry run counts and what is stored is the same row.
"""

from collections.abc import Mapping

from omop.imports.backends import FILE, Backend, execute, quoted, staging
from omop.imports.cells import KEEPS_EMPTY
from omop.imports.loading.sql import PERSON, has_person, may_meet, on_key
from omop.imports.schema import TableSchema

Absent = Mapping[str, frozenset[int]]
"""By column, the numbers of the table's files that do not have it."""


def fill_from_database(schema: TableSchema, backend: Backend, absent: Absent) -> int:
    """Give staged rows with a known key what their file does not say; how many rows were given anything.

    That is the columns that a row's own file lacks, and the names of CPT4, which downloads leave out. A row that would
    move to another person is given nothing: it is refused, and what is the other person's is not its own.
    """
    lacking = {name: _unsaid(schema, name, absent) for name in schema.columns if name not in schema.key}
    lacking = {name: condition for name, condition in lacking.items() if condition}
    if not lacking or not may_meet(schema):
        return 0
    values = ", ".join(
        f"{quoted(name)} = CASE WHEN {condition} THEN t.{quoted(name)} ELSE s.{quoted(name)} END"
        for name, condition in lacking.items()
    )
    # Most rows have nothing there either: they need not be written again.
    any_value = " OR ".join(f"({condition}) AND t.{quoted(name)} IS NOT NULL" for name, condition in lacking.items())
    person = f" AND t.{PERSON} = s.{PERSON}" if has_person(schema) else ""
    return execute(
        f"UPDATE {quoted(staging(schema.name))} AS s SET {values} FROM {quoted(schema.name)} t"
        f" WHERE {on_key(schema, backend)}{person} AND ({any_value})"
    )


def _unsaid(schema: TableSchema, name: str, absent: Absent) -> str:
    """Condition: the row's file says nothing of the column. "" where each file does of each row."""
    conditions = []
    if numbers := sorted(absent.get(name, ())):
        conditions.append(f"s.{quoted(FILE)} IN ({', '.join(map(str, numbers))})")
    if (schema.name, name) in KEEPS_EMPTY:
        conditions.append(f"(s.{quoted(name)} = '' AND s.vocabulary_id = 'CPT4')")
    return " OR ".join(conditions)
