"""What those who may not see the allocation are not shown of a running study, beside what is counted by common stages
(experiments.exports.blinding)."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from experiments.models import Experiment, ProtocolStage, Reminder, Review


def reminders_tell(experiment: Experiment, stages: int | None) -> bool:
    """Whether a person's reminders tell of a reading that not every arm has: who gets one with every case answered, or
    gets it later than the last answer would let expect, goes on. `stages`: that the asker may know of; None: all of
    them, and nothing is a secret. One query at most."""
    if stages is None:
        return False
    return ProtocolStage.objects.filter(protocol__experiment=experiment, position__gt=stages).exists()


def of_any_arm(reminders: QuerySet[Reminder], stages: int) -> QuerySet[Reminder]:
    """Those of people who would get reminders in any arm, as a reading that all arms have waits for them."""
    common = Review.objects.unanswered().filter(assignment__enrolment=OuterRef("enrolment"), stage_position__lte=stages)
    return reminders.filter(Exists(common.order_by()))
