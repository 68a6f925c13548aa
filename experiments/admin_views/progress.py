"""How a running study goes: from invited to done, day by day, and how long a case takes. Says nothing of arms: what is
counted and timed is what every arm has in common."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import mark_safe

from augmed.foundation.permissions import Verb
from experiments.admin_tools import may_in_study, study_or_404
from experiments.admin_views.monitoring import bar, page_context
from experiments.exports.blinding import common_stages
from experiments.models import Experiment
from experiments.monitoring.days import answered_by_day
from experiments.monitoring.figures import TIME_LABELS, classes, in_words, median, share, spread
from experiments.monitoring.funnel import funnel
from experiments.monitoring.plots import over_days
from experiments.monitoring.times import NEWEST, active_seconds, case_times, newest_readings
from experiments.reviewing.attention_results import result_of_study
from experiments.reviewing.progress import totals

LEAST, LEAST_READERS = 5, 3
"""Of fewer cases, or of cases of fewer people, no times are told: they would be somebody's own."""


def progress(request: HttpRequest, experiment_id: int) -> HttpResponse:
    experiment = study_or_404(request, experiment_id, Verb.VIEW_PROGRESS)
    stages = common_stages(experiment)
    days = answered_by_day(experiment, stages=stages)
    context = {
        **page_context(request, experiment, "progress"),
        "totals": totals(experiment, stages=stages),
        "stages": stages,
        **_funnel(experiment, stages),
        "days": days[-14:],
        "days_plot": mark_safe(over_days("days", "Cases answered, in all", days)),  # noqa: S308  escaped where drawn
        **_times(experiment, stages),
    }
    if may_in_study(request, Verb.VIEW_OUTCOME, experiment):
        context["attention"] = result_of_study(experiment)
    return TemplateResponse(request, "admin/experiments/monitoring/overview.html", context)


def _funnel(experiment: Experiment, stages: int) -> dict[str, Any]:
    found = funnel(experiment, stages=stages)
    rows = [
        (step.label, step.people, round(100 * share(step.people, found.invited)), bar(step.people, found.invited))
        for step in found.steps
    ]
    return {"funnel": found, "funnel_rows": rows}


def _times(experiment: Experiment, stages: int) -> dict[str, Any]:
    readings = newest_readings(experiment, stages=stages)
    times = _of_several(case_times(readings))
    if not times:
        return {"times": None, "least": LEAST, "least_readers": LEAST_READERS}
    active = _of_several(case_times(readings, active=active_seconds(one.review for one in readings)))
    counts = classes(times)
    quartiles = spread(times)
    assert quartiles is not None
    return {
        "times": {
            "cases": len(times),
            "median": in_words(quartiles.median),
            "low": in_words(quartiles.low),
            "high": in_words(quartiles.high),
            "active": in_words(found) if (found := median(active)) is not None else "",
            "newest": NEWEST if len(readings) == NEWEST else None,
        },
        "time_rows": [(label, n, bar(n, max(counts))) for label, n in zip(TIME_LABELS, counts, strict=True)],
    }


def _of_several(groups: dict[int, list[float]]) -> list[float]:
    """All the times; none where they are of too few cases or people."""
    times = [seconds for times in groups.values() for seconds in times]
    return times if len(times) >= LEAST and len(groups) >= LEAST_READERS else []
