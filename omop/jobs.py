"""The import as a job: what the admin's upload page starts, run by Celery or a child process alike."""

from typing import Any

from augmed.foundation.errors import Invalid
from augmed.foundation.jobs import Progress
from augmed.foundation.models import Job
from omop import uploads
from omop.actions import UsageError, import_files


def run_import(job: Job, progress: Progress) -> dict[str, Any]:
    """Import (or check) the uploaded files of `job`; the report. Safe to run again: what is there stays as it is."""
    name = job.parameters["folder"]
    folder = uploads.folder(name)
    try:
        report = import_files(
            paths=sorted(folder.iterdir()),
            by=job.created_by,
            dry_run=job.parameters["dry_run"],
            progress=lambda done, total, message: progress.update(done, total, message, force=done == total),
        )
    except UsageError as error:
        raise Invalid(str(error)) from error
    if report.status != "checked":
        uploads.forget(name)  # loaded, or to be mended and sent again: either way nothing is left to do with them
    return report.to_json()
