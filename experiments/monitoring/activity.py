"""When a participant last did something in the study, and which of their cases wait for them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, OuterRef, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest

from experiments.models import Enrolment, EnrolmentEvent, IntakeSubmission, Review


def with_last_activity(enrolments: QuerySet[Enrolment], *, stages: int | None = None) -> QuerySet[Enrolment]:
    """Annotated with `last_activity`: joined, consented, asked about themselves, opened, answered, or a draft saved.
    `stages`: in these first stages alone, where those who look may not learn who goes on after them.

    Each part is found by the index of its foreign key, enrolment by enrolment, and reviews are gone through once."""
    events = EnrolmentEvent.objects.all()
    reviews = Review.objects.all()
    if stages is not None:
        events = events.exclude(status=Enrolment.Status.COMPLETED)  # which comes with the last stage
        reviews = reviews.filter(stage_position__lte=stages)
    # Of one review the answer is the last, and a draft comes after the opening and goes with the answer.
    done = Coalesce("submission__submitted_at", "draft__saved_at", "opening__opened_at")
    parts = (
        _newest(events, "enrolment", F("at")),
        _newest(IntakeSubmission.objects.all(), "enrolment", F("submitted_at")),
        _newest(reviews, "assignment__enrolment", done),
    )
    # The largest of several is none on SQLite where one of them is none.
    known = [Coalesce(part, F("joined_at")) for part in parts]
    return enrolments.annotate(last_activity=Greatest(F("joined_at"), *known))


def _newest(rows: QuerySet[Any], enrolment: str, at: Combinable) -> Subquery:
    own = rows.filter(**{enrolment: OuterRef("pk")}).order_by()
    return Subquery(own.values(enrolment).annotate(newest=Max(at)).values("newest"))


def waiting_reviews(now: datetime | None = None, *, stages: int | None = None) -> QuerySet[Review]:
    """What can be opened or answered now, of anybody. `stages`: at these first stages alone, where those who look may
    not learn who has more of them."""
    waiting = Review.objects.unanswered().in_time(now)
    return waiting if stages is None else waiting.filter(stage_position__lte=stages)


def cases_waiting(
    enrolments: Iterable[int], now: datetime | None = None, *, stages: int | None = None
) -> dict[int, int]:
    """By enrolment, how many cases (not reviews) wait. One query; who has none is left out."""
    reviews = waiting_reviews(now, stages=stages).filter(assignment__enrolment__in=list(enrolments))
    rows = reviews.order_by().values_list("assignment__enrolment").annotate(cases=Count("assignment", distinct=True))
    return dict(rows)
