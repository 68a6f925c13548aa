"""When a review opens, and what a change of the study still reaches."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from augmed.foundation.append_only import erasing
from augmed.foundation.errors import Conflict
from experiments.actions.lifecycle import amend
from experiments.actions.reviews import open_review, read_review, submit
from experiments.models import (
    Arm,
    Assignment,
    Review,
    ReviewOpening,
)
from experiments.reviewing.disclosed_text import kept
from experiments.reviewing.own_reviews import own_reviews
from experiments.tests import factories
from experiments.tests.opening.helpers import two_stage

ANSWERS = {"diagnosis": "yes", "risk": 20}


def test_before_its_time_a_review_says_when_it_opens(study, clinician):
    enrolment = factories.make_enrolment(study, clinician)
    assignment = Assignment.objects.filter(enrolment=enrolment).first()
    later = timezone.now() + timedelta(hours=3)
    with erasing():
        Assignment.objects.filter(pk=assignment.pk).update(available_from=later)
    review = assignment.reviews.get(stage_position=1)
    with pytest.raises(Conflict) as refused:
        open_review(public_id=review.public_id, by=clinician)
    assert refused.value.code == "not_yet_open"
    assert refused.value.errors == {"opens_at": [later.isoformat()]}
    assert own_reviews(clinician).get(pk=review.pk).status == "locked"


def test_the_second_stage_waits_for_the_first_answer(two_stage_study, clinician):
    one, two = two_stage(two_stage_study, clinician)
    for _ in range(2):
        with pytest.raises(Conflict) as refused:
            open_review(public_id=two.public_id, by=clinician)
        assert refused.value.code == "earlier_stage_unanswered"
        assert not own_reviews(clinician).filter(pk=two.pk).exists()
        open_review(public_id=one.public_id, by=clinician)
    submit(public_id=one.public_id, answers=ANSWERS, by=clinician)
    assert own_reviews(clinician).get(pk=two.pk).status == "next"
    opened = open_review(public_id=two.public_id, by=clinician)
    assert opened.stage_position == 2
    assert "Risk estimate" in opened.disclosed
    assert opened == read_review(public_id=two.public_id, by=clinician)


def test_days_between_stages_are_waited_for(two_stage_study, clinician, monkeypatch):
    one, two = two_stage(two_stage_study, clinician, days=3)
    open_review(public_id=one.public_id, by=clinician)
    answered_at = submit(public_id=one.public_id, answers=ANSWERS, by=clinician).submission.submitted_at
    with pytest.raises(Conflict) as refused:
        open_review(public_id=two.public_id, by=clinician)
    assert refused.value.code == "not_yet_open"
    assert refused.value.errors == {"opens_at": [(answered_at + timedelta(days=3)).isoformat()]}
    assert own_reviews(clinician).get(pk=two.pk).status == "locked"
    assert two not in Review.objects.pending_for(clinician)
    monkeypatch.setattr(timezone, "now", lambda: answered_at + timedelta(days=3, seconds=1))
    assert own_reviews(clinician).get(pk=two.pk).status == "next"
    assert two in Review.objects.pending_for(clinician)
    assert open_review(public_id=two.public_id, by=clinician).stage_position == 2


def test_an_amendment_reaches_what_is_not_opened_and_nothing_else(two_stage_study, clinician, owner):
    one, two = two_stage(two_stage_study, clinician)
    opened = open_review(public_id=one.public_id, by=clinician)
    before = ReviewOpening.objects.get(review=one).protocol
    stages = Arm.objects.get(experiment=two_stage_study).stages
    stages.update(cells=factories.show("age"))
    for stage in stages.all():
        stage.save()
    amend(
        experiment=two_stage_study,
        by=owner,
        reason="no laboratory values",
        confirmed={"person_more_than_once", "later_stage_hides"},
    )
    kept.clear()
    assert read_review(public_id=one.public_id, by=clinician).disclosed == opened.disclosed
    submit(public_id=one.public_id, answers=ANSWERS, by=clinician)
    second = open_review(public_id=two.public_id, by=clinician)
    assert ReviewOpening.objects.get(review=two).protocol == before  # its first stage was opened under it
    assert "Hemoglobin" in second.disclosed
    other = Review.objects.filter(assignment__enrolment__user=clinician, assignment__position=2, stage_position=1).get()
    fresh = open_review(public_id=other.public_id, by=clinician)
    assert ReviewOpening.objects.get(review=other).protocol != before
    assert "Hemoglobin" not in fresh.disclosed


def test_a_newer_snapshot_reaches_only_cases_of_which_no_stage_is_opened(two_stage_study, clinician):
    one, two = two_stage(two_stage_study, clinician)
    opened = open_review(public_id=one.public_id, by=clinician)
    version = two_stage_study.protocol.layout_version
    factories.add_snapshot(one.assignment.case, factories.make_tree(age=99), version, number=2)
    kept.clear()
    assert open_review(public_id=one.public_id, by=clinician).disclosed == opened.disclosed
    submit(public_id=one.public_id, answers=ANSWERS, by=clinician)
    open_review(public_id=two.public_id, by=clinician)
    assert ReviewOpening.objects.get(review=two).snapshot.number == 1  # both readings are of one chart
    other = Review.objects.filter(assignment__enrolment__user=clinician, assignment__position=2, stage_position=1).get()
    factories.add_snapshot(other.assignment.case, factories.make_tree(age=99), version, number=2)
    assert '"99"' in open_review(public_id=other.public_id, by=clinician).disclosed
