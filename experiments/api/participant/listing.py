"""A reader's own reviews, page by page."""

from __future__ import annotations

from typing import Any

from django.db.models import BigIntegerField, ExpressionWrapper, F

from augmed.foundation.pagination import CursorPagination
from experiments.models.querysets import ReviewQuerySet
from experiments.reviewing.own_reviews import own_reviews

_STAGES = 10**2  # more stages than any arm has
_POSITIONS = 10**8  # more positions than any enrolment has


class InReadingOrder(CursorPagination):
    """Study by study, by position, stage by stage: as one number, because a cursor needs a value that is unique."""

    ordering = "reading_order"


def own_reviews_in_pages(user: Any) -> ReviewQuerySet:
    """`own_reviews` with what InReadingOrder sorts by."""
    order = (
        F("assignment__enrolment_id") * _POSITIONS * _STAGES + F("assignment__position") * _STAGES + F("stage_position")
    )
    return own_reviews(user).annotate(reading_order=ExpressionWrapper(order, output_field=BigIntegerField()))
