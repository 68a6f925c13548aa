"""Blank what a participant gave: one of the two audited actions that may touch facts."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from augmed.foundation import audit
from augmed.foundation.append_only import erasing
from augmed.foundation.errors import Conflict, Invalid
from experiments.actions.common import locked
from experiments.models import Answer, AttentionCheckAnswer, Enrolment, EnrolmentEvent, ReviewEvent, Submission

__all__ = ["erase_enrolment", "erase_payloads"]


def erase_enrolment(*, enrolment: Enrolment, by: Any, reason: str) -> Enrolment:
    """Blank a person's answers, the data of their events, what their client said, and their intake attributes.

    Stays: that, when and by whom each thing was recorded, the hash of the answers, assignments with their stratum
    (others' draws are re-derived from them). Whoever takes part still is withdrawn by it. Cannot be undone."""
    if not reason.strip():
        raise Invalid("Say why.", errors={"reason": ["A reason is needed."]})
    with transaction.atomic():
        locked(enrolment.experiment)
        # Locked, as `submit` does it: an answer is stored before the erasure, which then blanks it, or not at all.
        enrolment.refresh_from_db(from_queryset=Enrolment.objects.select_for_update())
        if enrolment.erased_at is not None:
            raise Conflict("This was erased already.", code="erased")
        counts = erase_payloads(enrolment)
        if enrolment.status != Enrolment.Status.WITHDRAWN:
            enrolment.status = Enrolment.Status.WITHDRAWN
            enrolment.save(update_fields=["status"])
            EnrolmentEvent.objects.create(enrolment=enrolment, status=enrolment.status, reason=reason, by=by)
        audit.record(
            action="enrolment_erased",
            by=by,
            target=enrolment,
            data={"reason": reason, **counts},
            experiment_id=enrolment.experiment_id,
        )
    return enrolment


def erase_payloads(enrolment: Enrolment) -> dict[str, int]:
    """Blank the payloads and return how many rows of each were touched. Inside a transaction that audits it."""
    now = timezone.now()
    with erasing():
        answers = Answer.objects.filter(submission__review__assignment__enrolment=enrolment).update(value="")
        # That a check was asked stays with the opening; whether it was passed would tell the answer.
        checks = AttentionCheckAnswer.objects.filter(submission__review__assignment__enrolment=enrolment).update(
            value="", passed=None
        )
        submissions = Submission.objects.filter(review__assignment__enrolment=enrolment).update(
            client_data="", erased_at=now
        )
        events = ReviewEvent.objects.filter(review__assignment__enrolment=enrolment).filter(~Q(data="")).update(data="")
    enrolment.intake = {}
    enrolment.erased_at = now
    enrolment.save(update_fields=["intake", "erased_at"])
    return {"answers": answers + checks, "submissions": submissions, "events": events}
