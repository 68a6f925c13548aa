"""Small studies for tests, without OMOP: layouts, cases and snapshots straight from a feature tree."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from augmed.foundation.canonical import canonical_json
from cases.models import Case, CaseSnapshot, LayoutNode, LayoutVersion, PageLayout, SnapshotFeature
from cases.tree import SCHEMA_VERSION, Entry, Feature, ModelOutput, Node, Tree, features, to_json, tree_sha256
from experiments.actions.design import add_arm, create_experiment, set_case_list
from experiments.actions.enrolment import enrol
from experiments.actions.lifecycle import activate
from experiments.models import Enrolment, Experiment, Question, Questionnaire, QuestionnaireVersion
from participants.models import Profile, User

_numbers = itertools.count(1)

CLINICAL = ("age", "lab")
ADVICE = "advice"


def make_layout(name: str | None = None, *, is_default: bool = False) -> LayoutVersion:
    """A layout version: Patient > Age; Findings > Laboratory > lab (by concept), note; Advice > advice, risk."""
    layout = PageLayout.objects.create(name=name or f"Layout {next(_numbers)}", is_default=is_default)
    version = LayoutVersion.objects.create(layout=layout, number=1)
    position = itertools.count(1)

    def node(key: str, label: str, level: str, parent: LayoutNode | None = None, **fields: Any) -> LayoutNode:
        return LayoutNode.objects.create(
            version=version, parent=parent, position=next(position), key=key, label=label, level=level, **fields
        )

    patient = node("patient", "Patient", "section")
    node("age", "Age", "feature", patient, source="demographics", demographic="age")
    findings = node("findings", "Findings", "section")
    laboratory = node("laboratory", "Laboratory", "category", findings)
    node("lab", "Laboratory value", "feature", laboratory, source="measurement", label_rule="concept")
    advice = node("advice-section", "Advice", "section")
    node("advice", "Risk estimate", "feature", advice, source="observation", role="advice")
    node("risk", "Risk assessment", "feature", advice, role="advice", takes_supplied_values=True)
    return version


def make_tree(*, age: int = 60, labs: Mapping[int, tuple[str, str]] | None = None, advice: str = "12 %") -> Tree:
    """A tree under `make_layout`. `labs`: concept id to (label, decimal text)."""
    labs = {3000963: ("Hemoglobin", "13.2"), 3016723: ("Creatinine", "0")} if labs is None else labs
    measured = tuple(
        Feature("lab", f"c:{concept}", label, "number", "clinical", (Entry(f"{number} u", number=number),))
        for concept, (label, number) in labs.items()
    )
    model = ModelOutput("Risk equation", "1", "2020-01-01", "An estimate.")
    return Tree(
        SCHEMA_VERSION,
        (
            Node(
                "patient",
                "Patient",
                "section",
                (Feature("age", "", "Age", "number", "clinical", (Entry(str(age), number=str(age)),)),),
            ),
            Node("findings", "Findings", "section", (Node("laboratory", "Laboratory", "category", measured),)),
            Node(
                "advice-section",
                "Advice",
                "section",
                (Feature("advice", "", "Risk estimate", "text", "advice", (Entry(advice, model=model),)),),
            ),
        ),
    )


def add_snapshot(case: Case, tree: Tree, version: LayoutVersion, *, number: int = 1) -> CaseSnapshot:
    """Store the tree as a case's snapshot, with its feature rows."""
    snapshot = CaseSnapshot.objects.create(
        case=case,
        layout_version=version,
        number=number,
        schema_version=SCHEMA_VERSION,
        index_at=case.index_at.isoformat() if case.index_at else "",
        content=canonical_json(to_json(tree)),
        sha256=tree_sha256(tree),
    )
    SnapshotFeature.objects.bulk_create(
        SnapshotFeature(
            snapshot=snapshot,
            position=position,
            node_key=feature.node_key,
            discriminator=feature.discriminator,
            label=feature.label,
            entry_count=len(feature.entries),
        )
        for position, (feature, _labels) in enumerate(features(tree), start=1)
    )
    return snapshot


def make_case(
    *,
    tree: Tree | None = None,
    layout_version: LayoutVersion | None = None,
    number: int | None = None,
    person_id: int | None = None,
) -> Case:
    """A case with a snapshot of `tree` when a layout version is given."""
    count = next(_numbers)
    case = Case.objects.create(
        number=number if number is not None else 1000 + count,
        person_id=person_id,
        index_at=datetime(2020, 1, 1, 23, 59, 59),  # noqa: DTZ001  OMOP times are local and stay without zone
    )
    if layout_version is not None:
        add_snapshot(case, tree or make_tree(age=40 + count % 40), layout_version)
    return case


QUESTIONS: list[dict[str, Any]] = [
    {
        "key": "diagnosis",
        "type": "single_choice",
        "text": "Which diagnosis?",
        "options": ["yes", "no"],
        "scoring": "exact",
    },
    {"key": "risk", "type": "probability", "text": "How likely?", "scoring": "brier"},
    {"key": "remarks", "type": "paragraph", "text": "Anything else?", "required": False},
]


def make_questionnaire(
    experiment: Experiment, *, name: str | None = None, questions: Sequence[Mapping[str, Any]] = QUESTIONS
) -> QuestionnaireVersion:
    """Version 1 of a questionnaire of the study."""
    questionnaire = Questionnaire.objects.create(experiment=experiment, name=name or f"Questionnaire {next(_numbers)}")
    version = QuestionnaireVersion.objects.create(public_id=uuid.uuid4(), questionnaire=questionnaire, number=1)
    Question.objects.bulk_create(
        Question(version=version, position=position, **fields) for position, fields in enumerate(questions, start=1)
    )
    return version


def show(*nodes: str) -> list[dict[str, Any]]:
    """Matrix cells that show these nodes (and all below them) and nothing else."""
    return [{"node": node, "shown": True} for node in nodes]


ARMS: dict[str, list[list[dict[str, Any]]]] = {
    "Without advice": [show(*CLINICAL)],
    "With advice": [show(*CLINICAL, ADVICE)],
    "Advice afterwards": [show(*CLINICAL), show(*CLINICAL, ADVICE)],
}
"""Arm name to the cells of its stages."""


def make_study(
    *,
    cases: int | Sequence[Case] = 4,
    arms: Mapping[str, list[list[dict[str, Any]]]] = ARMS,
    weights: Mapping[str, int] | None = None,
    active: bool = True,
    by: User | None = None,
    name: str | None = None,
    layout_version: LayoutVersion | None = None,
    questions: Sequence[Mapping[str, Any]] = QUESTIONS,
    **fields: Any,
) -> Experiment:
    """A study with its own layout, questionnaire, arms and case list, by default activated. `fields`: of Experiment."""
    version = layout_version or make_layout()
    fields.setdefault("consent_elsewhere", bool(fields.get("consent_required")))
    experiment = create_experiment(name=name or f"Study {next(_numbers)}", by=by, layout=version.layout, **fields)
    questionnaire = make_questionnaire(experiment, questions=questions).questionnaire
    listed = [make_case(layout_version=version) for _ in range(cases)] if isinstance(cases, int) else list(cases)
    set_case_list(experiment=experiment, cases=listed, by=by)
    for arm, stages in arms.items():
        add_arm(
            experiment=experiment,
            name=arm,
            weight=(weights or {}).get(arm, 1),
            by=by,
            stages=[
                {"name": f"Step {at}", "questionnaire": questionnaire, "cells": c} for at, c in enumerate(stages, 1)
            ],
        )
    if active:
        activate(
            experiment=experiment,
            by=by,
            confirmed={"person_more_than_once", "later_stage_hides"},
        )
    experiment.refresh_from_db()
    return experiment


def make_participant(email: str | None = None, **intake: Any) -> User:
    """An account that takes part in studies."""
    user = User.objects.create_user(email or f"reader{next(_numbers)}@example.org")
    Profile.objects.create(user=user, name="Reader", intake=intake)
    return user


def make_enrolment(experiment: Experiment, user: User | None = None, **fields: Any) -> Enrolment:
    """A person enrolled (and drawn, where the study is active and consent is settled)."""
    return enrol(experiment=experiment, user=user or make_participant(), by=None, **fields)
