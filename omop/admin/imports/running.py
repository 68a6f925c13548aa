"""The page of one check or import: how far it is, what it found, and what to do next."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from augmed.foundation import jobs
from augmed.foundation.errors import DomainError
from augmed.foundation.models import Job
from omop import actions, history, run_panels
from omop.admin import downloads
from omop.admin.imports.base import ImportPages
from omop.admin.imports.forms import OptionsForm
from omop.admin.imports.presentation import RunView, unknown_files, view_of
from omop.admin.imports.progress import pace_of
from omop.admin.imports.usage import require_fitting
from omop.imports import runs
from omop.imports.options import ImportOptions
from omop.imports.schema import schemas
from omop.models import ImportRun
from omop.sources import ImportSource

LEAVE_OUT = "-"
_LEFT_OUT_SHOWN = 20  # names of files


class ConfirmForm(forms.Form):
    """What must be said before rows are removed, overwritten or left out; empty where nothing of it happens."""

    def __init__(self, *args: Any, totals: dict[str, int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.totals = totals
        if rejected := totals["rejected"]:
            self.fields["leave_out"] = forms.BooleanField(
                label=f"Leave out {_rows(rejected)} with an error, and load the others.",
                error_messages={"required": "Say that these rows may be left out."},
            )
        if changed := totals["changed"]:
            self.fields["overwrite"] = forms.BooleanField(
                label=f"Overwrite {_rows(changed)} of the database that differ from the files.",
                error_messages={"required": "Say that these rows may be overwritten."},
            )
        if removed := totals["removed"]:
            self.fields["remove"] = forms.CharField(
                label=f"{_rows(removed).capitalize()} of the database will be removed."
                f" Type {removed} to say that you want this.",
                widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
                error_messages={"required": f"Type {removed} here to have these rows removed."},
            )

    def clean_remove(self) -> str:
        typed = str(self.cleaned_data["remove"]).replace(",", "").strip()
        if typed != str(self.totals["removed"]):
            raise forms.ValidationError(f"Type {self.totals['removed']} here to have these rows removed.")
        return typed


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


class RunPages(ImportPages):
    """One job, from its progress to its downloads."""

    def report(self, request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
        """Show how far a job is and what it found; a POST loads what was checked."""
        job = self._job(request, job_id)
        view = _view_of(job)
        waiting = _waits(job)
        posted = request.POST if request.method == "POST" else None
        confirm = ConfirmForm(posted, totals=view.totals) if view and waiting else None
        if request.method == "POST" and (confirm is None or confirm.is_valid()):
            return self._confirmed(request, job)
        return self._show(request, job, view, confirm)

    def _confirmed(self, request: HttpRequest, job: Job) -> HttpResponse:
        try:
            job = actions.confirm_import(job=job, by=request.user)
        except DomainError as error:
            messages.error(request, error.detail)
        return self._to_run(job)

    def _show(self, request: HttpRequest, job: Job, view: RunView | None, confirm: Any) -> HttpResponse:
        loaded = view is not None and view.run.status == ImportRun.Status.LOADED
        context = {
            "job": job,
            "again": job.is_over and not loaded and _files_are_there(job),
            "view": view,
            "confirm": confirm,
            "pace": pace_of(job, timezone.now()),
            "loading": _load_of(job, request.user) if confirm is not None else None,
            "panels": run_panels.panels(view.run, request.user) if view else [],
            "rejects": runs.rejects_path(view.run) if view else None,
            "tables": sorted(schemas()) if view and view.unknown else [],
            "leave_out": LEAVE_OUT,
            "files_left_out": _left_out(job),
        }
        status = 422 if request.method == "POST" else 200
        return self._page(request, "run.html", context, status=status)

    def progress(self, request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
        """What the page's script asks."""
        job = self._job(request, job_id)
        pace = pace_of(job, timezone.now())
        state = {"over": job.is_over, "percent": pace.percent, "phase": pace.phase, "numbers": pace.numbers}
        state["dead"] = pace.dead
        return JsonResponse(state, headers={"Cache-Control": "no-store"})

    def cancel(self, request: HttpRequest, job_id: uuid.UUID) -> HttpResponseBase:
        """Ask the job to stop; nothing is loaded then."""
        job = self._job(request, job_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            jobs.cancel(job=job, by=request.user)
        except DomainError as error:
            messages.warning(request, error.detail)
        return self._to_run(job)

    def again(self, request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
        """Other choices for the same files; a POST checks them anew."""
        job = self._job(request, job_id)
        source, options = _asked(job)
        form = OptionsForm(request.POST if request.method == "POST" else None, options=options)
        if request.method == "POST" and form.is_valid():
            try:
                require_fitting(source, form.options)
                return self._to_run(actions.start_import(source=source, options=form.options, by=request.user))
            except DomainError as error:
                form.refuse(error, None)
        status = 422 if request.method == "POST" else 200
        return self._page(request, "again.html", {"form": form, "job": job, "source": source}, status=status)

    def alias(self, request: HttpRequest, job_id: uuid.UUID) -> HttpResponseBase:
        """Say which table each file of an unknown name holds, or leave it out; then check anew."""
        job = self._job(request, job_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        run = _run_of(job)
        report = runs.report_of(run) if run else None
        source, options = _asked(job)
        aliases = dict(options.aliases)
        left_out = set()
        for number, file in enumerate(unknown_files(report) if report else []):
            table = request.POST.get(f"table_{number}", "")
            if table in schemas():
                aliases[file.name] = table
            elif table == LEAVE_OUT:
                left_out.add(file.name)
            else:
                messages.error(request, f"Say which table {file.name} holds, or leave it out.")
                return self._to_run(job)
        return self._start(request, job, source, replace(options, aliases=aliases), left_out)

    def _start(
        self,
        request: HttpRequest,
        job: Job,
        source: ImportSource,
        options: ImportOptions,
        left_out: set[str] | None = None,
    ) -> HttpResponse:
        try:
            if left_out:
                source = source.without(left_out)
            require_fitting(source, options)
            job = actions.start_import(source=source, options=options, by=request.user)
        except DomainError as error:
            messages.error(request, error.detail)
        return self._to_run(job)

    def rejects(self, request: HttpRequest, job_id: uuid.UUID) -> HttpResponseBase:
        """All rejected rows as CSV: file, line, column, check, reason, and the row as it stood."""
        return downloads.rejects(request, _run_or_404(self._job(request, job_id)))

    def report_file(self, request: HttpRequest, job_id: uuid.UUID) -> HttpResponseBase:
        """The whole report as JSON."""
        return downloads.report(request, _run_or_404(self._job(request, job_id)))


def _asked(job: Job) -> tuple[ImportSource, ImportOptions]:
    """The files and choices of a job; 404 for one from a version that kept no files."""
    if "source" not in job.parameters:
        raise Http404("The files of this job are no longer there.")
    return ImportSource.from_json(job.parameters["source"]), ImportOptions.from_json(job.parameters["options"])


def _files_are_there(job: Job) -> bool:
    return "source" in job.parameters and _asked(job)[0].is_there()


def _left_out(job: Job) -> str:
    """The files that somebody chose to leave out, in short; empty where the files are no longer there."""
    try:
        names = _asked(job)[0].left_out() if "source" in job.parameters else []
    except DomainError:
        names = []
    return history.in_short(names, _LEFT_OUT_SHOWN)


def _run_of(job: Job) -> ImportRun | None:
    """What is remembered of the job: also of one that failed or was cancelled."""
    return ImportRun.objects.filter(job_id=job.pk).order_by("-finished_at").first() if job.is_over else None


def _run_or_404(job: Job) -> ImportRun:
    if (run := _run_of(job)) is None:
        raise Http404("Nothing is remembered of this job.")
    return run


def _view_of(job: Job) -> RunView | None:
    run = _run_of(job)
    return view_of(run) if run else None


def _waits(job: Job) -> bool:
    """Whether this is a check that may be loaded."""
    checked = job.status == Job.Status.SUCCEEDED and job.result.get("status") == ImportRun.Status.CHECKED
    return checked and bool(job.parameters.get("dry_run"))


def _load_of(job: Job, user: Any) -> Job | None:
    """The import that was started from this check, unless it failed."""
    started = Job.objects.visible_to(user).filter(kind=actions.IMPORT_JOB, parameters__checked_by=str(job.pk))
    return started.exclude(status__in=[Job.Status.FAILED, Job.Status.CANCELLED]).first()
