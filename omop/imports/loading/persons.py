"""The mode replace-person: whose rows a run replaces, and what must not be left pointing at nothing."""

from collections.abc import Mapping

from omop.imports.backends import Backend, execute, quoted, staging
from omop.imports.loading.sql import (
    FINE,
    PERSON,
    REPLACED,
    count,
    has_person,
    is_owned,
    replaced,
    replaced_owners,
    staged_twin,
)
from omop.imports.report import ImportReport
from omop.imports.schema import OWNED, TableSchema, schemas


def name_replaced(backend: Backend) -> None:
    """Make the temporary table of the persons whose rows are replaced: those of the run's person file.

    Only that file names them. A person_id that stands in any other file may be a slip, and a slip must not take away
    the rows of somebody else. With them go the names of their rows by which rows of other tables are theirs, as these
    rows may be gone or changed before the others are looked for.
    """
    drop_replaced()
    execute(f"CREATE TEMPORARY TABLE {REPLACED} ({PERSON} {backend.types['id']} PRIMARY KEY)")
    execute(
        f"INSERT INTO {REPLACED} SELECT DISTINCT s.{PERSON} FROM {quoted(staging('person'))} s"
        f" WHERE {FINE} AND s.{PERSON} IS NOT NULL"
    )
    for table, owner in OWNED.items():
        if table in backend.tables:
            execute(
                f"CREATE TEMPORARY TABLE {replaced_owners(owner.table)} AS SELECT t.{quoted(owner.column)} AS id"
                f" FROM {quoted(owner.table)} t WHERE {replaced(schemas()[owner.table], 't')}"
            )


def drop_replaced() -> None:
    """Remove those tables, if they are there."""
    for table in (REPLACED, *(replaced_owners(owner.table) for owner in OWNED.values())):
        execute(f"DROP TABLE IF EXISTS {table}")


def check_rows_that_stay(staged: Mapping[str, TableSchema], backend: Backend, report: ImportReport) -> None:
    """Report rows that the run leaves alone, but that refer to a row which goes or becomes another person's."""
    named = {c.reference.table for schema in schemas().values() for c in schema.columns.values() if c.reference}
    gone = {name: schema for name, schema in staged.items() if name in named and _can_go(schema, backend)}
    for schema in schemas().values():
        for column in schema.columns.values():
            if column.reference is not None and column.reference.table in gone:
                _check_column(schema, column.name, gone[column.reference.table], backend, report, schema.name in staged)


def _can_go(schema: TableSchema, backend: Backend) -> bool:
    if not has_person(schema) or len(schema.key) > 1 or schema.name == "person":
        return False  # nothing refers to a table without a key; and a person whose rows are replaced is in the files
    # All of them are counted: with LIMIT 1 the planner would look through the staged rows anew for each row.
    return bool(count(f"SELECT count(*) FROM ({_gone(schema, backend)}) g"))


def _gone(schema: TableSchema, backend: Backend) -> str:
    return (
        f"SELECT t.{quoted(schema.key[0])} AS k FROM {quoted(schema.name)} t WHERE"
        f" {replaced(schema, 't')} AND NOT {staged_twin(schema, backend, same_person=True)}"
    )


def _check_column(
    schema: TableSchema, column: str, target: TableSchema, backend: Backend, report: ImportReport, in_run: bool
) -> None:
    stays = "1 = 1"
    if in_run and is_owned(schema):
        stays = f"NOT ({replaced(schema, 'r')})"
    rows = count(
        f"SELECT count(*) FROM {quoted(schema.name)} r WHERE {stays}"
        f" AND r.{quoted(column)} IN ({_gone(target, backend)})"
    )
    report.check("rows_that_stay", schema.name, column).checked += 1
    if rows:
        reason = (
            f"{rows} rows of {schema.name} in the database refer to rows of {target.name} that this run takes away;"
            f" {_remedy(schema, target, in_run)}"
        )
        report.found("rows_that_stay", schema.name, reason, column=column, rows=rows)


def _remedy(schema: TableSchema, target: TableSchema, in_run: bool) -> str:
    if not is_owned(schema):
        return f"keep these in the file of {target.name}, as rows of {schema.name} are nobody's and stay"
    if in_run:
        return f"keep these in the file of {target.name}, or add the persons of the others to the file of person"
    return f"add the file of {schema.name}, so that it is replaced too"
