"""How participants did in their attention checks. Nothing here depends on an arm: a check is only ever asked at the
first stage, and when it is asked does not depend on the arm either."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, F, Q

from experiments.models import AttentionCheckAnswer, Enrolment, Experiment


@dataclass(frozen=True)
class AttentionResult:
    """`answered` counts the checks that were answered (erased ones too), `passed` those answered rightly."""

    answered: int = 0
    passed: int = 0


NOT_ASKED = AttentionResult()


def result_of_study(experiment: Experiment) -> AttentionResult:
    """Of all real participants together. One query."""
    real = Enrolment.objects.real().filter(experiment=experiment)
    answers = AttentionCheckAnswer.objects.filter(submission__review__assignment__enrolment__in=real)
    row = answers.order_by().aggregate(answered=Count("pk"), right=Count("pk", filter=Q(passed=True)))
    return AttentionResult(row["answered"], row["right"])


def results_by_enrolment(enrolments: Iterable[Enrolment]) -> dict[int, AttentionResult]:
    """By primary key of the enrolment. One query. Those who answered none are left out; NOT_ASKED stands for them."""
    answers = AttentionCheckAnswer.objects.filter(submission__review__assignment__enrolment__in=list(enrolments))
    rows = (
        answers.order_by()
        .values(enrolment=F("submission__review__assignment__enrolment"))
        .annotate(answered=Count("pk"), right=Count("pk", filter=Q(passed=True)))
    )
    return {row["enrolment"]: AttentionResult(row["answered"], row["right"]) for row in rows}
