"""What a participant is served of their own reviews: a status, a place, a case number, and never an arm."""

from __future__ import annotations

import dataclasses
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from augmed.foundation.canonical import canonical_json, sha256_hex
from augmed.foundation.errors import Conflict, NotFound
from cases.disclosure import disclosed_sha256, disclosed_to_json
from cases.tree import from_json
from experiments.actions.lifecycle import pause
from experiments.actions.reviews import open_review, read_review, submit
from experiments.models import Review, ReviewOpening
from experiments.reviewing.disclosed_text import Disclosed, Kept, kept
from experiments.reviewing.own_reviews import next_review, own_reviews
from experiments.reviewing.reading import OpenedReview, asked_in, own_answers
from experiments.tests import factories

ANSWERS = {"diagnosis": "yes", "risk": 20}


def statuses(user):
    return [
        (review.position, review.stage_position, review.status, review.case_number == review.assignment.case.number)
        for review in own_reviews(user)
    ]


def test_a_list_says_what_is_answered_open_next_and_locked(two_stage_study, clinician, owner):
    factories.make_enrolment(two_stage_study, clinician)
    # That there are second stages is not told before the first is answered: it would tell the arm.
    assert statuses(clinician) == [(position, 1, "next", True) for position in range(1, 5)]
    one, two = Review.objects.owned_by(clinician).in_order()[:2]
    open_review(public_id=one.public_id, by=clinician)
    assert statuses(clinician)[:2] == [(1, 1, "open", True), (2, 1, "next", True)]
    submit(public_id=one.public_id, answers=ANSWERS, by=clinician)
    assert statuses(clinician)[:2] == [(1, 1, "answered", True), (1, 2, "next", True)]
    assert Review.objects.pending_for(clinician).first() == two
    pause(experiment=two_stage_study, by=owner, reason="holidays")
    assert {status for _, _, status, _ in statuses(clinician)} == {"answered", "locked"}


def test_nobody_sees_anothers(study, enrolled, clinician, other_clinician, administrator):
    assert own_reviews(clinician).exists()
    assert not own_reviews(other_clinician).exists()
    assert not own_reviews(administrator).exists()


def test_nothing_served_names_the_arm(study, enrolled, clinician):
    names = {field.name for field in dataclasses.fields(OpenedReview)}
    assert not {name for name in names if "arm" in name or "assign" in name}
    for review in own_reviews(clinician).filter(stage_position=1):
        opened = open_review(public_id=review.public_id, by=clinician)
        said = " ".join(str(value) for value in dataclasses.astuple(opened))
        for arm in study.arms.all():
            assert arm.name not in said
            assert arm.key not in said


def test_reopening_reads_no_tree_and_gives_the_same_bytes(study, enrolled, clinician, monkeypatch):
    review = own_reviews(clinician).filter(stage_position=1).first()
    opened = open_review(public_id=review.public_id, by=clinician)
    monkeypatch.setattr(
        "experiments.reviewing.disclosed_text.from_json", lambda value: pytest.fail("parsed the tree again")
    )
    with CaptureQueriesContext(connection) as captured:
        assert read_review(public_id=review.public_id, by=clinician) == opened
    assert len(captured) == 1


def test_readers_of_one_case_in_one_arm_share_the_text(lead):
    study = factories.make_study(by=lead, cases=1, arms={"Only": [factories.show("age")]})
    kept.clear()
    texts = []
    for _ in range(3):
        reader = factories.make_participant()
        factories.make_enrolment(study, reader)
        texts.append(open_review(public_id=own_reviews(reader).get().public_id, by=reader).disclosed)
    assert len({id(text) for text in texts}) == 1


def test_the_text_is_what_the_engine_says(study, enrolled, clinician):
    """The stored hash is the engine's own, taken another way."""
    from cases.disclosure import DisclosureContent, disclose

    review = own_reviews(clinician).filter(stage_position=1).first()
    opened = open_review(public_id=review.public_id, by=clinician)
    opening = ReviewOpening.objects.get(review=review)
    tree = disclose(
        from_json(json.loads(opening.snapshot.content)),
        DisclosureContent.from_json(json.loads(opening.disclosure_set.content)).entries,
    )
    assert opening.disclosed_sha256 == disclosed_sha256(tree)
    assert opened.disclosed == canonical_json(disclosed_to_json(tree))


def test_ones_own_answers_can_be_read_again(study, enrolled, clinician, other_clinician):
    review = own_reviews(clinician).filter(stage_position=1).first()
    with pytest.raises(Conflict):
        own_answers(public_id=review.public_id, by=clinician)
    open_review(public_id=review.public_id, by=clinician)
    assert own_answers(public_id=review.public_id, by=clinician) == {}
    submit(public_id=review.public_id, answers=ANSWERS, by=clinician)
    assert own_answers(public_id=review.public_id, by=clinician) == {"diagnosis": "yes", "risk": "20"}
    with pytest.raises(NotFound):
        own_answers(public_id=review.public_id, by=other_clinician)


def test_questions_are_loaded_by_one_statement_and_kept(study, enrolled, clinician):
    review = own_reviews(clinician).filter(stage_position=1).first()
    opened = open_review(public_id=review.public_id, by=clinician)
    with CaptureQueriesContext(connection) as captured:
        asked = asked_in(opened.questionnaire_version_id, opened.questionnaire_version)
        assert asked is asked_in(opened.questionnaire_version_id, opened.questionnaire_version)
    assert len(captured) == 1
    assert [question.key for question in asked.definitions] == ["diagnosis", "risk", "remarks"]
    assert asked.definitions[0].options == ("yes", "no")


def test_memory_holds_so_many_characters_and_drops_what_was_not_asked_for_longest():
    memory = Kept(most_characters=10)
    texts = [Disclosed(letter * 4, sha256_hex(letter), frozenset()) for letter in "abc"]
    memory.put(texts[0], ("a",))
    memory.put(texts[1])
    assert memory.get(texts[0].sha256) is texts[0]
    memory.put(texts[2])
    assert memory.get(texts[1].sha256) is None
    assert memory.get(memory.hash_of(("a",))) is texts[0]
    memory.put(Disclosed("x" * 11, "too large", frozenset()))
    assert memory.get("too large") is None
    assert memory.get(texts[0].sha256) is texts[0]
    assert memory.get(None) is None
    memory.clear()
    assert memory.get(texts[0].sha256) is None


def test_the_next_review_is_the_lists_first_that_can_be_answered(two_stage_study, clinician, other_clinician, owner):
    factories.make_enrolment(two_stage_study, clinician)
    assert next_review(other_clinician) is None
    for _ in range(8):
        with CaptureQueriesContext(connection) as captured:
            found = next_review(clinician)
        assert len(captured) == 2
        first = own_reviews(clinician).unanswered().reachable().first()
        assert found == {
            "public_id": first.public_id,
            "study": two_stage_study.code,
            "case_number": first.case_number,
            "position": first.position,
            "stage_position": first.stage_position,
            "status": first.status,
            "opened_at": None,
            "submitted_at": None,
        }
        open_review(public_id=first.public_id, by=clinician)
        assert next_review(clinician) == {
            **found,
            "status": "open",
            "opened_at": first.__class__.objects.get(pk=first.pk).opening.opened_at,
        }
        submit(public_id=first.public_id, answers=ANSWERS, by=clinician)
    assert next_review(clinician) is None


def test_the_next_review_is_found_in_a_second_study_too(study, two_stage_study, clinician):
    earlier = factories.make_enrolment(study, clinician)
    factories.make_enrolment(two_stage_study, clinician)
    for review in Review.objects.filter(assignment__enrolment=earlier).in_order():
        assert next_review(clinician)["study"] == study.code
        open_review(public_id=review.public_id, by=clinician)
        submit(public_id=review.public_id, answers=ANSWERS, by=clinician)
    with CaptureQueriesContext(connection) as captured:
        assert next_review(clinician)["study"] == two_stage_study.code
    assert len(captured) <= 3
