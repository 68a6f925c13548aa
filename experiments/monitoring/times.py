"""How long readers take for a case, over all arms together.

Only what every arm has is timed: with a second reading in one arm alone, time would tell who is in it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal

from django.db.models import F, QuerySet, Window
from django.db.models.functions import DenseRank

from experiments.exports.tracing import Event, traced
from experiments.models import Enrolment, Experiment, Review, ReviewEvent

NEWEST = 2_000
"""So many readings at most are looked at for the whole study: its figures cost the same however large it grows."""

NEWEST_OF_EACH = 100
"""So many cases at most of one person, or readers of one case."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One review that was answered. `seconds`: by the server's clock, from the first opening to the answer."""

    review: int
    assignment: int
    group: int
    seconds: float


def newest_readings(experiment: Experiment, *, stages: int) -> list[Reading]:
    """One query."""
    rows = _timed(experiment, stages).order_by("-submission__submitted_at")
    return _readings(rows[:NEWEST], "assignment__enrolment_id")


def readings_of(
    experiment: Experiment,
    group: Literal["assignment__enrolment_id", "assignment__case_id"],
    keys: Iterable[int],
    *,
    stages: int,
) -> list[Reading]:
    """Of these enrolments or cases, of each the NEWEST_OF_EACH cases that were assigned last. One query."""
    newest = Window(DenseRank(), partition_by=F(group), order_by=F("assignment_id").desc())
    found = _timed(experiment, stages).filter(**{f"{group}__in": list(keys)}).annotate(place=newest)
    return _readings(found.filter(place__lte=NEWEST_OF_EACH).order_by("pk"), group)


def case_times(readings: Iterable[Reading], *, active: dict[int, float] | None = None) -> dict[int, list[float]]:
    """Seconds by group, one for each case: the readings of a case together. `active`: seconds by review instead of the
    whole time; a case of which one reading has none is left out."""
    groups: dict[int, int] = {}
    sums: dict[int, float | None] = {}
    for one in readings:
        groups[one.assignment] = one.group
        seconds = one.seconds if active is None else active.get(one.review)
        before = sums.get(one.assignment, 0.0)
        sums[one.assignment] = None if seconds is None or before is None else before + seconds
    found: dict[int, list[float]] = defaultdict(list)
    for assignment, total in sums.items():
        if total is not None:
            found[groups[assignment]].append(total)
    return dict(found)


def active_seconds(reviews: Iterable[int]) -> dict[int, float]:
    """How long each was really read, by the same count as the export's, as far as the case page told it; others are
    left out. One query. A page counts on and on, so that the events at its ends say all of it."""
    told = ReviewEvent.objects.filter(review__in=list(reviews), kind__in=_ENDS, page_session__isnull=False)
    rows = (
        told.exclude(data="").order_by("review", "pk").values_list("review", "kind", "page_session", "sequence", "data")
    )
    found: dict[int, float] = {}
    for review, events in groupby(rows.iterator(chunk_size=2000), itemgetter(0)):
        read = traced(_event(kind, page, sequence, data) for _review, kind, page, sequence, data in events)
        if read.active_ms:
            found[review] = read.active_ms / 1000
    return found


_ENDS = (ReviewEvent.Kind.ANSWER_SUBMITTED, ReviewEvent.Kind.PAGE_CLOSED, ReviewEvent.Kind.BLUR)


def _event(kind: str, page: Any, sequence: int | None, data: str) -> Event:
    found = json.loads(data)
    return Event(kind, page, sequence, data=found if isinstance(found, dict) else {})


def _timed(experiment: Experiment, stages: int) -> QuerySet[Review]:
    real = Enrolment.objects.real().filter(experiment=experiment)
    return Review.objects.answered().filter(
        assignment__enrolment__in=real, stage_position__lte=stages, opening__isnull=False
    )


def _readings(rows: QuerySet[Review], group: str) -> list[Reading]:
    read = rows.values_list("pk", "assignment_id", group, "opening__opened_at", "submission__submitted_at")
    return [
        Reading(pk, assignment, key, _seconds(opened, submitted)) for pk, assignment, key, opened, submitted in read
    ]


def _seconds(opened: datetime, submitted: datetime) -> float:
    return max((submitted - opened).total_seconds(), 0.0)
