"""Cases as clinicians meet them, for tests of the case page: a chart of everyday size and one of 200 features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cases.models import LayoutNode
from cases.tree import SCHEMA_VERSION, Entry, Feature, ModelOutput, Node, Tree
from experiments.actions.lifecycle import activate
from experiments.actions.reviews import open_review
from experiments.models import Experiment, Review
from experiments.tests import factories

YEARS = ("2003-09-22", "2001-10-15", "1999-10-11", "1997-10-06", "1994-09-03")
RISK = ModelOutput(
    "Framingham general risk",
    "2008 (lipids)",
    "2003-09-22",
    "Made for ages 30 to 74 without cardiovascular disease. Not a measured value.",
)
NOTE = (
    "Annual check-up\n\nAttends for her yearly check. No complaints. No chest pain, dyspnoea, orthopnoea or oedema. "
    "Appetite and sleep good.\n\nExam: weight unchanged, blood pressure in range, rhythm regular, lungs clear.\n\n"
    "Plan: repeat fasting glucose and HbA1c next year; diet counselling."
)


def measured(
    node: str, concept: int, label: str, numbers: list[str], unit: str, low: str | None = None, high: str | None = None
) -> Feature:
    entries = tuple(
        Entry(f"{number} {unit}", number=number, unit=unit, low=low, high=high, date=day)
        for number, day in zip(numbers, YEARS, strict=False)
    )
    return Feature(node, f"c:{concept}", label, "series" if len(entries) > 1 else "number", "clinical", entries)


def coded(node: str, label: str, *entries: tuple[str, str | None], discriminator: str = "") -> Feature:
    made = tuple(Entry(text, date=day) for text, day in entries)
    return Feature(node, discriminator, label, "coded", "clinical", made)


def everyday_tree() -> Tree:
    vitals = (
        measured("vital", 1, "Systolic blood pressure", ["152", "148", "139", "133", "128"], "mmHg", "90", "139"),
        measured("vital", 2, "Diastolic blood pressure", ["85", "83", "85", "80", "79"], "mmHg", "60", "89"),
        measured("vital", 3, "Heart rate", ["82", "86", "79"], "/min", "60", "100"),
        measured("vital", 4, "Body temperature", ["37.8"], "°C", "36.1", "37.8"),
        measured("vital", 5, "Body mass index", ["30.4", "30.4", "29.8"], "kg/m²", "18.5", "24.9"),
    )
    lipids = (
        measured("lab", 11, "Total cholesterol", ["193", "181", "202"], "mg/dL", None, "199"),
        measured("lab", 12, "HDL cholesterol", ["35", "40", "44"], "mg/dL", "40"),
        measured("lab", 13, "Leukocytes", ["5.5"], "10³/µL", "4", "11"),
    )
    surgery = [("Subcutaneous immunotherapy", f"1993-{month:02}-13") for month in range(12, 0, -1)]
    problems = (
        coded("problem", "Other long-term conditions", ("Anemia", "1981-11-30"), ("Severe anxiety (panic)", None)),
        coded("surgery", "Surgery and interventions", *surgery),
    )
    value = Entry("6.3 %", number="6.3", unit="%", date="2003-09-22", model=RISK)
    smoker = Entry("11.5 %", number="11.5", unit="%", date="2003-09-22", model=RISK)
    advice = (
        Feature("advice", "", "10-year risk of a first cardiovascular event", "number", "advice", (value,)),
        Feature("advice2", "", "The same, if the patient is a current smoker", "number", "advice", (smoker,)),
    )
    note = Feature("note", "", "Visit note", "note", "clinical", (Entry(NOTE, date="2003-09-22T14:05:00"),))
    age = Feature("age", "", "Age", "number", "clinical", (Entry("50 years", number="50", unit="years"),))
    return Tree(
        SCHEMA_VERSION,
        (
            Node("patient", "Patient", "section", (age, coded("sex", "Sex", ("FEMALE", None)))),
            Node("history", "History", "section", (Node("problems", "Problem list", "category", problems),)),
            Node("examination", "Examination", "section", (Node("vitals", "Vital signs", "category", vitals),)),
            Node("laboratory", "Laboratory", "section", (Node("lipids", "Lipids and blood", "category", lipids),)),
            Node("notes", "Notes", "section", (note,)),
            Node("advice-section", "Risk assessment", "section", advice),
        ),
    )


def large_tree(features: int = 200) -> Tree:
    """`features` measurements in ten categories, every one a course of five dated values."""
    made = [
        measured(
            "lab", 5000 + at, f"Measurement number {at}", ["4.1", "4.6", "3.9", "5.3", "4.4"], "mmol/L", "3.5", "5.1"
        )
        for at in range(features)
    ]
    tenth = features // 10
    categories = tuple(
        Node("lipids", f"Category {at + 1}", "category", tuple(made[at * tenth : (at + 1) * tenth])) for at in range(10)
    )
    return Tree(SCHEMA_VERSION, (Node("laboratory", "Laboratory", "section", categories),))


def wide_layout() -> Any:
    """A layout with a node for each kind of feature of these trees."""
    version = factories.make_layout()
    LayoutNode.objects.filter(version=version).delete()
    at = 0

    def node(key: str, label: str, level: str, parent: Any = None, **fields: Any) -> Any:
        nonlocal at
        at += 1
        return LayoutNode.objects.create(
            version=version, parent=parent, position=at, key=key, label=label, level=level, **fields
        )

    patient = node("patient", "Patient", "section")
    node("age", "Age", "feature", patient, source="demographics", demographic="age")
    node("sex", "Sex", "feature", patient, source="demographics", demographic="gender")
    history = node("history", "History", "section")
    problems = node("problems", "Problem list", "category", history)
    node("problem", "Other long-term conditions", "feature", problems, source="condition")
    node("surgery", "Surgery and interventions", "feature", problems, source="procedure")
    examination = node("examination", "Examination", "section")
    vitals = node("vitals", "Vital signs", "category", examination)
    node("vital", "Vital sign", "feature", vitals, source="measurement", label_rule="concept")
    laboratory = node("laboratory", "Laboratory", "section")
    lipids = node("lipids", "Lipids and blood", "category", laboratory)
    node("lab", "Laboratory value", "feature", lipids, source="measurement", label_rule="concept")
    notes = node("notes", "Notes", "section")
    node("note", "Visit note", "feature", notes, source="note")
    advice = node("advice-section", "Risk assessment", "section")
    node("advice", "Risk", "feature", advice, source="observation", role="advice")
    node("advice2", "Risk of smokers", "feature", advice, source="observation", role="advice")
    return version


CLINICAL = ("patient", "history", "examination", "laboratory", "notes")
PINNED = [
    {"node": "vital", "discriminator": "c:1", "top": "1"},
    {"node": "problem", "top": "2"},
    {"node": "lab", "discriminator": "c:12", "highlight": True},
]


def reader_of(
    user: Any,
    tree: Tree | None = None,
    *,
    cells: list[list[dict[str, Any]]] | None = None,
    opened: bool = True,
    number: int = 1042,
    prepare: Callable[[Experiment], Any] | None = None,
    **fields: Any,
) -> Review:
    """The user's first review in a study of this one case, opened. `prepare` acts on the study before it begins."""
    version = wide_layout()
    case = factories.make_case(layout_version=version, tree=tree or everyday_tree(), number=number)
    stages = cells or [[*factories.show(*CLINICAL, "advice-section"), *PINNED]]
    study = factories.make_study(cases=[case], layout_version=version, arms={"One": stages}, active=False, **fields)
    if prepare is not None:
        prepare(study)
    activate(experiment=study, by=None, confirmed={"person_more_than_once", "later_stage_hides"})
    enrolment = factories.make_enrolment(study, user)
    review = Review.objects.get(assignment__enrolment=enrolment, stage_position=1)
    if opened:
        open_review(public_id=review.public_id, by=user, translated=True)
    return review
