"""Opening and reading a review: what it binds, who may, what it shows."""

from __future__ import annotations

import pytest
from django.utils import timezone

from augmed.foundation.append_only import erasing
from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import Conflict, NotFound
from cases.disclosure import ENGINE_VERSION
from cases.tree import Tree
from experiments.actions.lifecycle import complete, pause, resume
from experiments.actions.reviews import open_review, read_review, submit
from experiments.models import (
    Assignment,
    Enrolment,
    Experiment,
    Review,
    ReviewEvent,
    ReviewOpening,
)
from experiments.reviewing.disclosed_text import kept
from experiments.reviewing.own_reviews import own_reviews
from experiments.tests import factories
from experiments.tests.opening.helpers import first, statements
from experiments.tests.opening.test_open_in_order import ANSWERS


def test_opening_binds_and_stamps_once(study, enrolled, clinician):
    review = first(enrolled)
    opened = open_review(public_id=review.public_id, by=clinician)
    opening = ReviewOpening.objects.get(review=review)
    assert opening.protocol == study.protocol
    assert opening.snapshot.case_id == review.assignment.case_id
    assert opening.engine_version == ENGINE_VERSION
    assert opening.disclosed_sha256 == sha256_hex(opened.disclosed)
    assert opened.opened_at == opening.opened_at
    again = open_review(public_id=review.public_id.hex, by=clinician)
    assert again == opened
    assert ReviewOpening.objects.count() == 1
    assert ReviewEvent.objects.filter(review=review, kind="opened").count() == 1


def test_only_what_the_arm_shows_is_served(study, enrolled, clinician):
    seen = {}
    for review in own_reviews(clinician).filter(stage_position=1):
        opened = open_review(public_id=review.public_id, by=clinician)
        seen[review.assignment.arm.key] = opened
        assert opened.case_number == review.assignment.case.number
    for arm, opened in seen.items():
        assert ("Risk estimate" in opened.disclosed) == (arm == "with-advice")
        assert ("Advice" in opened.disclosed) == (arm == "with-advice")  # headings included
        assert {"age", "lab|c:3000963", "patient"} <= opened.named


def test_somebody_elses_review_looks_like_none(study, enrolled, other_clinician, owner, administrator):
    review = first(enrolled)
    for person in (other_clinician, owner, administrator):
        with pytest.raises(NotFound):
            open_review(public_id=review.public_id, by=person)
        with pytest.raises(NotFound):
            read_review(public_id=review.public_id, by=person)
    assert not ReviewOpening.objects.exists()


@pytest.mark.parametrize("identifier", ["", "7", "no-such", "0" * 32, None, 12])
def test_an_odd_id_is_none(enrolled, clinician, identifier):
    with pytest.raises(NotFound):
        open_review(public_id=identifier, by=clinician)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("draft", "study_not_begun"),
        ("paused", "study_paused"),
        ("completed", "study_closed"),
        ("archived", "study_closed"),
    ],
)
def test_a_study_that_does_not_run_opens_nothing(study, enrolled, clinician, status, code):
    Experiment.objects.filter(pk=study.pk).update(status=status)
    with pytest.raises(Conflict) as refused:
        open_review(public_id=first(enrolled).public_id, by=clinician)
    assert refused.value.code == code
    assert not ReviewOpening.objects.exists()


@pytest.mark.parametrize(
    ("status", "code"),
    [("awaiting_consent", "consent_needed"), ("withdrawn", "not_taking_part"), ("declined", "not_taking_part")],
)
def test_only_an_active_participant_opens(study, enrolled, clinician, status, code):
    Enrolment.objects.filter(pk=enrolled.pk).update(status=status)
    with pytest.raises(Conflict) as refused:
        open_review(public_id=first(enrolled).public_id, by=clinician)
    assert refused.value.code == code


def test_what_was_opened_stays_readable_while_the_study_is_paused_and_not_when_it_is_over(
    study, enrolled, clinician, owner
):
    review = first(enrolled)
    opened = open_review(public_id=review.public_id, by=clinician)
    pause(experiment=study, by=owner, reason="holidays")
    assert read_review(public_id=review.public_id, by=clinician) == opened
    assert open_review(public_id=review.public_id, by=clinician) == opened
    resume(experiment=study, by=owner, reason="back")
    submit(public_id=review.public_id, answers=ANSWERS, by=clinician)
    answered = read_review(public_id=review.public_id, by=clinician)
    assert answered.submitted_at
    assert answered.disclosed == opened.disclosed
    complete(experiment=study, by=owner, reason="done")
    with pytest.raises(Conflict) as refused:
        read_review(public_id=review.public_id, by=clinician)
    assert refused.value.code == "study_closed"


def test_reading_before_opening_is_refused(enrolled, clinician):
    with pytest.raises(Conflict) as refused:
        read_review(public_id=first(enrolled).public_id, by=clinician)
    assert refused.value.code == "not_opened"


def test_a_redacted_case_is_neither_opened_nor_read(study, enrolled, clinician):
    from cases.models import CaseSnapshot

    reviews = list(own_reviews(clinician).filter(stage_position=1)[:2])
    open_review(public_id=reviews[0].public_id, by=clinician)
    with erasing():
        CaseSnapshot.objects.all().update(content="", sources="", redacted_at=timezone.now())
    for review in reviews:
        with pytest.raises(Conflict) as refused:
            open_review(public_id=review.public_id, by=clinician)
        assert refused.value.code == "redacted"


def test_what_cannot_be_shown_as_it_was_is_not_shown(study, enrolled, clinician):
    review = first(enrolled)
    open_review(public_id=review.public_id, by=clinician)
    with erasing():
        ReviewOpening.objects.filter(pk=review.pk).update(disclosed_sha256="0" * 64)
    kept.clear()
    with pytest.raises(Conflict) as refused:
        read_review(public_id=review.public_id, by=clinician)
    assert refused.value.code == "not_reproducible"


def big_tree(features: int) -> Tree:
    labs = {3_000_000 + n: (f"Value {n}", str(n)) for n in range(features)}
    return factories.make_tree(labs=labs)


@pytest.mark.parametrize("size", [1, 1000])
def test_statements_do_not_depend_on_features_cases_and_reviews(lead, clinician, size):
    version = factories.make_layout()
    cases = [factories.make_case(layout_version=version, tree=big_tree(size))]
    study = factories.make_study(by=lead, cases=cases, layout_version=version, name="sized", active=True)
    enrolment = factories.make_enrolment(study, clinician)
    for number in range(size - 1):  # the same reader's other cases, reviews and events
        other = Assignment.objects.create(
            enrolment=enrolment, case=factories.make_case(), position=number + 10, drawn_by="staff"
        )
        review = Review.objects.create(assignment=other)
        ReviewEvent.objects.create(review=review, kind="focus", by=clinician)
    review = first(enrolment)
    assert len(statements(lambda: list(own_reviews(clinician)))) == 1
    assert len(statements(lambda: list(Review.objects.pending_for(clinician)[:1]))) == 1
    assert len(statements(lambda: open_review(public_id=review.public_id, by=clinician))) <= 5
    assert len(statements(lambda: open_review(public_id=review.public_id, by=clinician))) == 1
    kept.clear()
    assert len(statements(lambda: read_review(public_id=review.public_id, by=clinician))) == 2
    sent = statements(lambda: submit(public_id=review.public_id, answers=ANSWERS, by=clinician))
    assert len(sent) <= 8, sent
