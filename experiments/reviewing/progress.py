"""How far a study is: counts of cases by participant and by case. Nothing here depends on an arm.

Cases are counted, not reviews: where arms differ in their number of stages, counts of reviews would tell the arm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from experiments.models import Assignment, Enrolment, Experiment, Review


@dataclass(frozen=True)
class Counts:
    """Of assigned cases: how many there are, how many were opened, and how many have every stage answered."""

    assigned: int = 0
    opened: int = 0
    answered: int = 0


NONE_YET = Counts()


def real_assignments(experiment: Experiment) -> QuerySet[Assignment]:
    return Assignment.objects.filter(enrolment__in=Enrolment.objects.real().filter(experiment=experiment))


def counts_by(assignments: QuerySet[Assignment], group: Literal["enrolment_id", "case_id"]) -> dict[int, Counts]:
    """One query. Groups without any assignment are left out; NONE_YET stands for them."""
    rows = _with_state(assignments).order_by().values(key=F(group)).annotate(**_COUNTED)
    return {row["key"]: Counts(row["assigned"], row["opened"], row["answered"]) for row in rows}


def totals(experiment: Experiment) -> Counts:
    """One query."""
    row = _with_state(real_assignments(experiment)).order_by().aggregate(**_COUNTED)
    return Counts(row["assigned"], row["opened"], row["answered"])


def enrolments_by_status(experiment: Experiment) -> dict[str, int]:
    """Every status, also those that nobody has. One query."""
    rows = Enrolment.objects.real().filter(experiment=experiment).order_by().values("status")
    found = {row["status"]: row["people"] for row in rows.annotate(people=Count("pk"))}
    return {status: found.get(status, 0) for status in Enrolment.Status.values}


_COUNTED = {
    "assigned": Count("pk"),
    "opened": Count("pk", filter=Q(is_opened=True)),
    "answered": Count("pk", filter=Q(has_reviews=True, is_unanswered=False)),
}


def _with_state(assignments: QuerySet[Assignment]) -> QuerySet[Assignment]:
    reviews = Review.objects.filter(assignment=OuterRef("pk"))
    return assignments.annotate(
        has_reviews=Exists(reviews),
        is_opened=Exists(reviews.opened()),
        is_unanswered=Exists(reviews.unanswered()),
    )
