"""Drafts: kept as typed, the newer one never silently, gone once answered, and in no way a fact."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from augmed.foundation.errors import Conflict, Invalid, NotFound
from experiments.actions.drafts import LONGEST_DRAFT, DraftBehind, save_draft
from experiments.actions.enrolment import withdraw
from experiments.actions.erasure import erase_enrolment
from experiments.actions.exports import export_to_folder
from experiments.actions.lifecycle import pause
from experiments.actions.reviews import open_review, submit
from experiments.models import Review, ReviewDraft, Submission
from experiments.screens.answering.tests.questions import ANSWERS
from experiments.tests.exports.conftest import Opened
from experiments.tests.test_reviews_at_once import at_once

A, B = uuid.UUID(int=1), uuid.UUID(int=2)


@pytest.fixture
def opened(review: Review, clinician: Any) -> Review:
    open_review(public_id=review.public_id, by=clinician)
    return review


@pytest.fixture
def save(review: Review, clinician: Any) -> Callable[..., Any]:
    def saved(revision: int = 0, session: uuid.UUID | None = A, by: Any = clinician, **typed: Any) -> Any:
        return save_draft(
            public_id=review.public_id, typed=lambda asked: typed, revision=revision, page_session=session, by=by
        )

    return saved


def typed() -> dict[str, Any]:
    return json.loads(ReviewDraft.objects.get().answers)


def test_each_save_raises_the_revision(opened: Review, save: Callable[..., Any]) -> None:
    assert save(0, risk="2").revision == 1
    assert save(1, risk="20").revision == 2
    assert typed() == {"risk": "20"}


def test_what_would_not_be_accepted_is_kept_all_the_same(opened: Review, save: Callable[..., Any]) -> None:
    save(risk="more than 100", next="half a sent\x00")
    assert typed() == {"risk": "more than 100", "next": "half a sent\x00"}


def test_a_page_that_is_behind_is_told_and_overwrites_nothing(opened: Review, save: Callable[..., Any]) -> None:
    save(0, A, risk="20")
    with pytest.raises(DraftBehind) as told:
        save(0, B, risk="99")
    assert told.value.there.revision == 1
    assert "another window" in told.value.detail
    assert typed() == {"risk": "20"}
    assert save(told.value.there.revision, B, risk="99").revision == 2  # its reader said so
    with pytest.raises(DraftBehind):
        save(1, A, risk="30")  # and now the first page is the one behind
    assert typed() == {"risk": "99"}


def test_a_page_whose_saves_answer_was_lost_goes_on(opened: Review, save: Callable[..., Any]) -> None:
    save(0, A, risk="20")
    assert save(0, A, risk="25").revision == 2


def test_pages_without_a_session_are_not_taken_for_one(opened: Review, save: Callable[..., Any]) -> None:
    save(0, None, risk="20")
    with pytest.raises(DraftBehind):
        save(0, None, risk="30")


def test_it_is_gone_once_answered_and_cannot_come_back(
    opened: Review, save: Callable[..., Any], clinician: Any
) -> None:
    save(risk="20")
    submit(public_id=opened.public_id, answers=ANSWERS, by=clinician)
    assert not ReviewDraft.objects.exists()
    with pytest.raises(Conflict) as refused:
        save(1, risk="30")
    assert refused.value.code == "already_answered"
    assert not ReviewDraft.objects.exists()


def test_erasure_deletes_it(opened: Review, save: Callable[..., Any], enrolled: Any, administrator: Any) -> None:
    save(risk="20")
    erase_enrolment(enrolment=enrolled, by=administrator, reason="asked for")
    assert not ReviewDraft.objects.exists()


@pytest.mark.parametrize("policy", ["keep", "keep_to_date", "exclude", "erase"])
def test_leaving_deletes_it_whatever_becomes_of_the_answers(
    opened: Review, save: Callable[..., Any], enrolled: Any, owner: Any, monkeypatch: Any, policy: str
) -> None:
    monkeypatch.setattr("experiments.actions.enrolment.withdrawal_policy", lambda study: policy)
    save(remarks="typed and never sent")
    withdraw(enrolment=enrolled, by=owner, reason="asked")
    assert not ReviewDraft.objects.exists()


def test_no_export_reads_it(opened: Review, save: Callable[..., Any], two_stages: Any, tmp_path: Path) -> None:
    save(next="typed and not sent")
    export_to_folder(experiment=two_stages, folder=tmp_path)
    assert "typed and not sent" not in Opened(tmp_path / f"{two_stages.code}.zip").everything()


def test_not_before_the_opening(review: Review, save: Callable[..., Any]) -> None:
    with pytest.raises(Conflict) as refused:
        save(risk="20")
    assert refused.value.code == "not_opened"


def test_not_of_another_person(opened: Review, save: Callable[..., Any], other_clinician: Any) -> None:
    with pytest.raises(NotFound):
        save(risk="20", by=other_clinician)


def test_not_in_a_paused_study_nor_after_withdrawal(
    opened: Review, save: Callable[..., Any], two_stages: Any, owner: Any, enrolled: Any
) -> None:
    pause(experiment=two_stages, by=owner, reason="a pause")
    with pytest.raises(Conflict) as refused:
        save(risk="20")
    assert refused.value.code == "study_paused"
    withdraw(enrolment=enrolled, by=owner, reason="asked")
    with pytest.raises(Conflict):
        save(risk="20")
    assert not ReviewDraft.objects.exists()


def test_not_more_than_can_be_an_answer(opened: Review, save: Callable[..., Any]) -> None:
    with pytest.raises(Invalid):
        save(next="x" * LONGEST_DRAFT)


def test_statements(opened: Review, save: Callable[..., Any], django_assert_max_num_queries: Any) -> None:
    save(0, risk="20")
    with django_assert_max_num_queries(8):  # the savepoint of the test's own transaction among them
        save(1, risk="30")


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_pages_at_once_one_is_told(opened: Review, save: Callable[..., Any]) -> None:
    """The first saves of two pages, at the same moment: one is kept, the other one's reader is asked."""
    results = at_once(partial(save, 0, A, risk="1"), partial(save, 0, B, risk="2"))
    assert sorted(type(result).__name__ for result in results) == ["DraftBehind", "Saved"]
    assert ReviewDraft.objects.get().revision == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_save_beside_an_answer_leaves_no_draft(opened: Review, save: Callable[..., Any], clinician: Any) -> None:
    sending = partial(submit, public_id=opened.public_id, answers=ANSWERS, by=clinician, drafted=True)
    saved, _ = at_once(partial(save, 0, risk="1"), sending)
    assert Submission.objects.count() == 1
    assert getattr(saved, "code", "already_answered") == "already_answered"
    assert not ReviewDraft.objects.exists()
