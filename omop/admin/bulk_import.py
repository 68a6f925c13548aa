"""The bulk import in the admin: upload files, see what a check says, then load them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models.fields.json import KT
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from augmed.foundation.errors import DomainError
from augmed.foundation.models import Job
from augmed.foundation.permissions import Verb
from omop import actions
from omop.admin.base import CdmAdmin


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """A file field that takes several; its value is a list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=ManyFiles(), **kwargs)

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        clean_one = super().clean
        return [clean_one(item, initial) for item in data] if data else [clean_one(None, initial)]


class UploadForm(forms.Form):
    uploaded = ManyFilesField(
        label="Files",
        help_text="Comma or tab separated, each named as its table: person.csv, VISIT_OCCURRENCE.csv.",
    )


class BulkImportPages(CdmAdmin):
    """Adds the pages of the bulk import to a table's admin. All of them need the verb import_omop."""

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path("bulk-import/", self.admin_site.admin_view(self.upload), name="omop_bulk_import"),
            path("bulk-import/<uuid:job_id>/", self.admin_site.admin_view(self.report), name="omop_bulk_report"),
        ]
        return [*pages, *super().get_urls()]

    def upload(self, request: HttpRequest) -> HttpResponse:
        """Take files and start the check."""
        self._require_verb(request)
        posted = request.method == "POST"
        form = UploadForm(request.POST, request.FILES) if posted else UploadForm()
        if posted and form.is_valid():
            try:
                job = actions.start_import(files=form.cleaned_data["uploaded"], by=request.user)
            except DomainError as error:
                form.add_error("uploaded", error.detail)
            else:
                return HttpResponseRedirect(reverse("admin:omop_bulk_report", args=[job.pk]))
        # A result may list thousands of rows, so the overview takes only its status.
        mine = Job.objects.visible_to(request.user).filter(kind=actions.IMPORT_JOB)
        recent = mine.defer("result").annotate(outcome=KT("result__status"))[:10]
        return self._page(request, "admin/omop/bulk_import.html", {"form": form, "recent": recent})

    def report(self, request: HttpRequest, job_id: Any) -> HttpResponse:
        """Show how far a job is and what it found; a POST loads what was checked."""
        self._require_verb(request)
        job = get_object_or_404(Job.objects.visible_to(request.user), pk=job_id, kind=actions.IMPORT_JOB)
        if request.method == "POST":
            try:
                job = actions.confirm_import(job=job, by=request.user)
            except DomainError as error:
                messages.error(request, error.detail)
            return HttpResponseRedirect(reverse("admin:omop_bulk_report", args=[job.pk]))
        waiting = job.result.get("status") == "checked"
        return self._page(
            request, "admin/omop/bulk_report.html", {"job": job, "report": job.result, "waiting": waiting}
        )

    def _require_verb(self, request: HttpRequest) -> None:
        if not self.may(request, Verb.IMPORT_OMOP):
            raise PermissionDenied

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        shared = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": "Bulk import of OMOP files",
        }
        return TemplateResponse(request, template, {**shared, **context})
