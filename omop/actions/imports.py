"""The import of files: check them, load them, remember the run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils import timezone

from augmed.foundation import audit, jobs
from augmed.foundation.errors import Conflict, DomainError, Invalid
from augmed.foundation.models import Job
from omop.imports import runs
from omop.imports.engine import Engine, WriteDown
from omop.imports.failures import explain, may_come_back, was_cancelled
from omop.imports.gate.database import check_database as ask_tables
from omop.imports.options import ImportOptions
from omop.imports.progress import Progress, silent
from omop.imports.reading.sources import UsageError, unused_alias
from omop.imports.report import ImportReport
from omop.models.imports import ImportRun
from omop.sources import ImportSource

IMPORT_JOB = "omop.import"
CHECK_JOB = "omop.check_database"
_RECORD_AFTER = (0, 1, 2, 4, 8)  # seconds before each try to write down that a run failed: a database may be restarting

logger = logging.getLogger(__name__)


class ImportFailed(DomainError):
    """The run stopped for a reason that is not in the files (disk full, database gone); nothing was loaded.

    `run` is what is remembered of it, None where even that could not be written."""

    code = "import_failed"

    def __init__(self, detail: str, run: ImportRun | None) -> None:
        super().__init__(detail)
        self.run = run


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """A run that is over: what is remembered of it, and the whole report. `loaded_before` is the last run that loaded
    the same files with the same options; `notes` are sentences of the apps above about the rows that change."""

    run: ImportRun
    report: ImportReport
    loaded_before: ImportRun | None = None
    notes: Sequence[str] = ()

    @property
    def message(self) -> str:
        """What to say of a run that had been made before; "" for one that had not."""
        return _said_before(self.run, self.report, self.loaded_before)


def import_files(
    *,
    paths: Sequence[Path | str],
    by: Any,
    dry_run: bool = False,
    options: ImportOptions | None = None,
    source: ImportRun.Source = ImportRun.Source.COMMAND,
    job_id: Any = None,
    confirmed: ImportRun | None = None,
    progress: Progress = silent,
) -> ImportOutcome:
    """Load files of CDM tables, all of them or, where the checks say no, none.

    `paths` are files and folders; the name of a file is the name of its table. Rows that are there already with the
    same content are left alone, so a run can be repeated; `options` say what else may happen to them. `progress` may
    raise to stop the run, with nothing loaded. `by` is a user, or None for the system. `confirmed` is the check
    whose findings somebody has agreed to: other files, or rows that would do something else by now, are not loaded.

    Wrong data never raise: they are findings in the report, whose status then is "refused". Raises UsageError where a
    path does not exist or holds no file to read, or not what was checked; ImportFailed where the disk was full or the
    database went away. Whatever else is raised, the run is remembered as failed (or cancelled) and nothing was loaded.
    What comes after the commit (a signal, a lost connection) stops nothing: the run is loaded, and returned as such.
    """
    report = ImportReport(dry_run=dry_run, options=options or ImportOptions())
    run = ImportRun(
        kind=ImportRun.Kind.CHECK if dry_run else ImportRun.Kind.LOAD,
        source=source,
        job_id=job_id,
        created_by=by,
        started_at=timezone.now(),
    )

    def work(write_down: WriteDown) -> None:
        def as_confirmed(status: str, said: dict[str, Any]) -> None:
            if confirmed is not None and status == ImportRun.Status.LOADED:
                _require_same_effect(confirmed, report)
            write_down(status, said)

        checksum = confirmed.checksum if confirmed else ""
        Engine(run, report, progress, as_confirmed, checked=checksum).run([*map(Path, paths)])

    return _run(run, report, work)


def _require_same_effect(confirmed: ImportRun, report: ImportReport) -> None:
    """Raise UsageError unless the run does what was confirmed, or nothing, as a job does that is taken over after its
    commit.

    Within the transaction, so that what was done is undone.
    """
    agreed = {each.table: (each.new, each.changed, each.removed) for each in confirmed.tables.all()}
    for table, counts in report.tables.items():
        does = (counts.new, counts.changed, counts.removed)
        if does not in ((0, 0, 0), agreed.get(table)):
            told, now = (
                "{:,} new, {:,} changed, {:,} removed".format(*each) for each in (agreed.get(table, (0, 0, 0)), does)
            )
            raise UsageError(
                f"The database has changed since the check: of {table} it said {told}, now it would be {now}."
                " Check the files again; nothing was loaded."
            )


def check_tables(*, by: Any, job_id: Any = None, progress: Progress = silent) -> ImportOutcome:
    """Ask the checks of the rows in the tables themselves. Nothing is written but what is remembered of the run."""
    report = ImportReport(dry_run=True)
    run = ImportRun(
        kind=ImportRun.Kind.DATABASE,
        source=ImportRun.Source.DATABASE,
        job_id=job_id,
        created_by=by,
        started_at=timezone.now(),
    )

    def work(write_down: WriteDown) -> None:
        ask_tables(report, progress)
        write_down(ImportRun.Status.CHECKED, {})

    return _run(run, report, work)


def _run(run: ImportRun, report: ImportReport, work: Callable[[WriteDown], None]) -> ImportOutcome:
    """Do the work and write the run down: what loads within its own transaction, anything else after it."""
    started = time.monotonic()
    before: list[ImportRun] = []
    notes: list[str] = []

    def write_down(status: str, said: dict[str, Any]) -> None:
        run.status = report.status = ImportRun.Status(status).value
        report.seconds = round(time.monotonic() - started, 3)
        before.extend(filter(None, [runs.loaded_before(report)]))
        notes.extend(each["text"] for each in said.values() if each.get("text"))
        with transaction.atomic():
            runs.record(run, report)
            extra = {"loaded_before": runs.told(before), "message": _said_before(run, report, *before)}
            runs.write_report(run, report, {**said, **extra})
            if status == ImportRun.Status.LOADED:
                _audit(run, report)

    try:
        work(write_down)
    except UsageError:
        raise
    except BaseException as error:
        if _was_loaded(run, report):
            return ImportOutcome(run, report, before[0] if before else None, notes)
        _failed(run, report, error)
        if was_cancelled(error):
            raise jobs.Cancelled from error
        if reason := explain(error):
            raise ImportFailed(reason, None if run._state.adding else run) from error
        raise
    return ImportOutcome(run, report, before[0] if before else None, notes)


def _was_loaded(run: ImportRun, report: ImportReport) -> bool:
    """Whether the load was committed, and what stopped the run came after it. Waits for a database that restarts."""
    if report.status != ImportRun.Status.LOADED:
        return False  # it had not come as far
    for seconds in _RECORD_AFTER:
        time.sleep(seconds)
        try:
            _leave_lost_connection()
            return ImportRun.objects.loaded().filter(pk=run.pk).exists()
        except (DatabaseError, InterfaceError):
            if connection.in_atomic_block:
                return False  # the caller's transaction is lost, and the load with it
    return False


def _failed(run: ImportRun, report: ImportReport, error: BaseException) -> None:
    """Remember a run that was stopped. Never raises: the error that stopped it is what its caller must hear of."""
    cancelled = not isinstance(error, Exception) or isinstance(error, jobs.Cancelled) or was_cancelled(error)
    run.status = report.status = (ImportRun.Status.CANCELLED if cancelled else ImportRun.Status.FAILED).value
    # The text of an unforeseen error may hold data, so its type is all that is kept.
    run.error = "" if cancelled else explain(error) or f"Stopped by an unexpected {type(error).__name__}."
    for counts in report.tables.values():
        counts.loaded = 0
    for seconds in _RECORD_AFTER:
        time.sleep(seconds)
        try:
            _leave_lost_connection()
            with transaction.atomic():
                run._state.adding = True
                runs.record(run, report)
            break
        except (DatabaseError, InterfaceError) as failure:
            run._state.adding = True
            _log(run, "Run %s could not be written down: %s", failure)
            # Where the caller's transaction is lost, or the disk is still full, waiting does not help.
            if connection.in_atomic_block or not may_come_back(failure):
                break
    try:
        runs.write_report(run, report, {"loaded_before": [], "message": ""})
    except OSError as failure:
        _log(run, "The report of run %s could not be written: %s", failure)


def _log(run: ImportRun, message: str, failure: Exception) -> None:
    if run.source != ImportRun.Source.COMMAND:  # who runs the command reads why it failed, in the message that ends it
        logger.error(message, run.pk, type(failure).__name__)


def _leave_lost_connection() -> None:
    if not connection.in_atomic_block and connection.connection is not None and not connection.is_usable():
        connection.close()  # the next statement makes a new one


def _said_before(run: ImportRun, report: ImportReport, before: ImportRun | None = None) -> str:
    if before is None:
        return ""
    who = f" by {before.created_by}" if before.created_by else ""
    said = f"These files were loaded on {before.finished_at:%Y-%m-%d %H:%M} UTC{who}"
    if report.refused or report.changes:
        return f"{said}; the tables have changed since."
    return f"{said}; nothing {'would change' if report.dry_run else 'changed'}."


def _audit(run: ImportRun, report: ImportReport) -> None:
    audit.record(
        action="omop_imported",
        by=run.created_by,
        target=("omop.import", run.pk),
        data={
            "files": [file.name for file in report.files],
            "mode": report.options.mode.value,
            "loaded": {name: counts.loaded for name, counts in report.tables.items()},
            "removed": {name: counts.removed for name, counts in report.tables.items() if counts.removed},
            "unchanged": {name: counts.unchanged for name, counts in report.tables.items()},
            "warnings": sum(result.count for result in report.warnings),
        },
    )


def start_import(*, source: ImportSource, options: ImportOptions, by: Any) -> Job:
    """Start a job that checks the files; nothing is loaded before `confirm_import`.

    Raises Invalid where the source is gone or not to be read, or where an option (see `errors`) is of a file that is
    not in it.
    """
    if slip := unused_alias(source.paths(), options):
        raise Invalid(slip, errors={"aliases": [slip]})
    return jobs.create(kind=IMPORT_JOB, parameters=_parameters(source, options), by=by)


def check_database(*, by: Any) -> Job:
    """Start a job that asks the checks of the rows in the tables."""
    return jobs.create(kind=CHECK_JOB, parameters={}, by=by)


def confirm_import(*, job: Job, by: Any) -> Job:
    """Start the job that loads what `job` has checked, with the same options. Asked twice, it gives the job that was
    started first, unless that one failed or was cancelled.

    Raises Conflict unless `job` is a check that found nothing to refuse, Invalid where its files are gone.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job.pk)
        checked = job.parameters
        if job.kind != IMPORT_JOB or not checked.get("dry_run"):
            raise Conflict("This job is not a check of files to import.")
        started = Job.objects.filter(kind=IMPORT_JOB, parameters__checked_by=str(job.pk))
        same = started.exclude(status__in=[Job.Status.FAILED, Job.Status.CANCELLED]).first()
        if same is not None:
            return same
        if job.status != Job.Status.SUCCEEDED or job.result.get("status") != "checked":
            raise Conflict("Only files that were checked without an error can be imported.")
        ImportSource.from_json(checked["source"]).paths()
        parameters = {**checked, "dry_run": False, "checked_by": str(job.pk), "confirmed": job.result["run"]}
        return jobs.create(kind=IMPORT_JOB, parameters=parameters, by=by)


def _parameters(source: ImportSource, options: ImportOptions) -> dict[str, Any]:
    return {"source": source.to_json(), "options": options.to_json(), "dry_run": True}
