"""The same checks over the live tables: what is wrong there, whoever put it there. Nothing is staged or marked."""

from datetime import date

from omop.imports.backends import backend, query, quoted
from omop.imports.gate.gate import check_rows, give_memory
from omop.imports.gate.keys import check_live_duplicates
from omop.imports.gate.persons import check_periods_apart, check_periods_exist, check_single_death
from omop.imports.gate.recording import Recorder
from omop.imports.gate.rows import Dates
from omop.imports.gate.scope import Scope
from omop.imports.progress import Progress, silent
from omop.imports.report import ImportReport, TableCounts
from omop.imports.schema import schemas


def check_database(report: ImportReport, progress: Progress = silent, *, today: date | None = None) -> None:
    """Ask every check of every table that has a row; a finding's place is the row's key instead of file and line.

    Fills report.tables with the rows of each table (`read`) and report.checks. An empty table's checks are there
    too, as not applicable. `progress` gets rows done and in all; it may raise to cancel.
    """
    options = report.options
    dates = Dates.of(options, today or date.today())  # noqa: DTZ011 - OMOP dates are local
    record, scope, database = Recorder(report, {}), Scope(), backend()
    with database.reading():
        give_memory(database)
        for name in schemas():
            report.tables[name] = TableCounts(read=query(f"SELECT count(*) FROM {quoted(name)}")[0][0])
        total, done = sum(counts.read for counts in report.tables.values()), 0
        for name, schema in schemas().items():
            progress(done, total, done, f"Checking {name}")
            check_live_duplicates(scope, schema, record)
            check_rows(scope, schema, record, dates)
            done += report.tables[name].read
        progress(done, total, done, "Checking the rows of each person")
        check_periods_apart(scope, record)
        check_periods_exist(scope, record)
        check_single_death(scope, record)
        scope.close()
