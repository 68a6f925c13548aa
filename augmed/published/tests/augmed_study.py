"""A study as AugMed's teams have it: visits in OMOP, a page_config, display configs. Made up, and small."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date

from cases.actions import import_layout
from cases.models import LayoutVersion
from cases.tests import omop_rows

FAMILY, MEDICAL, COMPLAINT_TYPE, PRESSURE, SCORE = 4167217, 1008364, 38000282, 4154790, 45614722

PAGE_CONFIG = {
    "BACKGROUND": {
        "Family History": [FAMILY],
        "Medical History": [MEDICAL],
        "CRC risk assessments": [SCORE],
    },
    "PATIENT COMPLAINT": {"Chief Complaint": [COMPLAINT_TYPE]},
    "PHYSICAL EXAMINATION": {"Blood pressure": [PRESSURE]},
}

QUESTIONS = [
    {
        "type": "SingleChoice",
        "title": "How would you assess this patient's risk?",
        "required": True,
        "options": ["Low", "Medium", "High"],
    },
    {
        "type": "MultipleChoice",
        "title": "What would you order?",
        "required": False,
        "options": ["Colonoscopy", "FIT", "Nothing"],
    },
    {"type": "Text", "title": "How many years until the next visit?", "required": True},
    {"type": "Paragraph", "title": "Anything else?", "required": False},
]


def make_visits(count: int, first: int = 1) -> list[int]:
    """Visits 1, 2, 3 … of as many persons, each with a history, a complaint, a measurement and a score."""
    if first == 1:
        _concepts()
    numbers = list(range(first, first + count))
    for number in numbers:
        omop_rows.person(number, year_of_birth=1950 + number % 30, gender_concept_id=8507, gender_source_value="M")
        omop_rows.visit(number, number, date(2020, 5, 17))
        own = {"person_id": number, "visit_id": number}
        omop_rows.event("observation", FAMILY, value_as_string="Cancer: Yes", **own)
        omop_rows.event("observation", FAMILY, value_as_string="Diabetes: No", **own)
        omop_rows.event("observation", MEDICAL, value_as_string="Asthma: Yes", **own)
        omop_rows.event("observation", 437663, type_id=COMPLAINT_TYPE, value_as_string="3 days", **own)
        omop_rows.event("measurement", PRESSURE, value_as_number=120 + number, **own)
        omop_rows.event("observation", SCORE, value_as_string=f"Colorectal Cancer Score: {number % 15}", **own)
    return numbers


def make_layout() -> LayoutVersion:
    """The page_config as the default layout."""
    return import_layout(content=PAGE_CONFIG, by=None, name="page_config")


def display_configs(rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV as AugMed's: User, Case No., Path, Collapse, Highlight, Top."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["User", "Case No.", "Path", "Collapse", "Highlight", "Top"])
    writer.writerows([*row, "", "", ""][:6] for row in rows)
    return text.getvalue().encode()


def _concepts() -> None:
    for concept_id, name in {
        8507: "MALE",
        8532: "FEMALE",
        FAMILY: "Family history",
        MEDICAL: "Medical history",
        COMPLAINT_TYPE: "Chief complaint",
        PRESSURE: "Systolic blood pressure",
        SCORE: "Risk score",
        437663: "Fever",
    }.items():
        omop_rows.concept(concept_id, name)
