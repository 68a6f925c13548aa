"""Nobody waits for ever for what was withdrawn: an enrolment is completed when nothing is left to answer."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from augmed.foundation.append_only import erasing
from augmed.foundation.errors import Conflict
from augmed.foundation.models import AuditEvent
from cases.actions import redact_snapshot
from cases.models import CaseSnapshot
from experiments.actions.enrolment import withdraw
from experiments.actions.lifecycle import complete, pause
from experiments.actions.reviews import open_review, submit
from experiments.models import Enrolment, EnrolmentEvent, Review
from experiments.reviewing.own_reviews import next_review
from experiments.tests import factories
from experiments.tests.opening.helpers import configs_study, statements
from experiments.tests.test_reviews_at_once import at_once

ANSWERS = {"diagnosis": "yes", "risk": 20}
Status = Enrolment.Status


def answer(review: Review) -> None:
    reader = review.assignment.enrolment.user
    open_review(public_id=review.public_id, by=reader)
    submit(public_id=review.public_id, answers=ANSWERS, by=reader)


def withdraw_case(review: Review, by: Any) -> None:
    newest = CaseSnapshot.objects.filter(case=review.assignment.case).order_by("-number")[0]
    redact_snapshot(snapshot=newest, reason="A name was in it.", by=by)


def reviews_of(enrolment: Enrolment) -> list[Review]:
    return list(Review.objects.filter(assignment__enrolment=enrolment).in_order())


def status(enrolment: Enrolment) -> str:
    enrolment.refresh_from_db()
    return enrolment.status


@pytest.fixture
def enrolment(lead: Any, clinician: Any) -> Enrolment:
    """Two cases, each of them read twice."""
    arms = {"Advice afterwards": factories.ARMS["Advice afterwards"]}
    return factories.make_enrolment(factories.make_study(by=lead, cases=2, arms=arms), clinician)


@pytest.fixture
def reviews(enrolment: Enrolment) -> list[Review]:
    return reviews_of(enrolment)


def test_the_last_answer_completes_what_has_only_withdrawn_cases_left(enrolment, reviews, lead):
    withdraw_case(reviews[2], lead)
    assert status(enrolment) == Status.ACTIVE
    answer(reviews[0])
    assert status(enrolment) == Status.ACTIVE
    answer(reviews[1])
    assert status(enrolment) == Status.COMPLETED
    assert next_review(enrolment.user) is None


@pytest.mark.parametrize("read", ["not opened", "opened", "read once"])
def test_the_withdrawal_completes_who_waited_for_that_case_alone(enrolment, reviews, lead, read):
    answer(reviews[0])
    answer(reviews[1])
    if read == "opened":
        open_review(public_id=reviews[2].public_id, by=enrolment.user)
    if read == "read once":
        answer(reviews[2])
    withdraw_case(reviews[2], lead)
    assert status(enrolment) == Status.COMPLETED
    event = EnrolmentEvent.objects.get(enrolment=enrolment, status=Status.COMPLETED)
    assert (event.by, "withdrawn" in event.reason) == (lead, True)
    assert AuditEvent.objects.filter(action="enrolments_completed").count() == 1


def test_who_has_another_case_left_or_has_answered_nothing_is_not_completed(enrolment, reviews, lead):
    withdraw_case(reviews[0], lead)
    assert status(enrolment) == Status.ACTIVE
    withdraw_case(reviews[2], lead)
    assert status(enrolment) == Status.ACTIVE  # nothing is left, and nothing was read
    assert not AuditEvent.objects.filter(action="enrolments_completed").exists()


def test_a_case_prepared_anew_before_is_waited_for(enrolment, reviews, lead):
    answer(reviews[0])
    answer(reviews[1])
    old = reviews[2].assignment.case.snapshots.get()
    version = enrolment.experiment.protocol.layout_version
    factories.add_snapshot(old.case, factories.make_tree(age=61), version, number=2)
    redact_snapshot(snapshot=old, reason="A name was in it.", by=lead)
    assert status(enrolment) == Status.ACTIVE
    answer(reviews[2])
    answer(reviews[3])
    assert status(enrolment) == Status.COMPLETED


def test_a_case_that_is_not_prepared_yet_is_waited_for(enrolment, reviews):
    with erasing():
        CaseSnapshot.objects.filter(case=reviews[2].assignment.case).update(layout_version=factories.make_layout())
    answer(reviews[0])
    answer(reviews[1])
    assert status(enrolment) == Status.ACTIVE


def test_what_one_has_shown_and_was_not_withdrawn_is_left_whatever_the_newer_one(enrolment, reviews, lead):
    answer(reviews[0])
    answer(reviews[1])
    answer(reviews[2])
    case, version = reviews[2].assignment.case, enrolment.experiment.protocol.layout_version
    factories.add_snapshot(case, factories.make_tree(age=61), version, number=2)
    withdraw_case(reviews[2], lead)
    assert status(enrolment) == Status.ACTIVE
    answer(reviews[3])
    assert status(enrolment) == Status.COMPLETED


@pytest.mark.parametrize(("step", "after"), [(pause, Status.COMPLETED), (complete, Status.ACTIVE)])
def test_a_paused_study_is_completed_and_a_closed_one_stays_as_it_was(enrolment, reviews, lead, step, after):
    answer(reviews[0])
    answer(reviews[1])
    step(experiment=enrolment.experiment, by=lead, reason="for now")
    withdraw_case(reviews[2], lead)
    assert status(enrolment) == after


def test_who_reads_display_configs_stays_active(layout_version, clinician, lead):
    review, _ = configs_study(layout_version, clinician)
    answer(review)
    withdraw_case(review, lead)
    assert status(review.assignment.enrolment) == Status.ACTIVE


def test_a_completion_that_fails_undoes_the_redaction(enrolment, reviews, lead, monkeypatch):
    answer(reviews[0])
    answer(reviews[1])

    def refuse(**_: Any) -> None:
        raise Conflict("not now")

    monkeypatch.setattr("experiments.actions.completion.complete_without", refuse)
    with pytest.raises(Conflict):
        withdraw_case(reviews[2], lead)
    assert not CaseSnapshot.objects.exclude(redacted_at=None).exists()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_answers_openings_and_departures_at_the_moment_of_the_withdrawal(lead):
    """Whoever is first, all of them end, and nobody is left waiting."""
    case = factories.make_case(layout_version=(version := factories.make_layout()))
    other = factories.make_case(layout_version=version)
    arms = {"Only": [factories.show("age")]}
    study = factories.make_study(
        by=lead, cases=[other, case], arms=arms, layout_version=version, case_order="fixed", active=True
    )
    answering, opening, leaving = enrolments = [factories.make_enrolment(study) for _ in range(3)]
    first, second = ([reviews_of(one)[at] for one in enrolments] for at in (0, 1))
    open_review(public_id=first[0].public_id, by=answering.user)
    answer(first[1])
    answer(first[2])
    answered, _, left, _ = at_once(
        partial(submit, public_id=first[0].public_id, answers=ANSWERS, by=answering.user),
        partial(open_review, public_id=second[1].public_id, by=opening.user),
        partial(withdraw, enrolment=leaving, by=lead, reason="wishes to"),
        partial(redact_snapshot, snapshot=case.snapshots.get(), reason="A name was in it.", by=lead),
    )
    assert not isinstance(answered, Conflict)
    assert not isinstance(left, Conflict)
    assert [status(one) for one in enrolments] == [Status.COMPLETED, Status.COMPLETED, Status.WITHDRAWN]
    assert EnrolmentEvent.objects.filter(enrolment__in=enrolments[:2], status=Status.COMPLETED).count() == 2


@pytest.mark.parametrize("readers", [1, 12])
def test_statements_do_not_depend_on_who_waits(lead, readers):
    study = factories.make_study(by=lead, cases=2, arms={"Only": [factories.show("age")]}, case_order="fixed")
    for _ in range(readers):
        reader = factories.make_participant()
        factories.make_enrolment(study, reader)
        answer(Review.objects.owned_by(reader).in_order()[0])
    snapshot = Review.objects.owned_by(reader).in_order()[1].assignment.case.snapshots.get()
    sent = statements(lambda: redact_snapshot(snapshot=snapshot, reason="A name was in it.", by=lead))
    assert set(study.enrolments.values_list("status", flat=True)) == {Status.COMPLETED}
    assert len(sent) <= 17, sent
