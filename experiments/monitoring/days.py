"""How the answers came in, day by day (UTC), over all arms together."""

from __future__ import annotations

from datetime import UTC, date
from itertools import accumulate

from django.db.models import Count
from django.db.models.functions import TruncDate

from experiments.models import Enrolment, Experiment, Submission


def answered_by_day(experiment: Experiment, *, stages: int) -> list[tuple[date, int]]:
    """Each day on which cases were answered, with how many were until then. One query. A case counts on the day on
    which the last of the stages that every arm has was answered."""
    real = Enrolment.objects.real().filter(experiment=experiment)
    last = Submission.objects.filter(review__assignment__enrolment__in=real, review__stage_position=stages)
    days = (
        last.order_by().annotate(day=TruncDate("submitted_at", tzinfo=UTC)).values_list("day").annotate(n=Count("pk"))
    )
    rows = list(days.order_by("day"))
    return list(zip((day for day, _n in rows), accumulate(n for _day, n in rows), strict=True))
