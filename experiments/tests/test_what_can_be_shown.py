"""A case that cannot be opened is passed over: it does not keep its reader from those behind it."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from augmed.foundation.append_only import erasing
from augmed.foundation.errors import Conflict
from cases.disclosure import Show
from cases.models import CaseSnapshot
from experiments.actions.reviews import open_review, submit
from experiments.models import Assignment, Experiment, Review
from experiments.reviewing.next_case import next_case
from experiments.reviewing.own_reviews import next_review, own_reviews
from experiments.tests import factories
from experiments.tests.opening.helpers import configs_study, disclose_to

ANSWERS = {"diagnosis": "yes", "risk": 20}


def withdraw_case(case: Any) -> None:
    with erasing():
        CaseSnapshot.objects.filter(case=case).update(content="", redacted_at=timezone.now())


def next_of(user: Any) -> Any:
    found, with_case = next_review(user), next_case(user)
    assert (found and found["public_id"]) == (with_case and with_case.state.public_id)
    return found and found["public_id"]


@pytest.fixture
def reviews(two_stage_study: Any, clinician: Any) -> list[Review]:
    factories.make_enrolment(two_stage_study, clinician)
    return list(own_reviews(clinician))


def test_a_case_withdrawn_before_its_opening(reviews, clinician):
    withdraw_case(reviews[0].assignment.case)
    assert next_of(clinician) == reviews[1].public_id
    assert own_reviews(clinician).first().status == "locked"
    with pytest.raises(Conflict, match="withdrawn"):
        open_review(public_id=reviews[0].public_id, by=clinician)


def test_a_case_withdrawn_after_its_opening(reviews, clinician):
    open_review(public_id=reviews[0].public_id, by=clinician)
    assert next_of(clinician) == reviews[0].public_id
    withdraw_case(reviews[0].assignment.case)
    assert next_of(clinician) == reviews[1].public_id


def test_a_case_withdrawn_between_its_stages(reviews, clinician):
    open_review(public_id=reviews[0].public_id, by=clinician)
    submit(public_id=reviews[0].public_id, answers=ANSWERS, by=clinician)
    later = Review.objects.get(assignment=reviews[0].assignment, stage_position=2)
    assert next_of(clinician) == later.public_id
    withdraw_case(reviews[0].assignment.case)
    assert next_of(clinician) == reviews[1].public_id


def test_a_newer_snapshot_takes_the_place_of_a_withdrawn_one(reviews, clinician, two_stage_study):
    case = reviews[0].assignment.case
    withdraw_case(case)
    factories.add_snapshot(case, factories.make_tree(), two_stage_study.protocol.layout_version, number=2)
    assert next_of(clinician) == reviews[0].public_id
    open_review(public_id=reviews[0].public_id, by=clinician)


def test_a_case_that_was_never_prepared(reviews, clinician):
    with erasing():
        CaseSnapshot.objects.filter(case=reviews[0].assignment.case).update(layout_version=factories.make_layout())
    assert next_of(clinician) == reviews[1].public_id


def test_display_configs_lacking_something_are_passed_over(clinician):
    layout = factories.make_layout()
    review, _version = configs_study(layout, clinician)
    enrolment = review.assignment.enrolment
    behind = Assignment.objects.create(
        enrolment=enrolment, case=factories.make_case(layout_version=layout), position=2, drawn_by="csv"
    )
    last = Review.objects.create(assignment=behind)
    disclose_to(behind, [Show("age")])
    assert next_of(clinician) == review.public_id
    withdraw_case(review.assignment.case)
    assert next_of(clinician) == last.public_id
    nothing_said = Assignment.objects.create(
        enrolment=enrolment, case=factories.make_case(layout_version=layout), position=3, drawn_by="csv"
    )
    Review.objects.create(assignment=nothing_said)
    open_review(public_id=last.public_id, by=clinician)
    submit(public_id=last.public_id, answers=ANSWERS, by=clinician)
    assert next_of(clinician) is None


def test_display_configs_without_a_questionnaire_do_not_block_another_study(clinician, study):
    review, version = configs_study(factories.make_layout(), clinician)
    factories.make_enrolment(study, clinician)
    assert next_of(clinician) == review.public_id
    elsewhere = Experiment.objects.create(name="Elsewhere")
    type(version.questionnaire).objects.filter(pk=version.questionnaire_id).update(experiment=elsewhere)
    assert Review.objects.get(public_id=next_of(clinician)).assignment.enrolment.experiment == study
