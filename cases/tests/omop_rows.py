"""Rows of OMOP for tests, with only what a test cares about named."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from omop.events import EVENT_TABLES
from omop.models import Concept, Person, VisitOccurrence

PERSON, VISIT = 7, 70
VISIT_DATE = date(2020, 5, 17)
TYPE = 32817


def concept(concept_id: int, name: str) -> None:
    Concept.objects.create(
        concept_id=concept_id,
        concept_name=name,
        domain_id="Observation",
        vocabulary_id="SNOMED",
        concept_class_id="Clinical Finding",
        concept_code=str(concept_id),
        valid_start_date=date(1970, 1, 1),
        valid_end_date=date(2099, 12, 31),
    )


def person(person_id: int = PERSON, **fields: Any) -> None:
    given = {
        "gender_concept_id": 8532,
        "gender_source_value": "F",
        "year_of_birth": 1960,
        "month_of_birth": 5,
        "day_of_birth": 18,
        "race_concept_id": 0,
        "ethnicity_concept_id": 0,
    }
    Person.objects.create(person_id=person_id, **{**given, **fields})


def visit(visit_id: int = VISIT, person_id: int = PERSON, day: date = VISIT_DATE, **fields: Any) -> None:
    given = {"visit_concept_id": 9202, "visit_end_date": day, "visit_type_concept_id": TYPE}
    VisitOccurrence.objects.create(
        visit_occurrence_id=visit_id, person_id=person_id, visit_start_date=day, **{**given, **fields}
    )


_ids = iter(range(1, 10**9))
_REQUIRED = {
    "drug": {"drug_exposure_end_date": date(2030, 1, 1)},
    "note": {"note_text": "A note.", "encoding_concept_id": 0, "language_concept_id": 0},
}


def event(
    kind: str,
    concept_id: int = 100,
    day: date | datetime = VISIT_DATE,
    *,
    row_id: int | None = None,
    person_id: int = PERSON,
    visit_id: int | None = VISIT,
    type_id: int = TYPE,
    **fields: Any,
) -> Any:
    """A row of an event table; `day` with a time fills the datetime column too."""
    table = EVENT_TABLES[kind]
    named: dict[str, Any] = {
        table.id_column: row_id if row_id is not None else next(_ids),
        "person_id": person_id,
        "visit_occurrence_id": visit_id,
        table.concept_column: concept_id,
        table.type_column: type_id,
        table.start_date: day.date() if isinstance(day, datetime) else day,
    }
    if isinstance(day, datetime) and table.start_datetime:
        named[table.start_datetime] = day
    return table.model._default_manager.create(**{**_REQUIRED.get(kind, {}), **named, **fields})
