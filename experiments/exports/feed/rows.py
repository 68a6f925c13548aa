"""What the rows of every feed of reviews have: who, which case, and under which draw. A page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, OuterRef, Subquery

from experiments.exports.cells import Column
from experiments.exports.feed.studies import Feed, FeedStudy
from experiments.models import Review
from experiments.models.querysets import ReviewQuerySet
from omop.models import Concept, Person, VisitOccurrence

CHUNK = 1000
"""Reviews read at one time: a page takes a handful of statements for each chunk of it."""

ARM_MASKED = "Empty where arms are masked."
OURS = (
    Column("arm", "text", f"Key of the arm; empty where a CSV named none. {ARM_MASKED}"),
    Column("experiment_id", "text", "Code of the study."),
    Column("rl_run_id", "integer", f"The draw that made the assignment. {ARM_MASKED}"),
    Column("task_id", "text", "Random id of the review; the same in all feeds and in addresses."),
    Column("stage", "integer", "Place of the stage in the arm, from 1."),
    Column("pseudonym", "text", "Of the participant in this study."),
)
"""What follows the columns of the published contract."""

WHO = Column("user_email", "text", "The address where it may be told, else the pseudonym.")
PERSON = (
    Column("person_id", "integer", "OMOP's id of the patient."),
    Column("visit_start_date", "date", "Begin of the visit."),
)

_ENROLMENT = "assignment__enrolment__"
_SHARED = {
    "study_id": F("assignment__enrolment__experiment_id"),
    "code": F("assignment__enrolment__experiment__code"),
    "enrolment_id": F("assignment__enrolment_id"),
    "pseudonym": F("assignment__enrolment__pseudonym"),
    "case_number": F("assignment__case__number"),
    "person_id": F("assignment__case__person_id"),
    "arm": F("assignment__arm__key"),
    "run": F("assignment__run_id"),
}


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one request, in the feed's order: their primary keys and their studies."""

    rows: Sequence[tuple[int, int]]

    @property
    def per_study(self) -> dict[int, int]:
        found: dict[int, int] = {}
        for _, study in self.rows:
            found[study] = found.get(study, 0) + 1
        return found


def page_of(feed: Feed, reviews: ReviewQuerySet, *, by_case: bool, limit: int, offset: int) -> Page:
    """By participant as rows name them, then by the cases' numbers or as the reviews were made. One statement."""
    own = ("assignment__case__number", "pk") if by_case else ("pk",)
    ordered = reviews.annotate(who=feed.who(_ENROLMENT)).order_by("who", "assignment__enrolment_id", *own)
    return Page(tuple(ordered.values_list("pk", "assignment__enrolment__experiment_id")[offset : offset + limit]))


def details(feed: Feed, chunk: Sequence[int], **more: Any) -> list[dict[str, Any]]:
    """The reviews with these primary keys, in this order, with what all feeds tell and `more` annotations."""
    rows = Review.objects.filter(pk__in=chunk).annotate(who=feed.who(_ENROLMENT), **_SHARED, **_visit(), **more)
    names = ("pk", "public_id", "stage_position", "who", *_SHARED, *_visit(), *more)
    found = {row["pk"]: row for row in rows.order_by().values(*names)}
    return [found[pk] for pk in chunk if pk in found]


def chunks(page: Page) -> Iterator[list[int]]:
    for begin in range(0, len(page.rows), CHUNK):
        yield [pk for pk, _ in page.rows[begin : begin + CHUNK]]


def ours(study: FeedStudy, row: dict[str, Any]) -> list[Any]:
    """The values of OURS."""
    by_arm = study.visible.by_arm
    arm, run = (row["arm"], row["run"]) if by_arm else (None, None)
    return [arm, row["code"], run, row["public_id"].hex, row["stage_position"], row["pseudonym"]]


def _visit() -> dict[str, Any]:
    visits = VisitOccurrence.objects.filter(pk=OuterRef("assignment__case__visit_occurrence_id"))
    return {"visit_start_date": Subquery(visits.values("visit_start_date")[:1])}


def patient() -> dict[str, Any]:
    """Annotations: year of birth and gender, as OMOP has them."""
    persons = Person.objects.filter(pk=OuterRef("assignment__case__person_id"))
    named = Concept.objects.filter(pk=OuterRef("gender_concept_id")).values("concept_name")[:1]
    return {
        "year_of_birth": Subquery(persons.values("year_of_birth")[:1]),
        "gender_name": Subquery(persons.annotate(gender=Subquery(named)).values("gender")[:1]),
    }
