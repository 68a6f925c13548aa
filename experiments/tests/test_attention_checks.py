"""Attention checks: asked in their turn and place, bound, answered once, graded, told from no other question."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from augmed.foundation.append_only import erasing
from augmed.foundation.errors import Conflict, Invalid
from experiments.actions.erasure import erase_enrolment
from experiments.actions.lifecycle import activate, amend
from experiments.actions.reviews import open_review, read_review, submit
from experiments.attention import CHECK_KEY
from experiments.models import Answer, AttentionCheck, AttentionCheckAnswer, EnrolmentEvent, ReviewOpening
from experiments.reviewing.attention_results import AttentionResult, results_by_enrolment
from experiments.reviewing.own_reviews import own_reviews
from experiments.reviewing.reading import asked_of, own_answers
from experiments.reviewing.review_state import own_review
from experiments.tests import factories
from experiments.tests.opening.helpers import configs_study, statements
from experiments.verification.answers import look_at_answers
from experiments.verification.questions import question_problems

ANSWERS = {"diagnosis": "yes", "risk": 20, "remarks": "clear"}
RIGHT = {**ANSWERS, CHECK_KEY: "right"}
WRONG = {**ANSWERS, CHECK_KEY: "left"}


def store_check(experiment, number, **fields):
    fields = {"every": 2, "place": 2, "text": "Take 'right'.", "options": ["left", "right"], **fields}
    return AttentionCheck.objects.create(experiment=experiment, number=number, right_answer="right", **fields)


@pytest.fixture
def study(owner):
    """Two-stage readings of 4 cases, with a check at every second assignment, second among the questions."""
    study = factories.make_study(
        by=owner, active=False, arms={"Advice afterwards": factories.ARMS["Advice afterwards"]}
    )
    store_check(study, 7)
    return activate(experiment=study, by=owner, confirmed={"person_more_than_once", "later_stage_hides"})


@pytest.fixture
def reviews(study, clinician):
    """The first stages in order."""
    factories.make_enrolment(study, clinician)
    return list(own_reviews(clinician).filter(stage_position=1))


@pytest.fixture
def opened(reviews, clinician):
    """The review that asks the check."""
    return open_review(public_id=reviews[1].public_id, by=clinician)


def test_it_is_asked_at_every_nth_assignment_at_its_first_stage(reviews, clinician):
    for review in reviews:
        opened = open_review(public_id=review.public_id, by=clinician)
        submit(public_id=review.public_id, answers=RIGHT if opened.attention_check_id else ANSWERS, by=clinician)
    for review in own_reviews(clinician).filter(stage_position=2):
        open_review(public_id=review.public_id, by=clinician)
    bound = ReviewOpening.objects.filter(attention_check__isnull=False)
    assert list(bound.values_list("review__assignment__position", "review__stage_position").order_by("pk")) == [
        (2, 1),
        (4, 1),
    ]
    assert ReviewOpening.objects.count() == 8


def test_it_stands_at_its_place_among_the_questions(opened):
    assert [question.key for question in asked_of(opened).definitions] == ["diagnosis", CHECK_KEY, "risk", "remarks"]


def test_reading_again_asks_the_same(opened, clinician):
    again = read_review(public_id=opened.public_id, by=clinician)
    assert again.attention_check_id == opened.attention_check_id
    assert asked_of(again) == asked_of(own_review(public_id=opened.public_id, by=clinician)) == asked_of(opened)


@pytest.mark.parametrize(("answers", "passed"), [(RIGHT, True), (WRONG, False)])
def test_its_answer_is_graded_and_kept_apart(opened, clinician, answers, passed):
    submit(public_id=opened.public_id, answers=answers, by=clinician)
    stored = AttentionCheckAnswer.objects.get()
    assert (stored.check_version_id, json.loads(stored.value)) == (opened.attention_check_id, answers[CHECK_KEY])
    assert stored.passed is passed
    assert set(Answer.objects.values_list("question_key", flat=True)) == set(ANSWERS)
    assert own_answers(public_id=opened.public_id, by=clinician)[CHECK_KEY] == answers[CHECK_KEY]


def test_without_its_answer_nothing_is_stored(opened, clinician):
    with pytest.raises(Invalid) as refused:
        submit(public_id=opened.public_id, answers=ANSWERS, by=clinician)
    assert set(refused.value.errors) == {CHECK_KEY}
    assert not Answer.objects.exists()


def test_where_none_is_asked_its_answer_is_refused(reviews, clinician):
    open_review(public_id=reviews[0].public_id, by=clinician)
    with pytest.raises(Invalid):
        submit(public_id=reviews[0].public_id, answers=RIGHT, by=clinician)


def test_the_first_answer_to_it_stands(opened, clinician):
    submit(public_id=opened.public_id, answers=WRONG, by=clinician)
    assert submit(public_id=opened.public_id, answers=WRONG, by=clinician).repeated
    with pytest.raises(Conflict) as refused:
        submit(public_id=opened.public_id, answers=RIGHT, by=clinician)
    assert refused.value.code == "already_answered"
    assert AttentionCheckAnswer.objects.get().passed is False


def test_an_amendment_brings_the_newest_check_to_what_is_not_opened(study, opened, reviews, clinician, owner):
    newest = store_check(study, 8, place=None)
    before = open_review(public_id=reviews[3].public_id, by=clinician)
    assert before.attention_check_id == opened.attention_check_id  # not amended yet: the protocol's counts
    late = factories.make_participant()
    factories.make_enrolment(study, late)
    amend(experiment=study, by=owner, reason="A check at the end.", confirmed={"person_more_than_once"})
    review = own_reviews(late).filter(stage_position=1)[1]
    assert open_review(public_id=review.public_id, by=late).attention_check_id == newest.pk
    assert read_review(public_id=opened.public_id, by=clinician).attention_check_id == opened.attention_check_id


def test_switched_off_it_is_not_asked(study, reviews, clinician, owner):
    store_check(study, 8, every=None)
    amend(experiment=study, by=owner, reason="No check any more.", confirmed={"person_more_than_once"})
    assert open_review(public_id=reviews[1].public_id, by=clinician).attention_check_id is None


def test_erasure_blanks_the_answer_and_its_grade(opened, reviews, clinician, owner):
    submit(public_id=opened.public_id, answers=WRONG, by=clinician)
    erase_enrolment(enrolment=reviews[0].assignment.enrolment, by=owner, reason="asked for it")
    stored = AttentionCheckAnswer.objects.get()
    assert (stored.value, stored.passed) == ("", None)
    assert ReviewOpening.objects.get(review=opened.review).attention_check_id == opened.attention_check_id


def verified(experiment):
    return [reason for _, _, reason in look_at_answers(experiment)] + list(question_problems(experiment))


def tamper(queryset, **fields):
    with erasing():
        queryset.update(**fields)


def test_verification_covers_the_check(study, opened, clinician):
    submit(public_id=opened.public_id, answers=WRONG, by=clinician)
    assert verified(study) == [None]
    given = AttentionCheckAnswer.objects.all()
    tamper(given, value='"right"')
    assert verified(study) == ["its answers are not those that were given"]
    tamper(given, value='"left"', passed=True)
    assert verified(study) == ["its attention check is not graded as it was answered"]
    tamper(given, passed=False)
    tamper(AttentionCheck.objects.filter(pk=opened.attention_check_id), every=3)
    assert verified(study) == [None, "Protocol 1: its attention check is not the one it froze"]


def test_an_erased_answer_is_verified(study, opened, reviews, clinician, owner):
    submit(public_id=opened.public_id, answers=WRONG, by=clinician)
    erase_enrolment(enrolment=reviews[0].assignment.enrolment, by=owner, reason="asked for it")
    assert verified(study) == [None]
    tamper(AttentionCheckAnswer.objects.all(), passed=False)
    assert verified(study) == ["is erased, and yet says whether its attention check was passed"]


def test_results_count_what_was_answered_and_passed(study, reviews, clinician, django_assert_num_queries):
    for review, answers in zip(reviews, (ANSWERS, WRONG, ANSWERS, RIGHT), strict=True):
        open_review(public_id=review.public_id, by=clinician)
        submit(public_id=review.public_id, answers=answers, by=clinician)
    other = factories.make_enrolment(study)
    enrolment = reviews[0].assignment.enrolment
    with django_assert_num_queries(1):
        assert results_by_enrolment([enrolment, other]) == {enrolment.pk: AttentionResult(answered=2, passed=1)}


@pytest.mark.parametrize("warm", [True, False])
def test_the_check_needs_no_more_statements(owner, clinician, warm):
    """Also where it is asked in the last review of all, and by a process that has not asked these questions before."""
    study = factories.make_study(by=owner, active=False, cases=1, arms={"Only": [factories.show("age")]})
    store_check(study, 7, every=1)
    activate(experiment=study, by=owner)
    factories.make_enrolment(study, clinician)
    review = own_reviews(clinician).get()
    assert len(statements(lambda: open_review(public_id=review.public_id, by=clinician))) <= 5
    opened = read_review(public_id=review.public_id, by=clinician)
    assert opened.attention_check_id
    if warm:
        asked_of(opened)
    sent = statements(lambda: submit(public_id=review.public_id, answers=RIGHT, by=clinician))
    # SQLite needs one more to record that the enrolment is completed.
    assert len(sent) <= (8 if warm or connection.vendor == "postgresql" else 9), sent
    assert own_reviews(clinician).get().assignment.enrolment.status == "completed"
    assert EnrolmentEvent.objects.filter(status="completed", by=clinician).count() == 1
    assert len(statements(lambda: own_answers(public_id=review.public_id, by=clinician))) == 2


def test_the_study_of_display_configs_asks_the_newest_check_at_once(layout_version, clinician):
    review, version = configs_study(layout_version, clinician)
    study = version.questionnaire.experiment
    store_check(study, 1, every=1)
    newest = store_check(study, 2, every=1)
    assert open_review(public_id=review.public_id, by=clinician).attention_check_id == newest.pk
