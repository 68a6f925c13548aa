"""Those who take part asked to sign a new version of the consent form: nothing goes on until they have."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from experiments.actions.completion import complete_if_last
from experiments.models import ConsentDocument, Enrolment, EnrolmentEvent, Experiment, Review

Status = Enrolment.Status
_BATCH = 1000


def taking_part(study: Experiment) -> QuerySet[Enrolment]:
    """Who would be asked: with those who have answered everything, as to leave them out would tell who they are, and by
    that the arm, to staff who may not see it. Practice waits with the rest."""
    kinds = (Enrolment.Kind.REAL, Enrolment.Kind.TRAINING)
    return Enrolment.objects.filter(
        experiment=study, kind__in=kinds, status__in=(Status.ACTIVE, Status.COMPLETED), erased_at=None
    )


def asked_again(study: Experiment) -> QuerySet[Enrolment]:
    """Who was asked and has not signed yet."""
    return Enrolment.objects.filter(experiment=study, asked_again__isnull=False)


def ask_again(study: Experiment, document: ConsentDocument, *, by: Any) -> int:
    """Everybody who takes part awaits consent; how many they are. For an action that holds the study's lock. Two
    statements, and one for each thousand people."""
    people = taking_part(study)
    asked = list(people.select_for_update().order_by("pk").values_list("pk", flat=True))
    people.update(status=Status.AWAITING_CONSENT, asked_again=document)
    reason = f"Asked to sign version {document.number} of the consent form."
    EnrolmentEvent.objects.bulk_create(
        (EnrolmentEvent(enrolment_id=pk, status=Status.AWAITING_CONSENT, reason=reason, by=by) for pk in asked),
        batch_size=_BATCH,
    )
    return len(asked)


def go_on(enrolment: Enrolment, *, by: Any) -> None:
    """After the consent of somebody who was asked again: practice goes on with the rest, and who had answered
    everything before, or has nothing left by now, is completed as they were."""
    practice = Enrolment.objects.filter(
        experiment=enrolment.experiment_id, user=enrolment.user_id, kind=Enrolment.Kind.TRAINING
    )
    for training in practice.filter(asked_again__isnull=False).select_for_update():
        training.move_to(Status.ACTIVE)
        EnrolmentEvent.objects.create(enrolment=training, status=training.status, by=by)
        _complete_if_done(training, by)
    _complete_if_done(enrolment, by)


def _complete_if_done(enrolment: Enrolment, by: Any) -> None:
    """Where a CSV says what is read there is no last answer."""
    answered = Review.objects.filter(assignment__enrolment=enrolment).answered()
    if enrolment.experiment.kind == Experiment.Kind.PROTOCOL and answered.exists():
        complete_if_last(enrolment_id=enrolment.pk, by=by)
        enrolment.refresh_from_db(fields=["status"])
