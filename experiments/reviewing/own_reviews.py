"""One's own reviews: all of them in order, and the one to go on with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import BigIntegerField, DateTimeField, QuerySet
from django.utils import timezone

from augmed.foundation.prepared import Parameter, Prepared
from experiments.models import Enrolment, Experiment
from experiments.models.querysets import ReviewQuerySet
from experiments.models.review import Review


def own_reviews(user: Any) -> ReviewQuerySet:
    """The user's real reviews in order, with status, position, case number and times;
    `assignment.enrolment.experiment` is loaded. A later stage is not among them before the one before it is answered.
    One statement, however many."""
    return (
        Review.objects.owned_by(user)
        .real()
        .without_later_stages()
        .with_progress()
        .with_status()
        .select_related("assignment__enrolment__experiment")
        .in_order()
    )


def _first(reviews: ReviewQuerySet, now: datetime) -> QuerySet[Any, Any]:
    return (
        reviews.unanswered()
        .reachable(now)
        .values_list(
            "public_id",
            "assignment__enrolment__experiment__code",
            "assignment__case__number",
            "assignment__position",
            "stage_position",
            "opening__opened_at",
        )[:1]
    )


_ID = Parameter(BigIntegerField(), 2_100_000_001)
_NOW = Parameter(DateTimeField(), datetime(1901, 2, 3, 4, 5, 6, 7, tzinfo=UTC))
_RUNNING = Prepared(
    lambda user: (
        Enrolment.objects.real()
        .filter(user=user, experiment__status=Experiment.Status.ACTIVE)
        .active()
        .order_by("pk")
        .values_list("pk")[:2]
    ),
    user=_ID,
)
# In one enrolment the database walks the assignments in their order and stops at the first that fits.
_NEXT_IN_ENROLMENT = Prepared(
    lambda enrolment, now: _first(
        Review.objects.filter(assignment__enrolment=enrolment).order_by("assignment__position", "stage_position"), now
    ),
    enrolment=_ID,
    now=_NOW,
)
_NEXT_OF_ALL = Prepared(
    lambda user, now: _first(Review.objects.owned_by(user).real().in_order(), now),
    user=_ID,
    now=_NOW,
)


def next_review(user: Any) -> dict[str, Any] | None:
    """The first of `own_reviews` that is not answered and can be answered now, as a list shows it. At most three
    statements, two where one takes part in one study."""
    running = _RUNNING.rows(user=user.pk)
    if not running:
        return None
    now = timezone.now()
    rows = _NEXT_IN_ENROLMENT.rows(enrolment=running[0][0], now=now)
    if not rows and len(running) > 1:
        rows = _NEXT_OF_ALL.rows(user=user.pk, now=now)
    if not rows:
        return None
    public_id, study, case_number, position, stage_position, opened_at = rows[0]
    return {
        "public_id": public_id,
        "study": study,
        "case_number": case_number,
        "position": position,
        "stage_position": stage_position,
        "status": "next" if opened_at is None else "open",
        "opened_at": opened_at,
        "submitted_at": None,
    }
