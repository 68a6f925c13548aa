"""The import as a job: what the admin's import pages start, run by Celery or a child process alike."""

from typing import Any

from augmed.foundation.errors import Invalid
from augmed.foundation.jobs import Progress
from augmed.foundation.models import Job
from omop.actions import UsageError, import_files
from omop.imports.options import ImportOptions
from omop.models.imports import ImportRun
from omop.sources import ImportSource


def run_import(job: Job, progress: Progress) -> dict[str, Any]:
    """Import (or check) the files of `job`. Safe to run again: what is there stays as it is.

    The result is {"run": id of the ImportRun, "status": its status}. A run that the checks refuse is no failed job.
    """
    source = ImportSource.from_json(job.parameters["source"])

    def tell(done: int, total: int, rows: int, message: str) -> None:
        said = f"{message}, {rows:,} rows" if rows else message
        progress.update(done, total, said, force=done == total)

    try:
        outcome = import_files(
            paths=source.paths(),
            by=job.created_by,
            dry_run=job.parameters["dry_run"],
            options=ImportOptions.from_json(job.parameters["options"]),
            source=ImportRun.Source(source.kind),
            job_id=job.pk,
            progress=tell,
        )
    except UsageError as error:
        raise Invalid(str(error)) from error
    if outcome.report.status == "loaded":
        source.forget()
    return {"run": str(outcome.run.pk), "status": outcome.report.status}
