"""The live rows that a check finds wrong now, a page at a time, for those who want to see what a count is made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from omop.imports.backends import query, quoted
from omop.imports.gate.concepts import (
    NOT_STANDARD,
    implausible_unit,
    known_code,
    unknown,
    vocabulary_columns,
    wrong_domain,
)
from omop.imports.gate.definitions import SOURCE_VALUES, definitions
from omop.imports.gate.keys import has_earlier_twin, key_column, unique_code
from omop.imports.gate.persons import no_period, periods_meet, several_deaths
from omop.imports.gate.rows import Dates, RowCheck, joined_checks, local_checks
from omop.imports.gate.scope import Scope, key_of, shown
from omop.imports.options import ImportOptions
from omop.imports.schema import NATURAL_KEYS, TableSchema, is_vocabulary, schemas


@dataclass(frozen=True, slots=True)
class OffendingRow:
    """One row: its key (of a table without one the surrogate key), whose it is, and the value that is wrong."""

    key: Any
    person_id: int | None
    value: str | None


def answers(code: str, table: str, column: str | None) -> bool:
    """Whether the rows behind a result can be found again: not for files, nor for what only a run can say."""
    return table in schemas() and _find(Scope(), code, table, column) is not None


def offending(
    code: str, table: str, column: str | None, *, limit: int, after: Any = None, today: date | None = None
) -> list[OffendingRow]:
    """At most `limit` live rows that the check finds wrong, by key, those behind the key `after`.

    Raises LookupError for what `answers` denies.
    """
    scope, schema = Scope(), schemas()[table]
    check = _find(scope, code, table, column, today)
    if check is None:
        raise LookupError(f"{code} of {table} cannot be asked row by row.")
    key = f"s.{quoted(key_of(schema))}"
    person = "s.person_id" if "person_id" in schema.columns else "NULL"
    names = [column] if column else list(schema.key)
    values = ", ".join(f"s.{quoted(name)}" for name in names)
    behind = "TRUE" if after is None else f"{key} > %s"
    found = query(
        f"SELECT {key}, {person}, {values} FROM {quoted(table)} s{scope.joins(check.parents)}"
        f" WHERE {behind} AND ({check.wrong}) ORDER BY 1 LIMIT %s",
        [*([] if after is None else [after]), limit],
    )
    return [OffendingRow(row[0], row[1], _text(row[2:])) for row in found]


def _text(values: tuple[Any, ...]) -> str | None:
    if values == (None,):
        return None
    return ", ".join("" if value is None else str(shown(value)) for value in values)


def _find(scope: Scope, code: str, table: str, column: str | None, today: date | None = None) -> RowCheck | None:
    schema = schemas()[table]
    dates = Dates.of(ImportOptions(), today or date.today())  # noqa: DTZ011 - OMOP dates are local
    checks = (
        *local_checks(schema, scope, dates),
        *joined_checks(schema, scope, schema.columns),
        *_concepts(schema, scope),
        *_persons(schema, scope),
    )
    return next((check for check in checks if (check.code, check.column) == (code, column)), None)


def _concepts(schema: TableSchema, scope: Scope) -> Iterator[RowCheck]:
    definition = definitions()[schema.name]
    for column in vocabulary_columns(schema):
        yield RowCheck(known_code(column), column.name, "", unknown(scope, column), "")
        concept = f"EXISTS (SELECT 1 FROM concept c WHERE c.concept_id = s.{quoted(column.name)} AND c.concept_id <> 0"
        if wrong := wrong_domain(schema, column.name):
            yield RowCheck("concept_domain", column.name, "", f"{concept} AND ({wrong}))", "")
        if column.name in definition.standard:
            yield RowCheck("concept_standard", column.name, "", f"{concept} AND ({NOT_STANDARD}))", "")
    if schema.name == "measurement":
        yield RowCheck("plausible_unit", "unit_concept_id", "", implausible_unit(), "")
    if schema.name in SOURCE_VALUES and not is_vocabulary(schema.name):
        source, mapped = map(quoted, SOURCE_VALUES[schema.name])
        nothing = f"s.{source} IS NOT NULL AND coalesce(s.{mapped}, 0) = 0"
        yield RowCheck("source_values_mapped", SOURCE_VALUES[schema.name][0], "", nothing, "")


def _persons(schema: TableSchema, scope: Scope) -> Iterator[RowCheck]:
    if schema.name in NATURAL_KEYS:
        yield RowCheck(unique_code(schema), key_column(schema), "", has_earlier_twin(schema), "")
    if schema.name == "observation_period":
        meets = periods_meet(scope)
        yield RowCheck("observation_periods_apart", "observation_period_start_date", "", meets, "")
    if schema.name == "person":
        yield RowCheck("observation_period_exists", "person_id", "", no_period(scope), "")
    if schema.name == "death":
        yield RowCheck("death_single", "person_id", "", several_deaths(schema), "")
