"""A number that can be read in two ways is asked for again, as it was typed; and never becomes another answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from experiments.actions.reviews import open_review
from experiments.models import Answer, Review, ReviewDraft, ReviewEvent
from experiments.screens.answering.tests.questions import ANSWERS, posted

pytestmark = pytest.mark.django_db


@pytest.fixture
def opened(review: Review, clinician: Any) -> Review:
    open_review(public_id=review.public_id, by=clinician)
    return review


def send(client: Client, review: Review, dose: str, **headers: str) -> Any:
    address = reverse("review_answer", args=[review.public_id])
    return client.post(address, posted({**ANSWERS, "dose": dose}), headers={"Accept-Language": "de", **headers})


def test_it_is_refused_in_place_and_stands_there_as_it_was_typed(client: Client, opened: Review) -> None:
    answer = send(client, opened, "1.200")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'value="1.200"' in page
    assert 'id="q-dose-error"' in page
    assert not Answer.objects.exists()


def test_what_is_typed_is_kept_letter_by_letter(client: Client, opened: Review) -> None:
    client.post(reverse("review_draft", args=[opened.public_id]), posted({"dose": "1,5"}) | {"revision": "0"})
    assert json.loads(ReviewDraft.objects.get().answers) == {"dose": "1,5"}
    assert 'value="1,5"' in client.get(reverse("review", args=[opened.public_id])).content.decode()


def test_as_a_second_answer_it_is_a_conflict_like_any_other(client: Client, opened: Review) -> None:
    assert send(client, opened, "12,5").status_code == 303
    assert send(client, opened, "1.200", Accept="application/json").status_code == 409
    assert ReviewEvent.objects.filter(kind="submit_refused").count() == 1
    assert Answer.objects.get(question_key="dose").value == '"12.5"'
