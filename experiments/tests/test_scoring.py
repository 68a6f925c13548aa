"""Correctness against the reference standard in force, with its version named."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from augmed.foundation.canonical import canonical_json
from experiments.actions.erasure import erase_enrolment
from experiments.actions.references import set_reference
from experiments.actions.reviews import open_review, submit
from experiments.models import ReferenceStandard, Submission
from experiments.reviewing.own_reviews import own_reviews
from experiments.reviewing.scoring import References, Score, score_submission, scores
from experiments.tests import factories


@pytest.fixture
def review(enrolled, clinician):
    return own_reviews(clinician).filter(stage_position=1).select_related("assignment__case").first()


def answer(review, reader, **answers):
    open_review(public_id=review.public_id, by=reader)
    return submit(public_id=review.public_id, answers={"diagnosis": "yes", "risk": 20, **answers}, by=reader).submission


def truth(study, case, **values):
    for key, value in values.items():
        set_reference(experiment=study, case=case, question_key=key, value=value, rule="one reading", by=None)


def test_each_question_is_scored_by_its_own_rule(study, review, clinician):
    submission = answer(review, clinician, remarks="none")
    truth(study, review.assignment.case, diagnosis="yes", risk="no")
    assert score_submission(submission) == {
        "diagnosis": Score("diagnosis", "exact", Decimal(1), 1),
        "risk": Score("risk", "brier", Decimal("0.04"), 1),
        "remarks": Score("remarks", "none", None, None, "not scored"),
    }


def test_a_corrected_reference_is_the_one_in_force_and_is_named(study, review, clinician):
    submission = answer(review, clinician)
    truth(study, review.assignment.case, diagnosis="yes")
    assert score_submission(submission)["diagnosis"].value == 1
    truth(study, review.assignment.case, diagnosis="no")
    assert score_submission(submission)["diagnosis"] == Score("diagnosis", "exact", Decimal(0), 2)


def test_without_reference_there_is_no_score_and_zero_is_one(study, review, clinician):
    submission = answer(review, clinician, risk=0)
    assert score_submission(submission)["risk"] == Score("risk", "brier", None, None, "no reference")
    truth(study, review.assignment.case, risk="no")
    assert score_submission(submission)["risk"].value == Decimal(0)


def test_a_reference_of_another_study_or_case_does_not_count(study, review, clinician, lead):
    submission = answer(review, clinician)
    other = factories.make_study(by=lead)
    ReferenceStandard.objects.create(
        experiment=other, case=review.assignment.case, question_key="diagnosis", value='"yes"', rule="x"
    )
    other_case = study.study_cases.exclude(case=review.assignment.case).first().case
    truth(study, other_case, diagnosis="yes")
    assert score_submission(submission)["diagnosis"].reason == "no reference"


def test_an_erased_answer_has_no_score(study, review, enrolled, clinician, owner):
    submission = answer(review, clinician)
    truth(study, review.assignment.case, diagnosis="yes")
    erase_enrolment(enrolment=enrolled, by=owner, reason="asked for")
    assert score_submission(submission)["diagnosis"] == Score("diagnosis", "exact", None, 1, "no answer")


def test_a_reference_that_does_not_fit_is_named(study, review, clinician):
    submission = answer(review, clinician)
    ReferenceStandard.objects.create(
        experiment=study,
        case=review.assignment.case,
        question_key="diagnosis",
        value=canonical_json("neither"),
        rule="imported",
    )
    score = score_submission(submission)["diagnosis"]
    assert (score.value, score.reason) == (None, "the reference does not fit the question")


def test_many_are_scored_in_a_constant_number_of_statements(two_stage_study, clinician):
    factories.make_enrolment(two_stage_study, clinician)
    counts = []
    for review in own_reviews(clinician).select_related("assignment__case"):
        answer(review, clinician)
        with CaptureQueriesContext(connection) as captured:
            scored = list(scores(Submission.objects.all(), references=References(two_stage_study)))
        counts.append(len(captured))
        assert len(scored) == Submission.objects.count()
    assert set(counts) == {4}
