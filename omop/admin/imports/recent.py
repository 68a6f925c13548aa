"""The imports of late on the first page, told apart by their first files and their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models.fields.json import KT

from augmed.foundation.models import Job
from omop import actions, history
from omop.models import ImportRun

LISTED = 10
_NAMED = 2  # files of a job that are named


@dataclass(frozen=True, slots=True)
class Recent:
    """A job without its result. `files` are the names of its first files and how many more there are; `rows` are those
    that were read. Both are empty until it is over."""

    job: Any
    files: str = ""
    rows: int | None = None


def recent(user: Any) -> list[Recent]:
    """The newest jobs that this user may see, with `outcome`. Three statements."""
    mine = Job.objects.visible_to(user).filter(kind=actions.IMPORT_JOB).select_related("created_by")
    listed = list(mine.defer("result").annotate(outcome=KT("result__status"))[:LISTED])
    runs = list(ImportRun.objects.filter(job_id__in=[job.pk for job in listed]).order_by("finished_at", "pk"))
    by_job = {run.job_id: run for run in runs}  # the last of a job that was taken over
    files = history.files_of(runs)
    return [_recent(job, by_job.get(job.pk), files) for job in listed]


def _recent(job: Job, run: ImportRun | None, files: dict[Any, list[str]]) -> Recent:
    if run is None:
        return Recent(job)
    return Recent(job, history.in_short(files[run.pk], _NAMED), run.rows)
