"""Exports: asked for as a job, written as one archive, and in the audit trail with filters, rows and hash."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from augmed.foundation import audit, jobs
from augmed.foundation.errors import Forbidden, Invalid, NotFound
from augmed.foundation.models import Job
from augmed.foundation.permissions import Verb
from experiments.exports.feed.studies import Feed
from experiments.exports.scope import Rights, everything
from experiments.exports.writing import Export, Profile, write_export
from experiments.models import Experiment

EXPORT = "experiments.export"
FOLDER = "exports"
_ALL_RIGHTS = (
    Verb.EXPORT,
    Verb.EXPORT_IDENTIFIED,
    Verb.VIEW_OUTCOME_BY_ARM,
    Verb.VIEW_REFERENCE,
    Verb.VIEW_CASES,
)


def request_export(
    *, experiment: Experiment, by: Any, identified: bool = False, profile: Profile | str = Profile.FULL
) -> Job:
    """Write the job down and start it. What the archive shows is decided when it runs, by the rights its asker has
    then; Forbidden when they have none now."""
    Rights.of(by, experiment, identified=identified)
    profile = _profile(profile)
    with transaction.atomic():
        job = jobs.create(
            kind=EXPORT,
            parameters={"experiment": experiment.pk, "identified": identified, "profile": profile.value},
            by=by,
            experiment_id=experiment.pk,
        )
        audit.record(
            action="export_requested",
            by=by,
            target=experiment,
            data={"job": str(job.pk), "identified": identified, "profile": profile.value},
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
        profile=_profile(job.parameters.get("profile", Profile.FULL)),
    )
    _record(experiment, export, by=job.created_by, job=str(job.pk))
    return {
        "file": f"{FOLDER}/{job.pk}.zip",
        "bytes": export.bytes,
        "sha256": export.sha256,
        "rows": export.rows,
        "filters": export.filters,
    }


def _profile(name: str) -> Profile:
    try:
        return Profile(name)
    except ValueError as error:
        known = ", ".join(Profile)
        raise Invalid(f"There is no profile {name!r}; there are {known}.", code="unknown_profile") from error


def export_path(job: Job) -> Path:
    return Path(settings.MEDIA_ROOT) / FOLDER / f"{job.pk}.zip"


def export_name(job: Job) -> str:
    """What the archive is saved as: the study's code, the day and the minute (in UTC) when it was asked for."""
    codes = Experiment.objects.filter(pk=job.parameters.get("experiment")).values_list("code", flat=True)
    return f"{codes.first() or 'study'}-{job.created_at:%Y-%m-%d-%H%M}.zip"


@dataclass(frozen=True)
class Download:
    """An archive to stream, and the name it is saved under."""

    path: Path
    name: str
    bytes: int


def download_export(*, job: Job, by: Any) -> Download:
    """The archive of a finished export, for whoever asked for it or an administrator; in the audit trail. NotFound for
    others, for other jobs, for who has lost the rights that it shows, and where there is no file (yet, or any more)."""
    if job.kind != EXPORT or not job.is_visible_to(by) or not may_fetch(job, by):
        raise NotFound("There is no such export.")
    path = export_path(job)
    if job.status != Job.Status.SUCCEEDED or not path.is_file():
        raise NotFound("The export has no file: it is not finished, or the file was removed.", code="no_file")
    size = path.stat().st_size
    with transaction.atomic():
        audit.record(
            action="job_file_downloaded",
            by=by,
            target=job,
            data={"file": path.name, "bytes": size},
            experiment_id=job.experiment_id,
        )
    return Download(path, export_name(job), size)


def purge_exports(*, by: Any = None, now: datetime | None = None) -> int:
    """Remove the archives of exports that ended longer ago than settings.EXPORT_LIFETIME; return how many there were.
    The job and what is known of the archive stay. Safe to run again."""
    ended = (now or timezone.now()) - settings.EXPORT_LIFETIME
    removed = 0
    for job in Job.objects.filter(kind=EXPORT, finished_at__lt=ended).order_by("pk").iterator(chunk_size=500):
        path = export_path(job)
        if not path.is_file():
            continue
        with transaction.atomic():
            audit.record(
                action="export_purged", by=by, target=job, data={"file": path.name}, experiment_id=job.experiment_id
            )
            path.unlink(missing_ok=True)  # last: a file that cannot be removed is not told as removed
        removed += 1
    return removed


def may_fetch(job: Job, by: Any) -> bool:
    """Has the person, now, every right with which the archive was written? A role may be lost after the export."""
    experiment = Experiment.objects.filter(pk=job.experiment_id or 0).first()
    filters = (job.result or {}).get("filters", {})
    if experiment is None or not isinstance(filters, dict):
        return all(by.may(verb) for verb in _ALL_RIGHTS)  # nothing says what the archive holds
    try:
        rights = Rights.of(by, experiment, identified=bool(filters.get("identified")))
    except Forbidden:
        return False
    return (
        (rights.by_arm or filters.get("arms") != "shown")
        and (rights.references or not filters.get("reference_standard"))
        and (rights.cases or not filters.get("undisclosed_values"))
    )


def export_to_folder(
    *,
    experiment: Experiment,
    folder: Path,
    identified: bool = False,
    unpack: bool = True,
    profile: Profile = Profile.FULL,
) -> Export:
    """Write the archive, and by default its files beside it, into a folder: as the system itself, arms shown."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{experiment.code}.zip"
    rights = everything(identified=identified)
    export = write_export(experiment=experiment, rights=rights, path=path, asked_by="system", profile=profile)
    if unpack:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
    _record(experiment, export, by=None, job=None)
    return export


def record_feed(*, feed: Feed, name: str, by: Any, per_study: Mapping[int, int], asked: Mapping[str, Any]) -> None:
    """That a page of a feed was handed out: which, to whom, with which rights, and how many rows of which study."""
    studies = {feed.studies[pk].experiment.code: rows for pk, rows in sorted(per_study.items())}
    shown = [feed.studies[pk] for pk in per_study]
    with transaction.atomic():
        audit.record(
            action="feed_exported",
            by=by,
            target=("experiments.feed", name),
            data={
                **asked,
                "rows": studies,
                "identified": sorted(study.experiment.code for study in shown if study.rights.identified),
                "arms_shown": sorted(study.experiment.code for study in shown if study.rights.by_arm),
            },
            experiment_id=next(iter(per_study)) if len(per_study) == 1 else None,
        )


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
    jobs.register(EXPORT, run_export, may_fetch=may_fetch, name_file=export_name)
