"""What the import's pages share: the verb, one's own jobs, the admin's frame."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from augmed.foundation import jobs
from augmed.foundation.models import Job
from augmed.foundation.permissions import Verb
from omop import actions
from omop.admin.base import CdmAdmin


class ImportPages(CdmAdmin):
    """All of them need the verb import_omop, and show a person's own jobs (administrators: everybody's)."""

    def _require_verb(self, request: HttpRequest) -> None:
        if not self.may(request, Verb.IMPORT_OMOP):
            raise PermissionDenied

    def _job(self, request: HttpRequest, job_id: uuid.UUID) -> Job:
        """A job that the person may see; 403 without the verb, 404 for what is not theirs."""
        self._require_verb(request)
        visible = Job.objects.visible_to(request.user).select_related("created_by")
        return jobs.heard(get_object_or_404(visible, pk=job_id, kind=actions.IMPORT_JOB))

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
        shared = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": "Import OMOP files",
        }
        return TemplateResponse(request, f"admin/omop/imports/{template}", {**shared, **context}, status=status)

    def _to_run(self, job: Job) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:omop_bulk_report", args=[job.pk]))
