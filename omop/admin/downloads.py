"""Files that are kept of a run. They quote patients' data, so each download is written into the audit trail."""

from __future__ import annotations

from pathlib import Path

from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase

from augmed.foundation import audit
from omop.imports import runs
from omop.models import ImportRun


def report(request: HttpRequest, run: ImportRun) -> HttpResponseBase:
    """The whole report as JSON. Raises Http404 where it was removed."""
    return _download(request, run, runs.report_path(run), "report", "application/json")


def rejects(request: HttpRequest, run: ImportRun) -> HttpResponseBase:
    """All rejected rows as CSV: file, line, column, check, reason, and the row as it stood. Raises Http404 if none."""
    return _download(request, run, runs.rejects_path(run), "rejects", "text/csv")


def _download(request: HttpRequest, run: ImportRun, path: Path | None, what: str, kind: str) -> HttpResponseBase:
    if path is None:
        raise Http404("There is no such file, or it was removed.")
    name = f"{what}-{run.finished_at:%Y%m%d-%H%M}{path.suffix}"
    with transaction.atomic():
        audit.record(
            action=f"omop_{what}_downloaded",
            by=request.user,
            target=("omop.import", run.pk),  # as the run's own entry names it
            data={"bytes": path.stat().st_size},
        )
    return FileResponse(
        path.open("rb"), as_attachment=True, filename=name, content_type=kind, headers={"Cache-Control": "no-store"}
    )
