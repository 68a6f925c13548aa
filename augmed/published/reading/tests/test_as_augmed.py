"""A page_config and display configs as AugMed's teams have them, and the page that its client draws of them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from augmed.published.reading.details import AI_KEY
from augmed.published.reading.tests import client_schema
from augmed.published.tests.augmed_study import display_configs
from cases.actions import import_layout
from cases.tests import omop_rows
from experiments.actions.display_configs import apply
from experiments.models import Experiment
from experiments.tests.factories import make_questionnaire

FAMILY, SMOKE, ALCOHOL, COMPLAINT, SCORE, PRESSURE, BMI = (
    4167217,
    4041306,
    4238768,
    38000282,
    45614722,
    4154790,
    40490382,
)
ABDOMEN, TENDER, SOFT = 4152283, 4097211, 4097212
PAGE_CONFIG = {
    "BACKGROUND": {
        "Family History": [FAMILY],
        "Social History": {"Smoke": [SMOKE], "Alcohol": [ALCOHOL]},
        "CRC risk assessments": [SCORE],
    },
    "PATIENT COMPLAINT": {"Chief Complaint": [COMPLAINT]},
    "PHYSICAL EXAMINATION": {"Pressure": [PRESSURE], "BMI": [BMI]},
}
NAMES = {
    8532: "FEMALE",
    FAMILY: "Family history",
    SMOKE: "Tobacco",
    ALCOHOL: "Alcohol",
    COMPLAINT: "Chief complaint",
    SCORE: "Risk score",
    PRESSURE: "Blood pressure",
    BMI: "BMI (body mass index) centile",
    437663: "Fever",
    4041664: "Difficulty breathing",
}
pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(db: None) -> int:
    for concept_id, name in NAMES.items():
        omop_rows.concept(concept_id, name)
    omop_rows.person(1, year_of_birth=1950, day_of_birth=1, gender_concept_id=8532, person_source_value="Ada Lovelace")
    omop_rows.visit(1, 1, date(2020, 5, 17))
    own: dict[str, Any] = {"person_id": 1, "visit_id": 1}
    for text in ("Cancer: Yes", "Diabetes: No", "Ca. ovarii: at 50.5 years"):
        omop_rows.event("observation", FAMILY, value_as_string=text, **own)
    omop_rows.event("observation", SMOKE, value_as_number=0, **own)
    omop_rows.event("observation", ALCOHOL, value_as_string="Beer: 2 a day", **own)
    omop_rows.event("observation", SCORE, value_as_string="Colorectal Cancer Score: 7.5", **own)
    omop_rows.event("observation", SCORE, value_as_string="Adjusted CRC Risk: 9", **own)
    omop_rows.event("observation", 437663, type_id=COMPLAINT, value_as_string="3 days", **own)
    omop_rows.event("observation", 4041664, type_id=COMPLAINT, **own)
    omop_rows.event("measurement", PRESSURE, value_as_number=120, **own)
    omop_rows.event("measurement", BMI, value_as_number=27, **own)
    import_layout(content=PAGE_CONFIG, by=None, name="page_config")
    return 1


@pytest.fixture
def read(visit: int, clinician: Any, api: Any) -> Any:
    """Uploads these rows (path, collapse, highlight, top) and reads the case."""

    def reading(*rows: tuple[str, ...]) -> dict[str, Any]:
        apply(file=display_configs([(clinician.email, visit, *row) for row in rows]), by=None)
        make_questionnaire(Experiment.objects.get(kind="configs"))
        client = api(clinician)
        listed = client.get("/api/cases").json()
        client_schema.CASES.validate(listed)
        found = client.get(f"/api/case-reviews/{listed['data'][0]['config_id']}").json()
        client_schema.CASE_REVIEW.validate(found)
        return {"listed": listed["data"][0], **found["data"]}

    return reading


def node(key: str, values: Any, **style: Any) -> dict[str, Any]:
    return {"key": key, "values": values, "style": style or None}


ALWAYS_SHOWN = node("Patient Demographics", [node("Age", "70"), node("Gender", "FEMALE")])
COMPLAINTS = node(
    "PATIENT COMPLAINT",
    [node("Chief Complaint", [node("Difficulty breathing", None), node("Fever", "3 days")])],
)
UNRESTRICTED = node("PHYSICAL EXAMINATION", [node("Blood pressure", "120")])


def test_a_page_as_augmed_draws_it(read):
    found = read(
        ("BACKGROUND.Family History.Cancer: Yes", "FALSE", "TRUE", "2"),
        ("BACKGROUND.Family History.Ca. ovarii: at 50.5 years", "", "", "1"),
        ("RISK ASSESSMENT.CRC risk assessments",),
    )
    history = ["Ca. ovarii: at 50.5 years", "Cancer: Yes"]
    assert found["details"] == [
        node("BACKGROUND", [ALWAYS_SHOWN, node("Family History", history, collapse=True, highlight=True, top=2)]),
        COMPLAINTS,
        UNRESTRICTED,
    ]
    assert found["importantInfos"] == [
        node("Family History", history),
        node(AI_KEY, ["Predicted Colorectal Cancer Score: 7.5"]),
    ]
    assert (found["personName"], found["caseNumber"]) == (None, "1")
    assert found["listed"] | {"config_id": ""} == {
        "config_id": "",
        "case_id": 1,
        "patient_chief_complaint": "Difficulty breathing, Fever",
        "age": "70",
        "gender": "FEMALE",
    }


def test_a_nested_category_a_zero_and_a_single_row(read):
    """What the original could never show."""
    found = read(("BACKGROUND.Social History", "TRUE"))
    smoke, alcohol = node("Smoke", ["0"], collapse=False), node("Alcohol", ["Beer: 2 a day"], collapse=False)
    assert found["details"] == [
        node("BACKGROUND", [ALWAYS_SHOWN, node("Social History", [smoke, alcohol])]),
        COMPLAINTS,
        UNRESTRICTED,
    ]
    assert found["importantInfos"] == []


def test_an_examination_is_restricted_to_what_is_named(read):
    found = read(("PHYSICAL EXAMINATION.Abdominal.BMI (body mass index) centile", "", "TRUE"))
    assert found["details"] == [
        node("BACKGROUND", [ALWAYS_SHOWN]),
        COMPLAINTS,
        node("PHYSICAL EXAMINATION", [node("BMI (body mass index) range", "Overweight", highlight=True)]),
    ]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("RISK ASSESSMENT.Colorectal Cancer Score: 7.5", node(AI_KEY, ["Predicted Colorectal Cancer Score: 7.5"])),
        ("RISK ASSESSMENT.Colorectal Cancer Score: N/A", node("Predicted Colorectal Cancer Score", "N/A")),
    ],
)
def test_a_score_from_the_file(read, path, shown):
    found = read((path, "", "", "1"))
    assert found["importantInfos"] == [shown]


def test_scores_named_as_rows_are_not_hidden(read):
    """The original's last round disclosed them so, and its client showed nothing."""
    found = read(
        ("BACKGROUND.CRC risk assessments.Colorectal Cancer Score: 7.5",),
        ("BACKGROUND.CRC risk assessments.Adjusted CRC Risk: 9",),
    )
    assert found["importantInfos"] == [
        node(AI_KEY, ["Predicted Colorectal Cancer Score: 7.5"]),
        node("AI-Predicted CRC Risk Score", "9"),
    ]
    assert found["details"] == [node("BACKGROUND", [ALWAYS_SHOWN]), COMPLAINTS, UNRESTRICTED]
