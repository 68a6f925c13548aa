"""How far a study is: counts of cases by participant and by case. Nothing here depends on an arm.

Cases are counted, not reviews: where arms differ in their number of stages, counts of reviews would tell the arm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from augmed.foundation.permissions import Verb
from experiments.exports.blinding import common_stages
from experiments.models import Assignment, Enrolment, Experiment, Review
from experiments.roles import may


@dataclass(frozen=True)
class Counts:
    """Of assigned cases: how many there are, how many were opened, and how many have every stage answered (or every one
    of the first stages that the reader of the counts asked for)."""

    assigned: int = 0
    opened: int = 0
    answered: int = 0


NONE_YET = Counts()


def seen_stages(experiment: Experiment, user: Any) -> int | None:
    """For counts that this person sees: None, so that every stage counts, for who may see the allocation; else the
    stages that all arms have in common. Two queries at most."""
    return None if may(user, Verb.VIEW_ALLOCATION, experiment) else common_stages(experiment)


def real_assignments(experiment: Experiment) -> QuerySet[Assignment]:
    return Assignment.objects.filter(enrolment__in=Enrolment.objects.real().filter(experiment=experiment))


def counts_by(
    assignments: QuerySet[Assignment], group: Literal["enrolment_id", "case_id"], *, stages: int | None = None
) -> dict[int, Counts]:
    """One query. Groups without any assignment are left out; NONE_YET stands for them.

    `stages`: a case counts as answered once its first `stages` are. Where some arms go on for days after that, "every
    stage" would tell who is in them."""
    rows = _with_state(assignments, stages).order_by().values(key=F(group)).annotate(**_COUNTED)
    return {row["key"]: Counts(row["assigned"], row["opened"], row["answered"]) for row in rows}


def totals(experiment: Experiment, *, stages: int | None = None) -> Counts:
    """One query."""
    row = _with_state(real_assignments(experiment), stages).order_by().aggregate(**_COUNTED)
    return Counts(row["assigned"], row["opened"], row["answered"])


def enrolments_by_status(experiment: Experiment, user: Any) -> dict[str, int]:
    """Every status that there is, as this person sees it, also those that nobody has. One query."""
    real = Enrolment.objects.real().filter(experiment=experiment)
    people: Any = real.with_status_for(user)  # Any: the rows are annotated
    rows = people.order_by().values("status_seen").annotate(people=Count("pk"))
    found = {row["status_seen"]: row["people"] for row in rows}
    return {status: found.get(status, 0) for status in Enrolment.Status.values}


_COUNTED = {
    "assigned": Count("pk"),
    "opened": Count("pk", filter=Q(is_opened=True)),
    "answered": Count("pk", filter=Q(has_reviews=True, is_unanswered=False)),
}


def _with_state(assignments: QuerySet[Assignment], stages: int | None) -> QuerySet[Assignment]:
    reviews = Review.objects.filter(assignment=OuterRef("pk"))
    counted = reviews if stages is None else reviews.filter(stage_position__lte=stages)
    return assignments.annotate(
        has_reviews=Exists(reviews),
        is_opened=Exists(reviews.opened()),
        is_unanswered=Exists(counted.unanswered()),
    )
