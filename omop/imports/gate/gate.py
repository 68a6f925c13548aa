"""The gate that staged rows pass: all checks of a run, table by table, and what becomes of rows that fail.

Within the run's transaction. First keys, as a row that is there twice must not be asked twice; then each table's rows
in a few passes; then, unless the run is refused anyway, rows that refer to rows which were rejected.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from types import MappingProxyType

from django.db import connection

from omop.imports.backends import REJECTED, Backend, execute, query, quoted, staging
from omop.imports.gate.concepts import check_concepts, vocabulary_columns
from omop.imports.gate.definitions import PERSON
from omop.imports.gate.keys import (
    check_conflicts,
    check_duplicates,
    check_not_replaced,
    key_column,
    key_question,
    unique_code,
)
from omop.imports.gate.persons import PERIODS, check_periods_apart, check_periods_exist, check_single_death
from omop.imports.gate.recording import Recorder
from omop.imports.gate.rows import (
    REFERENCES,
    Dates,
    RowCheck,
    count,
    joined_checks,
    local_checks,
    reference_columns,
)
from omop.imports.gate.scope import LEFT_OUT, REJECTED_ROW, Scope
from omop.imports.options import Mode
from omop.imports.report import ImportReport
from omop.imports.schema import TableSchema

READING = ("record_readable", "field_count", "value_type", "value_length", "value_required")


class Gate:
    """Checks what a run has staged.

    `file_names` are the names behind the file numbers, `increasing` the tables whose keys were seen in strictly
    increasing order over all files, `unstaged` how many lines of a table could not be staged at all.
    """

    def __init__(
        self,
        database: Backend,
        report: ImportReport,
        file_names: Mapping[int, str],
        *,
        increasing: Collection[str] = (),
        unstaged: Mapping[str, int] = MappingProxyType({}),
        tell: Callable[[str], None] | None = None,
        today: date | None = None,
    ) -> None:
        self._tell = tell
        self._report = report
        self._record = Recorder(report, file_names)
        self._database = database
        self._tables = frozenset(database.tables)
        self._increasing = increasing
        self._unstaged = unstaged
        self._dates = Dates.of(report.options, today or date.today())  # noqa: DTZ011 - OMOP dates are local
        self._duplicated: set[str] = set()

    def check(self, schemas: Sequence[TableSchema]) -> None:
        """Run every check of the given tables, mark what is rejected or left out, and count both.

        `tell` is called with each table's name before its rows are checked; it may raise to cancel.
        """
        give_memory(self._database)
        scope = self._scope()
        for schema in schemas:
            self._check_keys(scope, schema)
        for schema in schemas:
            if self._tell is not None:
                self._tell(schema.name)
            check_rows(scope, schema, self._record, self._dates)
        names = {schema.name for schema in schemas}
        if PERIODS in names:
            check_periods_apart(scope, self._record)
        if "person" in names:
            check_periods_exist(scope, self._record)
        if "death" in names:
            check_single_death(scope, self._record)
        scope.close()
        rejected = {schema.name for schema in schemas if not scope.clean(schema.name)}
        for schema in schemas:
            self._reading(schema)  # before the cascade, which asks whether the shares so far refuse the run
        rejected |= self._cascade(schemas, rejected)
        for schema in schemas:
            self._count(schema, marked=schema.name in rejected)

    def _scope(self, *, kept_parents: bool = False) -> Scope:
        return Scope(
            self._tables,
            mode=self._report.options.mode,
            duplicated=self._duplicated,
            kept_parents=kept_parents,
        )

    def _check_keys(self, scope: Scope, schema: TableSchema) -> None:
        if check_duplicates(scope, schema, self._record, increasing=schema.name in self._increasing):
            self._duplicated.add(schema.name)
        check_conflicts(scope, schema, self._record, self._report.options.mode)

    def _cascade(self, schemas: Sequence[TableSchema], changed: set[str]) -> set[str]:
        """Reject rows that refer to rejected ones, and those that refer to these, until there are none.

        `changed` are the tables with rejected rows; returned are those where rows were rejected here. Only where the
        run would load: a run that is refused would but tell of every row below a bad one.
        """
        rejected: set[str] = set()
        while changed and not self._report.refused:
            scope = self._scope(kept_parents=True)
            below = [schema for schema in schemas if changed & _parents(schema)]
            taken = schemas if PERSON in changed and self._report.options.mode is Mode.REPLACE_PERSON else ()
            found = {schema.name for schema in taken if check_not_replaced(scope, schema, self._record)}
            found |= {schema.name for schema in below if self._reject_orphans(scope, schema)}
            if PERIODS in changed and check_periods_apart(scope, self._record, again=True):
                found.add(PERIODS)
            changed = found
            scope.close()
            rejected |= changed
        return rejected

    def _reject_orphans(self, scope: Scope, schema: TableSchema) -> int:
        kept = scope.kept(schema.name)
        checks = [
            RowCheck(c.code, c.column, "FALSE", f"{kept} AND {c.wrong}", c.reason, c.parents)
            for c in joined_checks(schema, scope, schema.columns)
            if c.code in REFERENCES
        ]
        counted = zip(checks, count(schema, scope, checks)[0], strict=True)
        orphaned = [(check, wrong) for check, (_, wrong) in counted if wrong]
        for check, wrong in orphaned:
            reason = check.reason
            if check.code != "visit_same_person":
                table = next(iter(check.parents.values()))[0]
                reason = f"the row of {table} that it refers to is rejected"
            self._record.rows(scope, schema, check, wrong, reason)
        return sum(self._record.mark(scope, schema, check) for check, _ in orphaned)

    def _count(self, schema: TableSchema, *, marked: bool) -> None:
        rows: dict[int, int] = {}
        if marked:
            mark = quoted(REJECTED)
            rows = dict(query(f"SELECT {mark}, count(*) FROM {quoted(staging(schema.name))} GROUP BY {mark}"))
        counts = self._report.tables[schema.name]
        counts.rejected = rows.get(REJECTED_ROW, 0) + self._unstaged.get(schema.name, 0)
        counts.duplicates = rows.get(LEFT_OUT, 0)
        if counts.duplicates:
            key = key_column(schema)
            asked = self._report.check(unique_code(schema), schema.name, key).checked
            self._report.check("duplicate_left_out", schema.name, key).checked = asked

    def _reading(self, schema: TableSchema) -> None:
        """Say of the checks made while reading how many rows they asked: every row that was read."""
        read = self._report.tables[schema.name].read
        for code in READING:
            results = [r for r in self._report.checks.values() if (r.code, r.table) == (code, schema.name)]
            for result in results or [self._record.result(code, schema.name, None)]:
                result.checked = read


def check_rows(scope: Scope, schema: TableSchema, record: Recorder, dates: Dates) -> None:
    """The checks of single rows and of concepts of one table."""
    local = [key_question(schema), *local_checks(schema, scope, dates)]
    columns = dict.fromkeys([*reference_columns(schema), *(c.name for c in vocabulary_columns(schema))])
    counted, filled = count(schema, scope, local, list(columns))
    wrong = _tell(scope, schema, record, local, counted)
    present = [name for name, rows in filled.items() if rows]
    joined = joined_checks(schema, scope, present)
    asked = joined_checks(schema, scope, columns)  # columns without a value have results too: not applicable
    counted_joined = count(schema, scope, joined)[0]
    for check in asked:
        record.result(check.code, schema.name, check.column, threshold=check.threshold)
    wrong += _tell(scope, schema, record, joined, counted_joined)
    check_concepts(scope, schema, record, present)
    _reject(scope, schema, record, wrong)


Wrong = list[tuple[RowCheck, int]]


def _tell(
    scope: Scope, schema: TableSchema, record: Recorder, checks: Sequence[RowCheck], counted: Sequence[tuple[int, int]]
) -> Wrong:
    """Note how many rows were asked; the checks that found something wrong."""
    for check, (asked, _) in zip(checks, counted, strict=True):
        record.result(check.code, schema.name, check.column, asked, check.threshold)
    return [(check, wrong) for check, (_, wrong) in zip(checks, counted, strict=True) if wrong]


def _reject(scope: Scope, schema: TableSchema, record: Recorder, wrong: Wrong) -> None:
    """List what is wrong, and mark it at the end: what a check asks must not hang on the one before it."""
    for check, rows in wrong:
        record.rows(scope, schema, check, rows)
    for check, _ in wrong:
        record.mark(scope, schema, check)


def _parents(schema: TableSchema) -> set[str]:
    references = (schema.columns[name].reference for name in reference_columns(schema))
    return {reference.table for reference in references if reference is not None}


def give_memory(database: Backend) -> None:
    """Within the transaction: hash persons and visits in memory, and spend no time on compiling queries."""
    database.memory()
    if connection.vendor == "postgresql":
        execute("SET LOCAL jit = off")
