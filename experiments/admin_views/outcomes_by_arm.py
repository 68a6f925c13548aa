"""Outcomes by arm. GET only says what is behind the button; every look is a POST, and is in the audit trail."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache

from augmed.foundation.permissions import Verb
from experiments.actions.looks import record_look_at_outcomes
from experiments.admin_tools import may_in_study, study_or_404
from experiments.admin_views.monitoring import bar, page_context
from experiments.models import Experiment, Question
from experiments.monitoring.figures import share
from experiments.monitoring.outcomes import ArmAnswers, QuestionOutcome, counts_by_arm, outcomes
from experiments.monitoring.plots import spreads

SCORES: dict[str, str] = {
    Question.Scoring.BRIER: "Mean Brier score (0 is best)",
    Question.Scoring.NONE: "",
}
LONGEST_REASON = 500


@never_cache
def outcomes_by_arm(request: HttpRequest, experiment_id: int) -> HttpResponse:
    experiment = study_or_404(request, experiment_id, Verb.VIEW_OUTCOME_BY_ARM)
    context = {
        **page_context(request, experiment, "outcomes_by_arm"),
        "longest_reason": LONGEST_REASON,
    }
    if request.method == "POST":
        reason = request.POST.get("reason", "").strip()[:LONGEST_REASON]
        record_look_at_outcomes(experiment=experiment, reason=reason, by=request.user)
        references = may_in_study(request, Verb.VIEW_REFERENCE, experiment)
        context |= _outcomes(experiment, references=references)
    return TemplateResponse(request, "admin/experiments/monitoring/outcomes.html", context)


def _outcomes(experiment: Experiment, *, references: bool) -> dict[str, Any]:
    found = outcomes(experiment, references=references)
    return {
        "shown": True,
        "arms": counts_by_arm(experiment),
        "outcomes": [_shown(number, one) for number, one in enumerate(found, start=1)],
    }


def _shown(number: int, one: QuestionOutcome) -> dict[str, Any]:
    labels = [_label(arm, one) for arm in one.arms]
    with_values = [(label, arm.values) for label, arm in zip(labels, one.arms, strict=True) if arm.values is not None]
    question = one.question
    ends = (0.0, 100.0) if question.type == Question.Type.PROBABILITY else None
    return {
        "question": question,
        "is_number": one.is_number,
        "unit": "%" if question.type == Question.Type.PROBABILITY else question.unit,
        "arms": one.arms,
        "labels": labels,
        "plot": mark_safe(spreads(f"outcome-{number}", question.text, with_values, ends=ends)),  # noqa: S308  escaped
        "options": [(option, [_share_of(option, arm) for arm in one.arms]) for option in one.options],
        "score": SCORES.get(question.scoring, "Share that agrees with the reference"),
        "is_scored": any(arm.scored for arm in one.arms),
    }


def _label(arm: ArmAnswers, one: QuestionOutcome) -> str:
    """The arm's name, with the stage where it has several."""
    stages = {other.stage for other in one.arms if other.arm == arm.arm}
    return arm.arm if len(stages) == 1 else f"{arm.arm}, stage {arm.stage}"


def _share_of(option: str, arm: ArmAnswers) -> tuple[int, int, str]:
    """(count, per cent, bar) of one option in one arm."""
    count = next((each.count for each in arm.options if each.option == option), 0)
    return count, round(100 * share(count, arm.answered)), bar(count, arm.answered)
