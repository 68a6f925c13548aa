"""Writes to the OMOP tables."""

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import models, transaction

from augmed.foundation import audit, jobs
from augmed.foundation.errors import Conflict
from augmed.foundation.models import Job
from omop import uploads
from omop.imports import engine
from omop.imports.discovery import UsageError
from omop.imports.options import ImportOptions
from omop.imports.report import ImportReport

__all__ = [
    "IMPORT_JOB",
    "ImportReport",
    "UsageError",
    "confirm_import",
    "import_files",
    "save_row",
    "start_import",
]

IMPORT_JOB = "omop.import"


def _silent(done: int, total: int, message: str) -> None:
    """The progress of a caller who does not ask for it."""


def import_files(
    *,
    paths: Sequence[Path | str],
    by: Any,
    dry_run: bool = False,
    options: ImportOptions | None = None,
    progress: Callable[[int, int, str], None] = _silent,
) -> ImportReport:
    """Load CSV files of CDM tables, all of them or, where one row is wrong, none.

    `paths` are files and folders; the name of a file is the name of its table. Rows that are there already with the
    same content are left alone, so a run can be repeated. `progress` gets bytes read, bytes in all and a message; an
    exception from it stops the run, with nothing loaded. `by` is a user, or None for the system.

    Wrong data never raise: they are errors in the report, whose status then is "refused". Raises UsageError where a
    path does not exist or holds no file to read.
    """

    def record(report: ImportReport) -> None:
        audit.record(
            action="omop_imported",
            by=by,
            target=("omop.import", uuid.uuid4()),
            data={
                "files": [file.name for file in report.files],
                "loaded": {name: counts.loaded for name, counts in report.tables.items()},
                "unchanged": {name: counts.unchanged for name, counts in report.tables.items()},
                "warnings": sum(result.count for result in report.warnings),
            },
        )

    return engine.run(
        paths=[Path(path) for path in paths],
        dry_run=dry_run,
        options=options or ImportOptions(),
        progress=progress,
        when_loaded=record,
    )


def start_import(*, files: Sequence[UploadedFile], by: Any) -> Job:
    """Keep uploaded files and start a job that checks them; nothing is loaded before `confirm_import`.

    Raises Invalid where there is no file, or two of one name.
    """
    folder = uploads.store(files)
    return jobs.create(kind=IMPORT_JOB, parameters={"folder": folder, "dry_run": True}, by=by)


def confirm_import(*, job: Job, by: Any) -> Job:
    """Start the job that loads what `job` has checked. Asked twice, it gives the job that was started first.

    Raises Conflict unless `job` is a check that found no error, Invalid where its files are gone.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job.pk)
        checked = job.parameters
        if job.kind != IMPORT_JOB or not checked.get("dry_run"):
            raise Conflict("This job is not a check of files to import.")
        same = Job.objects.filter(kind=IMPORT_JOB, parameters=_loading(checked["folder"])).first()
        if same is not None:
            return same
        if job.status != Job.Status.SUCCEEDED or job.result.get("status") != "checked":
            raise Conflict("Only files that were checked without an error can be imported.")
        uploads.folder(checked["folder"])
        return jobs.create(kind=IMPORT_JOB, parameters=_loading(checked["folder"]), by=by)


def _loading(folder: str) -> dict[str, Any]:
    return {"folder": folder, "dry_run": False}


def save_row(*, row: models.Model, by: Any, columns: Sequence[str], created: bool) -> None:
    """Save one row that staff edited by hand. `columns` are those that changed; their values stay out of the trail."""
    with transaction.atomic():
        row.save(force_insert=created)
        audit.record(
            action="omop_row_created" if created else "omop_row_changed",
            by=by,
            target=row,
            data={"columns": sorted(columns)},
        )
