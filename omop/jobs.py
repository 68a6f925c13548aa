"""Imports and checks as jobs: what the admin's pages start, run by Celery or a child process alike."""

from typing import Any

from augmed.foundation.errors import Invalid
from augmed.foundation.jobs import Progress
from augmed.foundation.models import Job
from augmed.foundation.permissions import Verb
from omop.actions import ImportOutcome, UsageError, check_tables, import_files
from omop.imports import progress as imports_progress
from omop.imports.options import ImportOptions
from omop.job_watch import watched
from omop.models.imports import ImportRun
from omop.sources import ImportSource


def run_import(job: Job, progress: Progress) -> dict[str, Any]:
    """Import (or check) the files of `job`. Safe to run again: what is there stays as it is.

    The result is {"run": id of the ImportRun, "status": its status}. A run that the checks refuse is no failed job.
    Raises Invalid where who started it may not import any more: a job can wait for long.
    """
    _require_verb(job)
    source = ImportSource.from_json(job.parameters["source"])
    try:
        with watched(job):
            outcome = import_files(
                paths=source.paths(),
                by=job.created_by,
                dry_run=job.parameters["dry_run"],
                options=ImportOptions.from_json(job.parameters["options"]),
                source=ImportRun.Source(source.kind),
                job_id=job.pk,
                confirmed=ImportRun.objects.filter(pk=job.parameters.get("confirmed")).first(),
                progress=_told(progress),
            )
    except UsageError as error:
        raise Invalid(str(error)) from error
    if outcome.report.status == "loaded":
        source.forget()
    return _result(outcome)


def _require_verb(job: Job) -> None:
    by: Any = job.created_by
    if by is not None and not (by.is_active and by.may(Verb.IMPORT_OMOP)):
        raise Invalid("Who started this may no longer import OMOP data, so nothing was done.")


def run_check(job: Job, progress: Progress) -> dict[str, Any]:
    """Check the tables; the result as of `run_import`."""
    with watched(job):
        return _result(check_tables(by=job.created_by, job_id=job.pk, progress=_told(progress)))


def _told(progress: Progress) -> imports_progress.Progress:
    """What the engine tells, as the job keeps it: the rows are at the end of the message."""

    before = ""

    def tell(done: int, total: int, rows: int, message: str) -> None:
        nonlocal before
        table = message != before and not message.startswith(imports_progress.READING)  # it may take minutes
        before = message
        last = 0 < total <= done  # from here on to the commit nobody asks whether the job was cancelled
        progress.update(done, total, f"{message}, {rows:,} rows" if rows else message, force=last or table)

    return tell


def _result(outcome: ImportOutcome) -> dict[str, Any]:
    return {"run": str(outcome.run.pk), "status": outcome.report.status}
