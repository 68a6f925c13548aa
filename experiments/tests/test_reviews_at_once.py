"""Two tabs, a double click, a lost response: real connections at the same moment lose and double nothing."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections, transaction

from augmed.foundation.errors import Conflict, DomainError
from cases.disclosure import Show, Supply
from experiments.actions.enrolment import erase_enrolment, withdraw
from experiments.actions.events import record_events
from experiments.actions.lifecycle import pause
from experiments.actions.questionnaires import set_questions
from experiments.actions.reviews import open_review, submit
from experiments.models import (
    Answer,
    AssignmentDisclosure,
    Enrolment,
    EnrolmentEvent,
    Experiment,
    Review,
    ReviewEvent,
    ReviewOpening,
    Submission,
)
from experiments.reviewing.disclosed_text import kept
from experiments.reviewing.own_reviews import own_reviews
from experiments.tests import factories
from experiments.tests.opening.helpers import configs_study, disclose_to

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

ANSWERS = {"diagnosis": "yes", "risk": 20}
OTHER = {"diagnosis": "no", "risk": 80}
ROUNDS = 5


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Run each in a thread with its own connection, started together; a refusal is returned, a fault raised."""
    barrier = threading.Barrier(len(actions))
    results: list[Any] = [None] * len(actions)

    def run(index: int) -> None:
        try:
            barrier.wait(timeout=10)
            results[index] = actions[index]()
        except Exception as error:
            results[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive()
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, DomainError):
            raise result
    return results


@pytest.fixture
def reviews(study, clinician):
    factories.make_enrolment(study, clinician)
    return list(own_reviews(clinician).filter(stage_position=1))


def test_tabs_that_open_at_once_bind_once(reviews, clinician):
    for review in reviews:
        kept.clear()
        opened = at_once(*[partial(open_review, public_id=review.public_id, by=clinician)] * 6)
        assert len(set(opened)) == 1
        assert ReviewOpening.objects.filter(review=review).count() == 1
        assert ReviewEvent.objects.filter(review=review, kind="opened").count() == 1


def test_a_double_click_is_one_answer(reviews, clinician):
    for review in reviews:
        open_review(public_id=review.public_id, by=clinician)
        results = at_once(*[partial(submit, public_id=review.public_id, answers=ANSWERS, by=clinician)] * 6)
        assert sorted(result.repeated for result in results) == [False] + [True] * 5
        assert len({result.submission.submitted_at for result in results}) == 1
        assert Answer.objects.filter(submission=review.pk).count() == 2
        kinds = list(ReviewEvent.objects.filter(review=review).values_list("kind", flat=True))
        assert sorted(kinds) == ["opened", *["submit_repeated"] * 5, "submitted"]


def test_two_tabs_with_different_answers_leave_the_first_whole(reviews, clinician):
    for review in reviews:
        open_review(public_id=review.public_id, by=clinician)
        results = at_once(
            *[partial(submit, public_id=review.public_id, answers=ANSWERS, by=clinician)] * 2,
            *[partial(submit, public_id=review.public_id, answers=OTHER, by=clinician)] * 2,
        )
        refused = [result for result in results if isinstance(result, Conflict)]
        assert [error.code for error in refused] == ["already_answered"] * 2
        stored = dict(Answer.objects.filter(submission=review.pk).values_list("question_key", "value"))
        assert stored in ({"diagnosis": '"yes"', "risk": '"20"'}, {"diagnosis": '"no"', "risk": '"80"'})
        winners = results[:2] if stored["risk"] == '"20"' else results[2:]
        winner = next(result for result in winners if not isinstance(result, Conflict))
        assert winner.submission.answers_sha256 == Submission.objects.get(pk=review.pk).answers_sha256
        assert ReviewEvent.objects.filter(review=review, kind="submit_refused").count() == 2
        assert ReviewEvent.objects.filter(review=review, kind="submit_repeated").count() == 1


def test_two_tabs_at_the_last_review_of_all_are_told_the_same(lead, clinician):
    study = factories.make_study(by=lead, cases=1, arms={"Only": [factories.show("age")]})
    factories.make_enrolment(study, clinician)
    review = own_reviews(clinician).get()
    open_review(public_id=review.public_id, by=clinician)
    results = at_once(
        *[partial(submit, public_id=review.public_id, answers=ANSWERS, by=clinician)] * 3,
        *[partial(submit, public_id=review.public_id, answers=OTHER, by=clinician)] * 3,
    )
    assert {error.code for error in results if isinstance(error, Conflict)} == {"already_answered"}
    assert sum(isinstance(result, Conflict) for result in results) == 3


def test_no_event_comes_in_after_an_erasure_it_waited_for(reviews, clinician, lead):
    open_review(public_id=reviews[0].public_id, by=clinician)
    event = {"page_session": uuid.uuid4(), "sequence": 1, "kind": "focus", "data": {"what": "of the person"}}
    results: list[Any] = []

    def tell() -> None:
        try:
            results.append(record_events(public_id=reviews[0].public_id, events=[event], by=clinician))
        except Conflict as error:
            results.append(error.code)
        finally:
            connections.close_all()

    with transaction.atomic():
        enrolment = Enrolment.objects.select_for_update().get(user=clinician)
        telling = threading.Thread(target=tell)
        telling.start()
        _wait_until_somebody_waits()
        erase_enrolment(enrolment=enrolment, by=lead, reason="Asked for.")
    telling.join(timeout=30)
    assert results == ["not_taking_part"]
    assert not ReviewEvent.objects.exclude(data="").exists()


def test_the_last_two_reviews_answered_at_once_complete_the_enrolment_once(lead):
    study = factories.make_study(by=lead, cases=2, arms={"Only": [factories.show("age")]})
    for number in range(ROUNDS):
        reader = factories.make_participant(f"pair{number}@example.org")
        enrolment = factories.make_enrolment(study, reader)
        identifiers = list(own_reviews(reader).values_list("public_id", flat=True))
        for identifier in identifiers:
            open_review(public_id=identifier, by=reader)
        at_once(*[partial(submit, public_id=identifier, answers=ANSWERS, by=reader) for identifier in identifiers])
        enrolment.refresh_from_db()
        assert enrolment.status == Enrolment.Status.COMPLETED
        assert EnrolmentEvent.objects.filter(enrolment=enrolment, status="completed").count() == 1


def test_an_answer_and_a_withdrawal_at_once_end_withdrawn(study, owner):
    for number in range(ROUNDS):
        reader = factories.make_participant(f"leaving{number}@example.org")
        enrolment = factories.make_enrolment(study, reader)
        review = own_reviews(reader).first()
        open_review(public_id=review.public_id, by=reader)
        answered, _ = at_once(
            partial(submit, public_id=review.public_id, answers=ANSWERS, by=reader),
            partial(withdraw, enrolment=enrolment, by=owner, reason="wishes to"),
        )
        enrolment.refresh_from_db()
        assert enrolment.status == Enrolment.Status.WITHDRAWN
        stored = Submission.objects.filter(review=review).exists()
        assert stored != isinstance(answered, Conflict)


def test_one_batch_of_events_sent_twice_at_once_is_stored_once(reviews, clinician):
    review = reviews[0]
    open_review(public_id=review.public_id, by=clinician)
    page = uuid.uuid4()
    batch = [{"page_session": page, "sequence": n, "kind": "focus"} for n in range(1, 101)]
    at_once(*[lambda: record_events(public_id=review.public_id, events=batch, by=clinician)] * 4)
    assert ReviewEvent.objects.by_clients().count() == 100
    assert not ReviewEvent.objects.gaps().exists()


def test_an_opening_waits_for_the_upload_that_replaces_what_it_would_disclose(layout_version, clinician):
    """An upload holds the review while it writes the newer set: the opening binds the newer one, never the older."""
    review, _ = configs_study(layout_version, clinician)
    results: list[Any] = []
    with transaction.atomic():
        Review.objects.select_for_update().get(pk=review.pk)
        opening = threading.Thread(
            target=lambda: (
                results.append(open_review(public_id=review.public_id, by=clinician)),
                connections.close_all(),
            )
        )
        opening.start()
        _wait_until_somebody_waits()
        newer = disclose_to(review.assignment, [Show("age"), Supply("risk", "10-year risk", "77 %")])
    opening.join(timeout=30)
    assert "77 %" in results[0].disclosed
    assert ReviewOpening.objects.get().disclosure_set == newer.disclosure_set
    assert AssignmentDisclosure.objects.count() == 2


@pytest.mark.parametrize("closing", ["withdrawn", "paused"])
@pytest.mark.parametrize("by_csv", [True, False])
def test_an_opening_that_waited_for_a_closing_is_refused(study, layout_version, clinician, lead, closing, by_csv):
    if by_csv:
        review, _ = configs_study(layout_version, clinician)
    else:
        factories.make_enrolment(study, clinician)
        review = own_reviews(clinician).filter(stage_position=1)[0]
    enrolment = review.assignment.enrolment
    results: list[Any] = []

    def open_it() -> None:
        try:
            results.append(open_review(public_id=review.public_id, by=clinician))
        except Conflict as error:
            results.append(error.code)
        finally:
            connections.close_all()

    with transaction.atomic():
        Experiment.objects.select_for_update().get(pk=enrolment.experiment_id)
        opening = threading.Thread(target=open_it)
        opening.start()
        _wait_until_somebody_waits()
        if closing == "withdrawn":
            withdraw(enrolment=enrolment, by=lead, reason="wishes to")
        else:
            pause(experiment=enrolment.experiment, by=lead, reason="a question")
    opening.join(timeout=30)
    assert results == ["not_taking_part" if closing == "withdrawn" else "study_paused"]
    assert not ReviewOpening.objects.exists()


def test_questions_are_not_changed_under_the_first_opening(layout_version, clinician):
    review, version = configs_study(layout_version, clinician)
    question = {"key": "risk", "type": "probability", "text": "How likely is it?"}
    opened, changed = at_once(
        lambda: open_review(public_id=review.public_id, by=clinician),
        lambda: set_questions(version=version, questions=[question], by=None),
    )
    assert opened.questionnaire_version == version.public_id
    asked = list(version.questions.values_list("key", flat=True))
    assert asked == (["diagnosis", "risk", "remarks"] if isinstance(changed, Conflict) else ["risk"])
    version.refresh_from_db()
    assert version.frozen_at


def _wait_until_somebody_waits() -> None:
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        threading.Event().wait(0.02)
    raise AssertionError("nobody waits for the lock")
