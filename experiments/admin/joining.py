"""What a study's own page says of joining it, and the way to its pages of consent and training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import URLPattern, path

from experiments.admin_views.consent_form import consent_form
from experiments.admin_views.training_cases import training_cases
from experiments.models import Arm, Questionnaire

FIELDS = ("consent_required", "consent_elsewhere", "withdrawal_policy", "intake_questionnaire", "training_arm")
TRAINING_ARM = (
    "as which arm training cases are shown, to everybody alike; empty: the first of the arms with the fewest stages"
)
_OWN: dict[str, Any] = {"intake_questionnaire": Questionnaire, "training_arm": Arm}


def joining_urls(view: Callable[..., Any]) -> list[URLPattern]:
    """Below a study's page; `view` is the admin site's guard."""
    name = "experiments_experiment"
    return [
        path("<int:experiment_id>/consent/", view(consent_form), name=f"{name}_consent"),
        path("<int:experiment_id>/training/", view(training_cases), name=f"{name}_training"),
    ]


def own_choices(request: HttpRequest, field: str) -> dict[str, Any]:
    """A study chooses among its own questionnaires and arms; before it is there, there are none."""
    model = _OWN.get(field)
    if model is None:
        return {}
    matched = request.resolver_match
    study = matched.kwargs.get("object_id") if matched else None
    is_number = isinstance(study, str) and study.isdecimal()
    help_text = {"help_text": TRAINING_ARM} if model is Arm else {}
    return {**help_text, "queryset": model.objects.filter(experiment=study) if is_number else model.objects.none()}
