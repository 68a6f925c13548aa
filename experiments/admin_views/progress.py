"""How far a study is, by participant. Says nothing of arms: cases are counted, not reviews."""

from __future__ import annotations

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from augmed.foundation.permissions import Verb
from experiments.admin_tools import may_in_study, study_or_404
from experiments.models import Enrolment
from experiments.reviewing.progress import NONE_YET, counts_by, enrolments_by_status, real_assignments, totals

PER_PAGE = 100


def progress(request: HttpRequest, experiment_id: int) -> HttpResponse:
    experiment = study_or_404(request, experiment_id, Verb.VIEW_PROGRESS)
    enrolments = Enrolment.objects.real().filter(experiment=experiment).select_related("user").order_by("arrival")
    page = Paginator(enrolments, PER_PAGE).get_page(request.GET.get("p"))
    counts = counts_by(real_assignments(experiment).filter(enrolment__in=list(page.object_list)), "enrolment_id")
    context = {
        **admin.site.each_context(request),
        "title": "Progress",
        "subtitle": experiment.name,
        "experiment": experiment,
        "totals": totals(experiment),
        "statuses": [
            (Enrolment.Status(status).label, count)
            for status, count in enrolments_by_status(experiment).items()
            if count
        ],
        "page": page,
        "rows": [(enrolment, counts.get(enrolment.pk, NONE_YET)) for enrolment in page.object_list],
        "may_see_people": may_in_study(request, Verb.MANAGE_ENROLMENT, experiment),
    }
    return TemplateResponse(request, "admin/experiments/progress.html", context)
