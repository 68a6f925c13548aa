"""A reader's own reviews in their order, each with its status, in one query."""

from __future__ import annotations

from typing import Any

from django.db.models import BigIntegerField, Case, CharField, Exists, ExpressionWrapper, F, OuterRef, Value, When

from augmed.foundation.pagination import CursorPagination
from experiments.models import Review
from experiments.models.querysets import ReviewQuerySet

_STAGES = 10**2  # more stages than any arm has
_POSITIONS = 10**8  # more positions than any enrolment has


class InReadingOrder(CursorPagination):
    """Study by study, by position, stage by stage: as one number, because a cursor needs a value that is unique."""

    ordering = "reading_order"


def own_reviews(user: Any) -> ReviewQuerySet:
    """The reader's reviews with what a list shows. `status`: answered; open (opened, not answered); next (can be
    opened now); locked (not available yet, or the study or the enrolment is not active)."""
    reachable = Review.objects.reachable().filter(pk=OuterRef("pk"))
    return (
        Review.objects.owned_by(user)
        .with_progress()
        .select_related("assignment__enrolment__experiment")
        .annotate(
            status=Case(
                When(submission__isnull=False, then=Value("answered")),
                When(opening__isnull=False, then=Value("open")),
                When(Exists(reachable), then=Value("next")),
                default=Value("locked"),
                output_field=CharField(),
            ),
            reading_order=ExpressionWrapper(
                F("assignment__enrolment_id") * _POSITIONS * _STAGES
                + F("assignment__position") * _STAGES
                + F("stage_position"),
                output_field=BigIntegerField(),
            ),
        )
    )
