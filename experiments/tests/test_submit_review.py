"""Answering a review: validated, once, and the same answers again give the same result again."""

from __future__ import annotations

import json
import uuid

import pytest
from django.utils import timezone

from augmed.foundation.errors import Conflict, Invalid, NotFound
from experiments.actions.enrolment import withdraw
from experiments.actions.erasure import erase_enrolment
from experiments.actions.lifecycle import complete, pause
from experiments.actions.reviews import open_review, submit
from experiments.models import Answer, Enrolment, EnrolmentEvent, Review, ReviewEvent, Submission
from experiments.reviewing.own_reviews import own_reviews
from experiments.reviewing.reading import own_answers
from experiments.tests import factories
from experiments.tests.opening.helpers import configs_study

ANSWERS = {"diagnosis": "yes", "risk": 20, "remarks": "clear"}


@pytest.fixture
def opened(enrolled, clinician):
    """The clinician's first review, opened."""
    review = own_reviews(clinician).filter(stage_position=1).first()
    return open_review(public_id=review.public_id, by=clinician)


def kinds(public_id):
    return list(ReviewEvent.objects.filter(review__public_id=public_id).order_by("pk").values_list("kind", flat=True))


def test_answers_are_stored_one_row_per_question_in_canonical_form(opened, clinician):
    result = submit(
        public_id=opened.public_id,
        answers={"risk": "20.50", "remarks": " cafe\u0301 \r\n two ", "diagnosis": "yes"},
        questionnaire_version=opened.questionnaire_version,
        by=clinician,
    )
    assert result.repeated is False
    stored = {answer.question_key: json.loads(answer.value) for answer in Answer.objects.select_related("question")}
    assert stored == {"diagnosis": "yes", "risk": "20.5", "remarks": "café \n two"}
    assert all(answer.question.key == answer.question_key for answer in Answer.objects.select_related("question"))
    assert kinds(opened.public_id) == ["opened", "submitted"]
    assert own_answers(public_id=opened.public_id, by=clinician) == stored
    assert own_reviews(clinician).get(pk=opened.review).status == "answered"


def test_an_optional_question_may_stay_open(opened, clinician):
    submit(public_id=opened.public_id, answers={"risk": 0, "diagnosis": "no", "remarks": ""}, by=clinician)
    assert set(Answer.objects.values_list("question_key", flat=True)) == {"risk", "diagnosis"}


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ({}, {"diagnosis", "risk"}),
        ({"diagnosis": "maybe", "risk": 101}, {"diagnosis", "risk"}),
        ({"diagnosis": ["yes"], "risk": "many", "remarks": 3, "other": 1}, {"diagnosis", "risk", "remarks", "other"}),
        (["yes", 20], {"answers"}),
        (None, {"answers"}),
    ],
)
def test_everything_wrong_is_said_at_once_and_nothing_is_stored(opened, clinician, answers, wrong):
    with pytest.raises(Invalid) as refused:
        submit(public_id=opened.public_id, answers=answers, by=clinician)
    assert set(refused.value.errors) == wrong
    assert not Submission.objects.exists()
    assert kinds(opened.public_id) == ["opened"]
    assert submit(public_id=opened.public_id, answers=ANSWERS, by=clinician).repeated is False


def test_equal_answers_again_give_the_same_result_again(opened, clinician):
    first = submit(public_id=opened.public_id, answers=ANSWERS, by=clinician, client_data={"seconds": 12.5})
    again = submit(
        public_id=opened.public_id.hex,
        answers={"remarks": "clear ", "risk": "20.0", "diagnosis": "yes"},
        questionnaire_version=opened.questionnaire_version,
        by=clinician,
        client_data={"seconds": 99},
    )
    assert again.repeated is True
    assert again.submission == first.submission
    assert again.submission.submitted_at == first.submission.submitted_at
    assert Submission.objects.get().client_data == '{"seconds":"12.5"}'
    assert Answer.objects.count() == 3
    assert kinds(opened.public_id) == ["opened", "submitted", "submit_repeated"]


@pytest.mark.parametrize(
    "answers", [{"diagnosis": "no", "risk": 20, "remarks": "clear"}, {"diagnosis": "yes"}, {"risk": object}, [], None]
)
def test_other_answers_change_nothing_and_the_attempt_is_recorded(opened, clinician, answers):
    submit(public_id=opened.public_id, answers=ANSWERS, by=clinician)
    with pytest.raises(Conflict) as refused:
        submit(public_id=opened.public_id, answers=answers, by=clinician)
    assert refused.value.code == "already_answered"
    assert refused.value.detail == "Your first answer to this case is saved and cannot be changed."
    assert own_answers(public_id=opened.public_id, by=clinician) == {
        "diagnosis": "yes",
        "risk": "20",
        "remarks": "clear",
    }
    event = ReviewEvent.objects.get(kind="submit_refused")
    assert set(json.loads(event.data)) == {"answers_sha256", "questionnaire_version"}
    assert len(json.loads(event.data)["answers_sha256"]) == 64


@pytest.mark.django_db(transaction=True)
def test_the_refused_attempt_outlives_the_refusal(study, clinician):
    factories.make_enrolment(study, clinician)
    review = own_reviews(clinician).filter(stage_position=1).first()
    open_review(public_id=review.public_id, by=clinician)
    submit(public_id=review.public_id, answers=ANSWERS, by=clinician)
    with pytest.raises(Conflict):
        submit(public_id=review.public_id, answers={**ANSWERS, "risk": 21}, by=clinician)
    assert kinds(review.public_id) == ["opened", "submitted", "submit_refused"]


def test_equal_answers_to_another_version_of_the_questions_are_other_answers(opened, clinician):
    with pytest.raises(Conflict) as refused:
        submit(public_id=opened.public_id, answers=ANSWERS, questionnaire_version=uuid.uuid4(), by=clinician)
    assert refused.value.code == "other_questionnaire_version"
    submit(public_id=opened.public_id, answers=ANSWERS, by=clinician)
    for version in (uuid.uuid4(), "no version", 7):
        with pytest.raises(Conflict) as refused:
            submit(public_id=opened.public_id, answers=ANSWERS, questionnaire_version=version, by=clinician)
        assert refused.value.code == "already_answered"


def test_a_review_that_is_not_opened_takes_no_answer(enrolled, clinician):
    review = own_reviews(clinician).first()
    with pytest.raises(Conflict) as refused:
        submit(public_id=review.public_id, answers=ANSWERS, by=clinician)
    assert refused.value.code == "not_opened"


def test_nobody_answers_for_another(opened, other_clinician, administrator):
    for person in (other_clinician, administrator):
        with pytest.raises(NotFound):
            submit(public_id=opened.public_id, answers=ANSWERS, by=person)
    assert not Submission.objects.exists()


def test_a_paused_or_closed_study_takes_no_answer_but_repeats_the_one_it_has(study, opened, clinician, owner):
    other = own_reviews(clinician).filter(stage_position=1)[1]
    open_review(public_id=other.public_id, by=clinician)
    submit(public_id=opened.public_id, answers=ANSWERS, by=clinician)
    for close, code in ((pause, "study_paused"), (complete, "study_closed")):
        close(experiment=study, by=owner, reason="because")
        study.refresh_from_db()
        with pytest.raises(Conflict) as refused:
            submit(public_id=other.public_id, answers=ANSWERS, by=clinician)
        assert refused.value.code == code
        assert submit(public_id=opened.public_id, answers=ANSWERS, by=clinician).repeated


def test_whoever_withdrew_answers_no_more(opened, enrolled, clinician, owner):
    withdraw(enrolment=enrolled, by=owner, reason="wishes to")
    with pytest.raises(Conflict) as refused:
        submit(public_id=opened.public_id, answers=ANSWERS, by=clinician)
    assert refused.value.code == "not_taking_part"


def test_an_erased_answer_is_still_known_by_its_hash(opened, enrolled, clinician, owner):
    submit(public_id=opened.public_id, answers=ANSWERS, by=clinician)
    erase_enrolment(enrolment=enrolled, by=owner, reason="asked for")
    assert submit(public_id=opened.public_id, answers=ANSWERS, by=clinician).repeated
    with pytest.raises(Conflict):
        submit(public_id=opened.public_id, answers={**ANSWERS, "risk": 1}, by=clinician)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, ""),
        ({"b": 1.5, "a": [True, None]}, '{"a":[true,null],"b":"1.5"}'),
        ({"long": "x" * 30_000}, '{"left_out":"more than 20000 characters"}'),
        ({"odd": float("nan")}, '{"left_out":"not JSON"}'),
    ],
)
def test_no_answer_is_lost_for_what_the_client_says(opened, clinician, given, kept):
    submit(public_id=opened.public_id, answers=ANSWERS, by=clinician, client_data=given)
    assert Submission.objects.get().client_data == kept


def test_the_last_answer_completes_the_enrolment(two_stage_study, clinician):
    enrolment = factories.make_enrolment(two_stage_study, clinician)
    reviews = list(Review.objects.owned_by(clinician).in_order())
    assert len(reviews) == 8
    for review in reviews:
        enrolment.refresh_from_db()
        assert enrolment.status == Enrolment.Status.ACTIVE
        open_review(public_id=review.public_id, by=clinician)
        submit(public_id=review.public_id, answers=ANSWERS, by=clinician)
    enrolment.refresh_from_db()
    assert enrolment.status == Enrolment.Status.COMPLETED
    event = EnrolmentEvent.objects.get(enrolment=enrolment, status="completed")
    assert event.at <= timezone.now()
    assert open_review(public_id=reviews[0].public_id, by=clinician).submitted_at  # still readable
    assert submit(public_id=reviews[0].public_id, answers=ANSWERS, by=clinician).repeated


def test_a_display_config_reader_stays_active_as_the_next_csv_may_add_cases(layout_version, clinician):
    review, _ = configs_study(layout_version, clinician)
    open_review(public_id=review.public_id, by=clinician)
    submit(public_id=review.public_id, answers=ANSWERS, by=clinician)
    assert Enrolment.objects.get().status == Enrolment.Status.ACTIVE
    assert not Review.objects.pending_for(clinician).exists()
