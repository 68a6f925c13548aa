"""What the pages of a running study share: who may see what, and the way between them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.paginator import Page, Paginator
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from augmed.foundation.permissions import Verb
from experiments.admin_tools import may_in_study
from experiments.models import Experiment
from experiments.monitoring import plots

PER_PAGE = 50

_TABS = (
    ("progress", "Overview", Verb.VIEW_PROGRESS),
    ("progress_participants", "By participant", Verb.VIEW_PROGRESS),
    ("progress_cases", "By case", Verb.VIEW_PROGRESS),
    ("stalled", "Stalled participants", Verb.VIEW_PROGRESS),
    ("reminders", "Reminders", Verb.VIEW_PROGRESS),
    ("outcomes_by_arm", "Outcomes by arm", Verb.VIEW_OUTCOME_BY_ARM),
)


def page_context(request: HttpRequest, experiment: Experiment, name: str) -> dict[str, Any]:
    """`name`: of the page, as in its address."""
    title = next(title for tab, title, _verb in _TABS if tab == name)
    return {
        **admin.site.each_context(request),
        "title": "Progress" if name == "progress" else title,
        "subtitle": experiment.name,
        "experiment": experiment,
        "tabs": [
            (label, reverse(f"admin:experiments_experiment_{tab}", args=[experiment.pk]), tab == name)
            for tab, label, verb in _TABS
            if may_in_study(request, verb, experiment)
        ],
        "may_see_people": may_in_study(request, Verb.MANAGE_ENROLMENT, experiment),
    }


def page_of(request: HttpRequest, rows: Any) -> Page[Any]:
    return Paginator(rows, PER_PAGE).get_page(request.GET.get("p"))


def bar(part: int, whole: int) -> SafeString:
    """For a cell of a table."""
    return mark_safe(plots.bar(part, whole))  # noqa: S308  numbers only
