"""Data staff who are signed in, and jobs whose run is already over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from augmed.foundation.models import Job
from omop.actions import IMPORT_JOB
from omop.admin.imports.forms import UploadForm
from omop.admin.imports.receiving import END
from omop.imports import runs
from omop.imports.options import ImportOptions
from omop.imports.report import FileReport, ImportReport, TableCounts
from omop.models import ImportRun
from omop.sources import ImportSource
from omop.uploads import store

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def signed_in(client: Client, data_staff: Any) -> Client:
    client.force_login(data_staff, backend=BACKEND)
    return client


def plain_choices() -> dict[str, Any]:
    """What the form sends when nothing in it was touched."""
    form = UploadForm()
    fields = ("mode", "duplicates", "date_order", "encoding", "quoting", "unknown_columns", "long_text", "indexes")
    return {**{name: form[name].value() for name in fields}, "earliest": "1950-01-01"}


def sent(path: Path) -> SimpleUploadedFile:
    return SimpleUploadedFile(path.name, path.read_bytes())


@pytest.fixture
def upload(signed_in: Client) -> Callable[..., Any]:
    """`upload(paths, mode="upsert", ...)` sends the first form as a browser does."""

    def send(*paths: Path, follow: bool = True, **choices: Any) -> Any:
        body = {**plain_choices(), **choices, "uploaded": [sent(path) for path in paths], END: "1"}
        return signed_in.post(reverse("admin:omop_bulk_import"), body, follow=follow)

    return send


@pytest.fixture
def finished(data_staff: Any) -> Callable[..., Job]:
    """`finished(fill, status="checked", files=1, ...)` is a job whose run is over; `fill(report)` puts findings in."""

    def make(
        fill: Callable[[ImportReport], None] = lambda report: None,
        *,
        status: str = "checked",
        by: Any = None,
        files: int = 1,
        counts: dict[str, int] | None = None,
        options: ImportOptions | None = None,
        extra: dict[str, Any] | None = None,
    ) -> Job:
        by = by or data_staff
        names = [f"person{number}.csv" for number in range(files)] if files > 1 else ["person.csv"]
        source = ImportSource("upload", store([SimpleUploadedFile(name, b"person_id\n1\n") for name in names]))
        options = options or ImportOptions()
        dry_run = status != "loaded"
        job = Job.objects.create(
            kind=IMPORT_JOB,
            status=Job.Status.SUCCEEDED,
            parameters={"source": source.to_json(), "options": options.to_json(), "dry_run": dry_run},
            created_by=by,
            started_at=timezone.now(),
            finished_at=timezone.now(),
        )
        report = ImportReport(dry_run=dry_run, options=options, status=status)
        report.files = [
            FileReport(name, "person", 12, "", 1, {"separator": "comma", "encoding": "UTF-8"}) for name in names
        ]
        report.tables = {"person": TableCounts(**{"read": files, "new": files, **(counts or {})})}
        fill(report)
        run = ImportRun(
            kind="check" if dry_run else "load",
            status=status,
            source="upload",
            job_id=job.pk,
            created_by=by,
            started_at=timezone.now(),
        )
        runs.record(run, report)
        runs.write_report(run, report, {"loaded_before": [], "message": "", **(extra or {})})
        job.result = {"run": str(run.pk), "status": status}
        job.save()
        return job

    return make


def page_of(client: Client, job: Job) -> str:
    return client.get(reverse("admin:omop_bulk_report", args=[job.pk])).content.decode()
