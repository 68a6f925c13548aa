"""The history of imports in the admin: to find a run, and to see what it did. Runs are facts: nothing changes here."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from augmed.foundation.admin_tools import ReadOnlyAdmin
from augmed.foundation.permissions import Verb
from omop import history, quality
from omop.admin import downloads
from omop.admin.base import BoundedPaginator
from omop.imports import runs as kept
from omop.imports.gate.catalogue import Outcome
from omop.imports.schema import schemas
from omop.models import ImportRun
from omop.run_panels import panels

PER_PAGE = 50
_ANY = [("", "any")]


def _day(label: str) -> forms.DateField:
    return forms.DateField(required=False, label=label, widget=forms.DateInput(attrs={"type": "date"}))


class RunSearchForm(forms.Form):
    """What narrows the list. A field that is left empty does not."""

    q = forms.CharField(required=False, max_length=255, label="File name or checksum")
    kind = forms.ChoiceField(required=False, label="What", choices=[*_ANY, *ImportRun.Kind.choices])
    status = forms.ChoiceField(required=False, label="Status", choices=[*_ANY, *ImportRun.Status.choices])
    table = forms.ChoiceField(required=False, label="Table")
    who = forms.ChoiceField(required=False, label="Who")
    since = _day("From")
    until = _day("To")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        people = get_user_model().objects.filter(pk__in=ImportRun.objects.order_by().values("created_by"))
        names = [(str(key), email) for key, email in people.order_by("email").values_list("pk", "email")]
        self._choices("who", [*_ANY, *names, ("system", "nobody (command line)")])
        self._choices("table", [*_ANY, *((name, name) for name in sorted(schemas()))])

    def _choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def narrow(self, runs: QuerySet[ImportRun]) -> QuerySet[ImportRun]:
        """The runs that fit all that is filled in."""
        wanted = dict(self.cleaned_data)
        text, kind, status = wanted.pop("q"), wanted.pop("kind"), wanted.pop("status")
        if kind:
            runs = runs.filter(kind=kind)
        if status:
            runs = runs.filter(status=status)
        return history.search(history.narrow(runs, **wanted), text)


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyAdmin):
    """Runs, for those who may import."""

    view_verb = Verb.IMPORT_OMOP

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        mine = [
            path("<uuid:run_id>/report/", wrap(self.report), name="omop_run_report"),
            path("<uuid:run_id>/rejects/", wrap(self.rejects), name="omop_run_rejects"),
        ]
        return [*mine, *super().get_urls()]

    def report(self, request: HttpRequest, run_id: uuid.UUID) -> HttpResponseBase:
        """The whole report as a file."""
        return downloads.report(request, self._run(request, run_id))

    def rejects(self, request: HttpRequest, run_id: uuid.UUID) -> HttpResponseBase:
        """The rejected lines as a file."""
        return downloads.rejects(request, self._run(request, run_id))

    def _run(self, request: HttpRequest, run_id: uuid.UUID) -> ImportRun:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(self.get_queryset(request), pk=run_id)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, newest first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = RunSearchForm(request.GET)
        runs = history.newest_first(request.user)
        runs = form.narrow(runs) if form.is_valid() else runs.none()
        page = BoundedPaginator(runs, PER_PAGE).get_page(request.GET.get("p"))
        listed = list(page.object_list)
        changes, files, warned = history.changes_of(listed), history.files_of(listed), history.warnings_of(listed)
        kept_search = request.GET.copy()
        kept_search.pop("p", None)
        context = {
            "title": "History of imports",
            "form": form,
            "searched": any(form.cleaned_data.values()) if form.is_valid() else True,
            "page": page,
            "rows": [
                (run, changes.get(run.pk, history.NOTHING), files[run.pk], warned.get(run.pk, history.Warned()))
                for run in listed
            ],
            "kept": kept_search.urlencode(),
        }
        return self._page(request, "admin/omop/quality/runs.html", {**context, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One run whole, but for what stood in the rows: that is in its report."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = self.get_object(request, object_id)
        if run is None:
            raise Http404("There is no such import run.")
        files = list(run.files.order_by("table", "name", "pk"))
        outcomes = quality.of_run(run)
        context = {
            "title": f"{run.get_kind_display()} of {run.finished_at:%Y-%m-%d %H:%M}".capitalize(),
            "run": run,
            "files": files,
            "tables": list(run.tables.order_by("table")),
            "changes": history.changes_of([run]).get(run.pk, history.NOTHING),
            "warned": history.warnings_of([run]).get(run.pk, history.Warned()),
            "told": [outcome for outcome in outcomes if outcome.count],
            "asked": len(outcomes),
            "passed": sum(outcome.outcome == Outcome.PASSED for outcome in outcomes),
            "not_applicable": sum(outcome.outcome == Outcome.NOT_APPLICABLE for outcome in outcomes),
            "earlier": history.runs_of_same_files(run, files),
            "panels": panels(run, request.user),
            "downloads": _downloads(run),
            "may_view": self.may(request, Verb.VIEW_OMOP),
        }
        return self._page(request, "admin/omop/quality/run.html", {**context, **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportRun]:
        return super().get_queryset(request).select_related("created_by")

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.model._meta}
        return TemplateResponse(request, template, {**shared, **context})


def _downloads(run: ImportRun) -> list[tuple[str, str]]:
    """The run's files that are still kept, as (label, address)."""
    there = [
        ("Download the report (JSON)", "omop_run_report", kept.report_path(run)),
        ("Download all rejected lines (CSV)", "omop_run_rejects", kept.rejects_path(run)),
    ]
    return [(label, reverse(f"admin:{name}", args=[run.pk])) for label, name, file in there if file]
