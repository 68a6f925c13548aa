"""Exports: asked for as a job, written as one archive, and in the audit trail with filters, rows and hash."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from augmed.foundation import audit, jobs
from augmed.foundation.errors import Forbidden, Invalid, NotFound
from augmed.foundation.models import Job
from experiments.exports.scope import Rights, everything
from experiments.exports.writing import Export, write_export
from experiments.models import Experiment

EXPORT = "experiments.export"
FOLDER = "exports"


def request_export(*, experiment: Experiment, by: Any, identified: bool = False) -> Job:
    """Write the job down and start it. What the archive shows is decided when it runs, by the rights its asker has
    then; Forbidden when they have none now."""
    Rights.of(by, experiment, identified=identified)
    with transaction.atomic():
        job = jobs.create(
            kind=EXPORT,
            parameters={"experiment": experiment.pk, "identified": identified},
            by=by,
            experiment_id=experiment.pk,
        )
        audit.record(
            action="export_requested",
            by=by,
            target=experiment,
            data={"job": str(job.pk), "identified": identified},
            experiment_id=experiment.pk,
        )
    return job


def run_export(job: Job, progress: jobs.Progress) -> dict[str, Any]:
    """The job's handler: safe to run again, the archive then takes the place of the one before."""
    experiment = Experiment.objects.filter(pk=job.parameters["experiment"]).first()
    if experiment is None:
        raise Invalid("The study of this export is no longer there.")
    identified = bool(job.parameters["identified"])
    if job.created_by is None:
        raise Forbidden("An export needs somebody who asks for it; the command export_experiment needs nobody.")
    rights = Rights.of(job.created_by, experiment, identified=identified)

    def reading(alone: bool) -> None:
        progress.reads_only = alone

    export = write_export(
        experiment=experiment,
        rights=rights,
        path=export_path(job),
        asked_by=str(job.created_by.pk),
        job=str(job.pk),
        seen=progress.update,
        reading=reading,
    )
    _record(experiment, export, by=job.created_by, job=str(job.pk))
    return {
        "file": f"{FOLDER}/{job.pk}.zip",
        "bytes": export.bytes,
        "sha256": export.sha256,
        "rows": export.rows,
        "filters": export.filters,
    }


def export_path(job: Job) -> Path:
    return Path(settings.MEDIA_ROOT) / FOLDER / f"{job.pk}.zip"


@dataclass(frozen=True)
class Download:
    """An archive to stream, and the name it is saved under."""

    path: Path
    name: str
    bytes: int


def download_export(*, job: Job, by: Any) -> Download:
    """The archive of a finished export, for whoever asked for it or an administrator; in the audit trail. NotFound for
    others, for other jobs, for who has lost the rights that it shows, and where there is no file (yet, or any more)."""
    if job.kind != EXPORT or not (by.is_superuser or job.created_by_id == by.pk) or not may_fetch(job, by):
        raise NotFound("There is no such export.")
    path = export_path(job)
    if job.status != Job.Status.SUCCEEDED or not path.is_file():
        raise NotFound("The export has no file: it is not finished, or the file was removed.", code="no_file")
    size = path.stat().st_size
    experiment = Experiment.objects.filter(pk=job.parameters["experiment"]).first()
    with transaction.atomic():
        audit.record(
            action="job_file_downloaded",
            by=by,
            target=job,
            data={"file": path.name, "bytes": size},
            experiment_id=job.experiment_id,
        )
    return Download(path, f"{experiment.code if experiment else 'study'}-{job.created_at:%Y%m%d-%H%M%S}.zip", size)


def may_fetch(job: Job, by: Any) -> bool:
    """Has the person, now, every right with which the archive was written? A role may be lost after the export."""
    experiment = Experiment.objects.filter(pk=job.experiment_id or 0).first()
    filters = (job.result or {}).get("filters", {})
    if experiment is None or not isinstance(filters, dict):
        return bool(by.is_superuser)
    try:
        rights = Rights.of(by, experiment, identified=bool(filters.get("identified")))
    except Forbidden:
        return False
    return (rights.by_arm or filters.get("arms") != "shown") and (
        rights.references or not filters.get("reference_standard")
    )


def export_to_folder(*, experiment: Experiment, folder: Path, identified: bool = False, unpack: bool = True) -> Export:
    """Write the archive, and by default its files beside it, into a folder: as the system itself, arms shown."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{experiment.code}.zip"
    export = write_export(experiment=experiment, rights=everything(identified=identified), path=path, asked_by="system")
    if unpack:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
    _record(experiment, export, by=None, job=None)
    return export


def _record(experiment: Experiment, export: Export, *, by: Any, job: str | None) -> None:
    with transaction.atomic():
        audit.record(
            action="exported",
            by=by,
            target=experiment,
            data=json.loads(
                json.dumps(
                    {
                        "job": job,
                        "filters": export.filters,
                        "rows": export.rows,
                        "bytes": export.bytes,
                        "sha256": export.sha256,
                    }
                )
            ),
            experiment_id=experiment.pk,
        )


def register() -> None:
    jobs.register(EXPORT, run_export, may_fetch=may_fetch)
