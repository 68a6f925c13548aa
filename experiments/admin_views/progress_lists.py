"""How far each participant and each case is. Says nothing of arms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from augmed.foundation.permissions import Verb
from experiments.admin_tools import may_in_study, study_or_404
from experiments.admin_views.monitoring import page_context, page_of
from experiments.exports.blinding import common_stages
from experiments.models import Enrolment, Experiment
from experiments.monitoring.activity import with_last_activity
from experiments.monitoring.figures import in_words, median
from experiments.monitoring.times import active_seconds, case_times, readings_of
from experiments.reviewing.attention_results import NOT_ASKED, results_by_enrolment
from experiments.reviewing.progress import NONE_YET, Counts, counts_by, real_assignments

Status = Enrolment.Status
_LEFT = {Status.AWAITING_CONSENT, Status.DECLINED, Status.WITHDRAWN}


def participants(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """Times and attention checks by person are outcomes: they need that permission."""
    experiment = study_or_404(request, experiment_id, Verb.VIEW_PROGRESS)
    stages = common_stages(experiment)
    people = with_last_activity(Enrolment.objects.real().filter(experiment=experiment), stages=stages)
    page = page_of(request, people.select_related("user").order_by("arrival"))
    keys = [enrolment.pk for enrolment in page.object_list]
    counts = counts_by(real_assignments(experiment).filter(enrolment__in=keys), "enrolment_id", stages=stages)
    outcome = may_in_study(request, Verb.VIEW_OUTCOME, experiment)
    times = _times(experiment, "assignment__enrolment_id", keys, stages) if outcome else {}
    checks = results_by_enrolment(page.object_list) if outcome else {}
    rows = []
    for enrolment in page.object_list:
        done = counts.get(enrolment.pk, NONE_YET)
        row = (enrolment, done, standing(enrolment, done), times.get(enrolment.pk), checks.get(enrolment.pk, NOT_ASKED))
        rows.append(row)
    context = {
        **page_context(request, experiment, "progress_participants"),
        "page": page,
        "rows": rows,
        "outcome": outcome,
    }
    return TemplateResponse(request, "admin/experiments/monitoring/participants.html", context)


def cases(request: HttpRequest, experiment_id: int) -> HttpResponse:
    experiment = study_or_404(request, experiment_id, Verb.VIEW_PROGRESS)
    stages = common_stages(experiment)
    page = page_of(request, experiment.study_cases.select_related("case").order_by("position"))
    keys = [row.case_id for row in page.object_list]
    counts = counts_by(real_assignments(experiment).filter(case__in=keys), "case_id", stages=stages)
    outcome = may_in_study(request, Verb.VIEW_OUTCOME, experiment)
    times = _times(experiment, "assignment__case_id", keys, stages) if outcome else {}
    context = {
        **page_context(request, experiment, "progress_cases"),
        "page": page,
        "rows": [(row, counts.get(row.case_id, NONE_YET), times.get(row.case_id)) for row in page.object_list],
        "outcome": outcome,
    }
    return TemplateResponse(request, "admin/experiments/monitoring/cases.html", context)


def standing(enrolment: Enrolment, counts: Counts) -> str:
    """How a person stands, in words that do not depend on the arm: `completed` would come later to those whose arm goes
    on after what all arms have in common."""
    if enrolment.status in _LEFT:
        return enrolment.get_status_display()
    if counts.assigned and counts.answered == counts.assigned:
        return "all cases answered"
    return "reading" if counts.opened else "has not begun"


def _times(
    experiment: Experiment,
    group: Literal["assignment__enrolment_id", "assignment__case_id"],
    keys: Iterable[int],
    stages: int,
) -> dict[int, Any]:
    """By group: (median time of a case, median active time), in words. Two queries."""
    readings = readings_of(experiment, group, keys, stages=stages)
    active = case_times(readings, active=active_seconds(one.review for one in readings))
    return {
        key: (in_words(median(times)), in_words(median(active.get(key, ()))))
        for key, times in case_times(readings).items()
    }
