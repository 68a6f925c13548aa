"""Long work in the admin: how far it is, how to stop it, what it made."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST

from augmed.foundation import audit, jobs
from augmed.foundation.admin_tools import ReadOnlyAdmin
from augmed.foundation.errors import DomainError
from augmed.foundation.models import Job


def job_file(job: Job) -> Path | None:
    """The file that the job made (`result["file"]`, a path below MEDIA_ROOT), or None. Nothing outside is served."""
    name = job.result.get("file") if isinstance(job.result, dict) else None
    if job.status != Job.Status.SUCCEEDED or not isinstance(name, str) or not name:
        return None
    root = Path(settings.MEDIA_ROOT).resolve()
    found = (root / name).resolve()
    return found if found.is_relative_to(root) and found.is_file() else None


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Everybody of the staff sees their own jobs, administrators all (JobQuerySet.visible_to)."""

    list_display = ["kind", "status", "percent_done", "message", "created_by", "created_at", "finished_at"]
    list_filter = ["status"]
    list_select_related = ["created_by"]
    ordering = ["-created_at"]
    show_full_result_count = False
    actions = None
    change_form_template = "admin/foundation/job/change_form.html"
    fields = (
        "kind",
        "status",
        "parameters",
        "outcome",
        "error",
        "experiment_id",
        "created_by",
        "created_at",
        "started_at",
        "finished_at",
        "heartbeat_at",
    )
    readonly_fields = tuple(fields)

    def has_view_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        user: Any = request.user
        if not (user.is_active and user.is_staff):
            return False
        return obj is None or obj.is_visible_to(user)

    @admin.display(description="progress")
    def percent_done(self, job: Job) -> str:
        return "" if job.percent is None else f"{job.percent} %"

    @admin.display(description="result")
    def outcome(self, job: Job) -> str:
        return format_html("<pre>{}</pre>", json.dumps(job.result, indent=2, ensure_ascii=False)) if job.result else "-"

    def get_urls(self) -> list[URLPattern]:
        def address(name: str, view: Any) -> URLPattern:
            return path(f"<uuid:job_id>/{name}/", self.admin_site.admin_view(view), name=f"foundation_job_{name}")

        mine = [address("progress", self.progress), address("cancel", self.cancel), address("file", self.file)]
        return mine + super().get_urls()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        job = self.get_object(request, object_id)
        found = job_file(job) if job and jobs.may_fetch(job, request.user) else None
        context = {"job": job, "file_name": found and jobs.file_name(job, found.name)} if job else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def _job(self, request: HttpRequest, job_id: uuid.UUID) -> Job:
        if not self.has_view_permission(request):
            raise Http404
        return jobs.heard(get_object_or_404(Job.objects.visible_to(request.user), pk=job_id))

    def progress(self, request: HttpRequest, job_id: uuid.UUID) -> HttpResponseBase:
        """What the page's script asks every two seconds."""
        return require_GET(self._progress)(request, job_id)

    def _progress(self, request: HttpRequest, job_id: uuid.UUID) -> HttpResponseBase:
        job = self._job(request, job_id)
        state = {
            "status": job.get_status_display(),
            "over": job.is_over,
            "percent": job.percent,
            "done": job.progress_done,
            "total": job.progress_total,
            "message": job.message,
        }
        return JsonResponse(state, headers={"Cache-Control": "no-store"})

    def cancel(self, request: HttpRequest, job_id: uuid.UUID) -> HttpResponseBase:
        return require_POST(self._cancel)(request, job_id)

    def _cancel(self, request: HttpRequest, job_id: uuid.UUID) -> HttpResponseBase:
        job = self._job(request, job_id)
        try:
            jobs.cancel(job=job, by=request.user)
            messages.success(request, "The job was asked to stop.")
        except DomainError as error:
            messages.warning(request, error.detail)
        return HttpResponseRedirect(reverse("admin:foundation_job_change", args=[job_id]))

    def file(self, request: HttpRequest, job_id: uuid.UUID) -> HttpResponseBase:
        return require_GET(self._file)(request, job_id)

    def _file(self, request: HttpRequest, job_id: uuid.UUID) -> HttpResponseBase:
        job = self._job(request, job_id)
        found = job_file(job)
        if found is None or not jobs.may_fetch(job, request.user):
            raise Http404("The job made no file, or it was removed, or you may no longer have it.")
        with transaction.atomic():
            audit.record(
                action="job_file_downloaded",
                by=request.user,
                target=job,
                data={"file": found.name, "bytes": found.stat().st_size},
                experiment_id=job.experiment_id,
            )
        return FileResponse(found.open("rb"), as_attachment=True, filename=jobs.file_name(job, found.name))
