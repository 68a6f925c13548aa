"""From what a check found to the report: how many rows were asked, how many were wrong, which, and their marks."""

from collections.abc import Mapping, Sequence
from typing import Any

from omop.imports.backends import quoted
from omop.imports.gate.catalogue import CATALOGUE, Level
from omop.imports.gate.rows import RowCheck
from omop.imports.gate.scope import Scope, key_of, shown, stream
from omop.imports.report import FIRST, CheckResult, Finding, ImportReport
from omop.imports.schema import TableSchema, schemas


class Recorder:
    """Writes findings. `file_names` are the names behind the file numbers of staged rows."""

    def __init__(self, report: ImportReport, file_names: Mapping[int, str]) -> None:
        self.report = report
        self._file_names = file_names

    def result(
        self, code: str, table: str, column: str | None, checked: int = 0, threshold: float | None = None
    ) -> CheckResult:
        """The result of a check with `checked` more rows asked, even where nothing is wrong."""
        result = self.report.check(code, table, column)
        if threshold is not None:
            result.threshold = self.report.options.threshold_of(code, table, column, threshold)
        result.checked += checked
        return result

    def rows(self, scope: Scope, schema: TableSchema, check: RowCheck, wrong: int, reason: str | None = None) -> None:
        """List the rows that a check found wrong."""
        result = self.result(check.code, schema.name, check.column, threshold=check.threshold)
        if check.summary:
            self.report.found(check.code, schema.name, check.reason, column=check.column, rows=wrong)
            return
        place = ", ".join(scope.place(schema.name))
        assert check.column is not None
        select = f"SELECT {place}, s.{quoted(check.column)} {_source(scope, schema, check)} ORDER BY {place}"
        told = 0
        for *where, value in stream(select + self.limit(result, scope)):
            self.row(result, where, [value], reason or check.reason, scope)
            told += 1
        self.uncounted(result, wrong - told)

    def mark(self, scope: Scope, schema: TableSchema, check: RowCheck) -> int:
        """Mark the rows that a check rejects; the number of rows that were not marked before."""
        if scope.live or CATALOGUE[check.code].level is not Level.REJECT:
            return 0
        return scope.mark(schema.name, f"SELECT {', '.join(scope.place(schema.name))} {_source(scope, schema, check)}")

    def row(
        self,
        result: CheckResult,
        place: Sequence[Any],
        values: Sequence[Any],
        reason: str,
        scope: Scope,
        column: str | None = None,
    ) -> None:
        """Tell of one row. `place` is file and line, or the live key; `values` those of the result's column.

        `column` is what is told where the result is the table's as a whole: the columns of its key.
        """
        column = result.column or column
        file, line = self._place(place, result.table, scope)
        value = shown(values[0]) if len(values) == 1 else ", ".join("" if v is None else str(shown(v)) for v in values)
        self.report.found(
            result.code,
            result.table,
            reason,
            file=file,
            line=line,
            column=column,
            value=value,
            per_column=result.column is not None,
        )
        if result.code == "duplicate_left_out" and self.report.on_reject is not None and line is not None:
            self.report.on_reject(result.code, Finding(file, line, column, value, reason))

    def limit(self, result: CheckResult, scope: Scope) -> str:
        """As many rows as will be told of: all of them where somebody keeps the rejects."""
        kept = result.level is Level.REJECT or result.code == "duplicate_left_out"
        if kept and self.report.on_reject is not None and not scope.live:
            return ""
        listed = FIRST if result.level is Level.WARN else max(self.report.room, FIRST)
        return f" LIMIT {listed}"

    def uncounted(self, result: CheckResult, rows: int) -> None:
        """Rows that are wrong, but are not told of one by one."""
        result.count += rows
        if result.level is not Level.WARN:
            self.report.error_count += rows

    def values(self, result: CheckResult, values: Sequence[tuple[Any, int, str]], wrong: int) -> None:
        """Tell of distinct values: (value, rows, reason) each. `wrong` is what is counted, rows or values."""
        room = max(0, FIRST - len(result.first))
        for value, rows, reason in values[:room]:
            text = None if value is None else str(value)
            result.first.append(Finding(None, None, result.column, text, reason, rows))
        self.uncounted(result, wrong)

    def place_in_words(self, place: Sequence[Any], table: str, scope: Scope) -> str:
        """Where a row is, as a part of a sentence."""
        file, line = self._place(place, table, scope)
        return f"{file}, line {line}" if line is not None else str(file)

    def _place(self, place: Sequence[Any], table: str, scope: Scope) -> tuple[str | None, int | None]:
        if scope.live:
            return f"{key_of(schemas()[table])} {place[0]}", None
        return self._file_names[place[0]], place[1]


def _source(scope: Scope, schema: TableSchema, check: RowCheck) -> str:
    return f"FROM {scope.rows(schema.name)} s{scope.joins(check.parents)} WHERE {check.wrong}"
