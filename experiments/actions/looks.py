"""That staff looked at what blinds others: a fact of the audit trail."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from augmed.foundation import audit
from experiments.models import Experiment, Submission


def record_look_at_outcomes(*, experiment: Experiment, reason: str, by: Any) -> None:
    """Before outcomes by arm are shown: who, when, why if they said so, and how many answers there were by then."""
    answers = Submission.objects.filter(
        review__assignment__enrolment__experiment=experiment, review__assignment__enrolment__kind="real"
    ).count()
    with transaction.atomic():
        audit.record(
            action="outcomes_by_arm_viewed",
            by=by,
            target=experiment,
            data={"reason": reason, "answers": answers},
            experiment_id=experiment.pk,
        )


def record_answers_viewed(*, submission: Submission, by: Any) -> None:
    """That somebody who may know the arm opened the answers of one review."""
    with transaction.atomic():
        audit.record(
            action="answers_viewed",
            by=by,
            target=submission,
            data={"review": submission.pk},
            experiment_id=submission.review.assignment.enrolment.experiment_id,
        )
