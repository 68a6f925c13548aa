"""Opening what a display-config CSV gave."""

from __future__ import annotations

import json

import pytest

from augmed.foundation.errors import Conflict
from cases.disclosure import Show, Supply
from cases.models import LayoutNode
from experiments.actions.reviews import open_review
from experiments.models import (
    Assignment,
    Enrolment,
    Review,
    ReviewOpening,
)
from experiments.reviewing.disclosed_text import kept
from experiments.reviewing.next_case import next_case
from experiments.tests import factories
from experiments.tests.opening.helpers import configs_study, disclose_to, statements


def test_a_display_config_binds_the_newest_of_everything_and_freezes_the_questionnaire(layout_version, clinician):
    review, version = configs_study(layout_version, clinician)
    disclose_to(review.assignment, [Show("age"), Supply("risk", "10-year risk", "34 %")])
    opened = open_review(public_id=review.public_id, by=clinician)
    assert "34 %" in opened.disclosed
    assert "12 %" not in opened.disclosed
    tree = json.loads(opened.disclosed)
    assert [section["label"] for section in tree["sections"]] == ["Patient", "Advice"]
    assert opened.questionnaire_version == version.public_id
    version.refresh_from_db()
    assert version.frozen_at
    disclose_to(review.assignment, [Show("age"), Supply("risk", "10-year risk", "99 %")])
    kept.clear()
    assert open_review(public_id=review.public_id, by=clinician) == opened


def test_a_display_config_without_questionnaire_or_snapshot_says_so(layout_version, clinician):
    review, version = configs_study(layout_version, clinician, case=factories.make_case())
    with pytest.raises(Conflict, match="not ready yet"):
        open_review(public_id=review.public_id, by=clinician)
    factories.add_snapshot(review.assignment.case, factories.make_tree(), layout_version)
    version.questions.all().delete()
    with pytest.raises(Conflict) as refused:
        open_review(public_id=review.public_id, by=clinician)
    assert refused.value.code == "no_questionnaire"


def test_a_display_config_takes_the_newest_layout_version_that_has_a_snapshot(layout_version, clinician):
    from cases.models import LayoutVersion

    review, _ = configs_study(layout_version, clinician)
    for number in (2, 3):
        newer = LayoutVersion.objects.create(layout=layout_version.layout, number=number)
        for node in LayoutNode.objects.filter(version=layout_version, parent=None):
            LayoutNode.objects.create(
                version=newer, key=node.key, label=f"{node.label} v{number}", level="section", position=node.position
            )
        section = LayoutNode.objects.get(version=newer, key="advice-section")
        LayoutNode.objects.create(
            version=newer,
            key="risk",
            label="Risk",
            level="feature",
            parent=section,
            position=9,
            role="advice",
            takes_supplied_values=True,
        )
        if number == 2:
            factories.add_snapshot(review.assignment.case, factories.make_tree(age=77), newer)
    disclosed = open_review(public_id=review.public_id, by=clinician).disclosed
    assert '"77"' in disclosed
    assert "Advice v2" in disclosed


def test_the_first_display_config_opened_with_supplied_values_needs_no_more(layout_version, clinician):
    review, _ = configs_study(layout_version, clinician)
    sent = statements(lambda: open_review(public_id=review.public_id, by=clinician))
    assert len(sent) <= 5, sent


@pytest.mark.parametrize("of_its_own", [False, True])
def test_a_reading_by_csv_in_an_arm_needs_no_more(lead, clinician, of_its_own):
    case = factories.make_case(layout_version=(version := factories.make_layout()))
    arms = {"Only": [factories.show("age")]}
    study = factories.make_study(by=lead, cases=[case], arms=arms, layout_version=version)
    assignment = Assignment.objects.create(
        enrolment=Enrolment.objects.create(experiment=study, user=clinician, status="active", arrival=1),
        case=case,
        arm=study.arms.get(),
        position=1,
        drawn_by="csv",
    )
    review = Review.objects.create(assignment=assignment)
    if of_its_own:
        disclose_to(assignment, [Show("age"), Supply("risk", "10-year risk", "12 %")])
    assert len(statements(lambda: next_case(clinician))) == 2
    sent = statements(lambda: open_review(public_id=review.public_id, by=clinician))
    assert len(sent) <= 5, sent
    opening = ReviewOpening.objects.get()
    said_by = assignment.disclosures if of_its_own else study.protocol.stages
    assert opening.disclosure_set == said_by.get().disclosure_set
