"""Blank what a participant gave: one of the two audited actions that may touch facts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from augmed.foundation import audit
from augmed.foundation.append_only import erasing
from augmed.foundation.errors import Conflict, Invalid
from experiments.actions.common import locked
from experiments.models import (
    Answer,
    AttentionCheckAnswer,
    ConsentSignature,
    Enrolment,
    EnrolmentEvent,
    IntakeAnswer,
    IntakeSubmission,
    ReviewDraft,
    ReviewEvent,
    Submission,
)

__all__ = ["OWN_WISH", "end_training", "erase_enrolment", "erase_payloads", "forget_drafts", "training_of"]

OWN_WISH = "Withdrawn by the participant."


def erase_enrolment(*, enrolment: Enrolment, by: Any, reason: str) -> Enrolment:
    """Blank a person's answers, those about themselves among them, the name under their consent, what they said when
    they left, the data of their events, what their client said, and their intake attributes; in training too.

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
        end_training(enrolment, by)
        forget_drafts(enrolment)
        counts = erase_payloads(enrolment)
        if enrolment.status != Enrolment.Status.WITHDRAWN:
            enrolment.move_to(Enrolment.Status.WITHDRAWN)
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
    counts: dict[str, int] = {}
    with erasing():
        for one in (enrolment, *training_of(enrolment)):
            for name, rows in {**_blank_reviews(one, now), **_blank_joining(one, now)}.items():
                counts[name] = counts.get(name, 0) + rows
            one.intake = {}
            one.erased_at = now
            one.save(update_fields=["intake", "erased_at"])
    return counts


def end_training(enrolment: Enrolment, by: Any) -> None:
    """Who leaves has nothing to practise for. Before anything is blanked: what is answered in practice comes before
    this, and is blanked too, or not at all."""
    for training in training_of(enrolment).exclude(status=Enrolment.Status.WITHDRAWN):
        training.move_to(Enrolment.Status.WITHDRAWN)
        EnrolmentEvent.objects.create(enrolment=training, status=training.status, by=by)


def forget_drafts(enrolment: Enrolment) -> None:
    """What was typed and never sent is nobody's to keep once its writer has left, whatever becomes of the answers."""
    whose = [enrolment.pk, *training_of(enrolment).values_list("pk", flat=True)]
    ReviewDraft.objects.filter(review__assignment__enrolment__in=whose).delete()


def training_of(enrolment: Enrolment) -> QuerySet[Enrolment]:
    """The same person's enrolment for practice in the same study; none of an enrolment that is no real one."""
    if enrolment.kind != Enrolment.Kind.REAL:
        return Enrolment.objects.none()
    kind = Enrolment.Kind.TRAINING
    return Enrolment.objects.filter(experiment=enrolment.experiment_id, user=enrolment.user_id, kind=kind)


def _blank_reviews(enrolment: Enrolment, now: datetime) -> dict[str, int]:
    answers = Answer.objects.filter(submission__review__assignment__enrolment=enrolment).update(value="")
    # That a check was asked stays with the opening; whether it was passed would tell the answer.
    checks = AttentionCheckAnswer.objects.filter(submission__review__assignment__enrolment=enrolment).update(
        value="", passed=None
    )
    submissions = Submission.objects.filter(review__assignment__enrolment=enrolment).update(
        client_data="", erased_at=now
    )
    events = ReviewEvent.objects.filter(review__assignment__enrolment=enrolment).filter(~Q(data="")).update(data="")
    return {"answers": answers + checks, "submissions": submissions, "events": events}


def _blank_joining(enrolment: Enrolment, now: datetime) -> dict[str, int]:
    told = IntakeAnswer.objects.filter(submission__enrolment=enrolment).update(value="")
    IntakeSubmission.objects.filter(enrolment=enrolment).update(erased_at=now)
    names = ConsentSignature.objects.filter(record__enrolment=enrolment).filter(~Q(name="")).update(name="")
    left = EnrolmentEvent.objects.filter(enrolment=enrolment, status=Enrolment.Status.WITHDRAWN)
    left.filter(by=enrolment.user_id).update(reason=OWN_WISH)
    return {name: rows for name, rows in (("intake_answers", told), ("signatures", names)) if rows}
