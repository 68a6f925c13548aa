"""The exports of a study: ask for one, and the ones that there are."""

from __future__ import annotations

from django.contrib import admin, messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET

from augmed.foundation.errors import DomainError, NotFound
from augmed.foundation.models import Job
from augmed.foundation.permissions import Verb
from experiments.actions.exports import EXPORT, download_export, export_path, request_export
from experiments.admin_tools import may_in_study, show_refusal, study_or_404
from experiments.exports.writing import Profile

MOST_LISTED = 50


def exports(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """The button, and one's own exports of this study (an administrator's: all)."""
    experiment = study_or_404(request, experiment_id, Verb.EXPORT)
    may_identify = may_in_study(request, Verb.EXPORT_IDENTIFIED, experiment)
    if request.method == "POST":
        try:
            job = request_export(
                experiment=experiment,
                by=request.user,
                identified="identified" in request.POST,
                profile=request.POST.get("profile", Profile.FULL),
            )
        except DomainError as error:
            show_refusal(request, error)
            return redirect("admin:experiments_experiment_exports", experiment.pk)
        messages.success(request, "The export was asked for. Its file is here when it is done.")
        return redirect("admin:foundation_job_change", job.pk)
    found = Job.objects.visible_to(request.user).filter(kind=EXPORT, experiment_id=experiment.pk)
    jobs = list(found.select_related("created_by").order_by("-created_at")[:MOST_LISTED])
    context = {
        **admin.site.each_context(request),
        "title": "Exports",
        "subtitle": experiment.name,
        "experiment": experiment,
        "jobs": jobs,
        "there": {job.pk for job in jobs if export_path(job).is_file()},
        "masked": not may_in_study(request, Verb.VIEW_OUTCOME_BY_ARM, experiment),
        "may_identify": may_identify,
    }
    return TemplateResponse(request, "admin/experiments/exports.html", context)


@require_GET
def download(request: HttpRequest, experiment_id: int, job_id: str) -> HttpResponseBase:
    """The archive, streamed."""
    experiment = study_or_404(request, experiment_id, Verb.EXPORT)
    job = get_object_or_404(Job.objects.visible_to(request.user), pk=job_id, experiment_id=experiment.pk)
    try:
        found = download_export(job=job, by=request.user)
    except NotFound as error:
        raise Http404(error.detail) from error
    return FileResponse(found.path.open("rb"), as_attachment=True, filename=found.name)
