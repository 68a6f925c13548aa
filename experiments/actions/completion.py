"""An enrolment is completed when nothing is left to answer: by the last answer, or by the withdrawal of the rest."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField, Exists, OuterRef, Q, QuerySet

from augmed.foundation import audit
from augmed.foundation.prepared import Parameter, PreparedUpdate
from cases.models import CaseSnapshot
from cases.signals import snapshot_redacted
from experiments.models import Enrolment, EnrolmentEvent, Experiment, Review

_BATCH = 1000
_RUNNING = (Experiment.Status.ACTIVE, Experiment.Status.PAUSED)
_BY_ANSWER = "All reviews answered."
_BY_WITHDRAWAL = "The cases that were left were withdrawn."


def complete_if_last(*, enrolment_id: int, by: Any) -> None:
    """After an answer, in its transaction and under the enrolment's lock. One statement (two on SQLite)."""
    event = EnrolmentEvent(enrolment_id=enrolment_id, status=Enrolment.Status.COMPLETED, reason=_BY_ANSWER, by=by)
    _COMPLETE_IF_LAST.execute_and_record(event, enrolment=enrolment_id)


def complete_without(*, snapshot: CaseSnapshot, by: Any) -> list[int]:
    """After a snapshot was redacted, in its transaction: complete those who waited for its case alone, and return them.

    Completion is final. So a case that is to be read again is prepared anew before its old snapshot is redacted, and
    whoever has answered nothing is not completed by it."""
    of_it = Review.objects.filter(assignment__enrolment=OuterRef("pk"))
    waiting = (
        Enrolment.objects.active()
        .filter(Exists(of_it.unanswered().filter(assignment__case=snapshot.case_id)))
        .filter(experiment__status__in=_RUNNING, experiment__kind=Experiment.Kind.PROTOCOL)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    with transaction.atomic():
        # All who wait, as an answer does, and looked at afterwards: of the two the later one sees the other.
        list(waiting.select_for_update(of=("self",)))
        done = list(waiting.filter(_nothing_left(OuterRef("pk")), Exists(of_it.answered())))
        for start in range(0, len(done), _BATCH):
            _complete(done[start : start + _BATCH], by)
        if done:
            audit.record(action="enrolments_completed", by=by, target=snapshot, data={"enrolments": done})
    return done


def _complete(enrolments: list[int], by: Any) -> None:
    status = Enrolment.Status.COMPLETED
    Enrolment.objects.filter(pk__in=enrolments).update(status=status)
    EnrolmentEvent.objects.bulk_create(
        EnrolmentEvent(enrolment_id=pk, status=status, reason=_BY_WITHDRAWAL, by=by) for pk in enrolments
    )


def _nothing_left(enrolment: Any) -> Q:
    return ~Q(Exists(Review.objects.filter(assignment__enrolment=enrolment).left()))


def _if_last(enrolment: int) -> QuerySet[Enrolment]:
    return Enrolment.objects.filter(_nothing_left(enrolment), pk=enrolment).order_by()


_COMPLETE_IF_LAST = PreparedUpdate(
    _if_last, {"status": Enrolment.Status.COMPLETED}, enrolment=Parameter(BigIntegerField(), 2_100_000_001)
)


def _on_redaction(sender: Any, *, snapshot: CaseSnapshot, by: Any, **_: Any) -> None:
    complete_without(snapshot=snapshot, by=by)


def register() -> None:
    snapshot_redacted.connect(_on_redaction, dispatch_uid="experiments.complete_without")
