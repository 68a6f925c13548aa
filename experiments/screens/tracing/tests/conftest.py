"""Reviews whose case is opened: one that shows all at once, and one that hides until asked."""

from __future__ import annotations

from typing import Any

import pytest

from cases.tree import SCHEMA_VERSION, Entry, Feature, Node, Tree
from experiments.actions.design import update_stage
from experiments.actions.lifecycle import activate
from experiments.actions.reviews import open_review
from experiments.models import Arm, Review
from experiments.reviewing.reading import OpenedReview
from experiments.tests import factories

CONFIRMED = {"person_more_than_once", "later_stage_hides", "hides_what_was_shown"}
SHOWN = factories.show(*factories.CLINICAL, factories.ADVICE)
PINNED = [{**cell, "top": "1"} if cell["node"] == "age" else cell for cell in SHOWN]


def long_tree(rows: int = 60) -> Tree:
    """So many findings that most of them are below what a screen shows."""
    found = tuple(
        Feature("lab", f"c:{number}", f"Finding {number}", "text", "clinical", (Entry(f"SECRET{number}"),))
        for number in range(1, rows + 1)
    )
    age = Feature("age", "", "Age", "number", "clinical", (Entry("61", number="61"),))
    laboratory = Node("laboratory", "Laboratory", "category", found)
    return Tree(
        SCHEMA_VERSION,
        (Node("patient", "Patient", "section", (age,)), Node("findings", "Findings", "section", (laboratory,))),
    )


def opened(user: Any, lead: Any, stages: list[Any], hiding: dict[int, dict[str, Any]], tree: Tree) -> OpenedReview:
    """The first review of a study of one arm; `hiding`: by stage position, its fields."""
    version = factories.make_layout()
    case = factories.make_case(layout_version=version, tree=tree)
    study = factories.make_study(by=lead, arms={"Only": stages}, cases=[case], layout_version=version, active=False)
    for stage in Arm.objects.get(experiment=study).stages.all():
        update_stage(stage=stage, by=lead, **hiding.get(stage.position, {}))
    activate(experiment=study, by=lead, confirmed=CONFIRMED)
    factories.make_enrolment(study, user)
    first = Review.objects.owned_by(user).in_order().first()
    assert first is not None
    return open_review(public_id=first.public_id, by=user)


@pytest.fixture
def plain(clinician: Any, lead: Any) -> OpenedReview:
    return opened(clinician, lead, [SHOWN], {}, long_tree())


@pytest.fixture
def hiding(clinician: Any, lead: Any) -> OpenedReview:
    """The age is pinned and shown at once, sixty findings are hidden; each costs half a point."""
    terms = {"hidden_until_asked": True, "reveal_cost": "0.50", "reveal_cost_unit": "points"}
    return opened(clinician, lead, [PINNED], {1: terms}, long_tree())


@pytest.fixture
def lead(owner: Any) -> Any:
    return owner
