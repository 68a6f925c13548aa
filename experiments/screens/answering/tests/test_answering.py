"""The addresses under which a review is opened, typed into, answered and left, with JavaScript and without."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from experiments.actions.lifecycle import activate, pause
from experiments.actions.reviews import open_review, submit
from experiments.models import Answer, Review, ReviewDraft, ReviewEvent, ReviewOpening, Stage, Submission
from experiments.reviewing.own_reviews import own_reviews
from experiments.screens.answering.tests.questions import ANSWERS, posted
from experiments.tests import factories

JSON = {"Accept": "application/json"}


def url(name: str, review: Review) -> str:
    return reverse(name, args=[review.public_id])


@pytest.fixture
def opened(review: Review, clinician: Any) -> Review:
    open_review(public_id=review.public_id, by=clinician)
    return review


def stored() -> dict[str, Any]:
    return {key: json.loads(value) for key, value in Answer.objects.values_list("question_key", "value")}


def test_opening_leads_to_the_case_and_twice_is_once(client: Client, review: Review) -> None:
    for _ in range(2):
        answer = client.post(url("review_open", review))
        assert (answer.status_code, answer.url) == (303, url("review", review))
    assert ReviewOpening.objects.count() == 1


def test_opening_keeps_the_language_of_the_page(client: Client, review: Review) -> None:
    client.post(url("review_open", review))
    assert ReviewOpening.objects.get().language == "en"


@pytest.mark.parametrize("name", ["review_open", "review_answer", "review_draft"])
def test_an_address_of_an_act_opened_by_itself_leads_to_the_case(client: Client, review: Review, name: str) -> None:
    """As after signing in again, which leads back to where one was going."""
    answer = client.get(url(name, review))
    assert (answer.status_code, answer.url) == (302, url("review", review))
    assert not ReviewOpening.objects.exists()


@pytest.mark.parametrize("name", ["review_open", "review_answer", "review_draft"])
def test_nobodys_review_is_a_strangers(
    signed_in: Callable[[Any], Client], opened: Review, other_clinician: Any, stranger: Any, name: str
) -> None:
    for user in (other_clinician, stranger):
        assert signed_in(user).post(url(name, opened), posted()).status_code == 404
    assert signed_in(stranger).get(url("review_done", opened)).status_code == 404
    anonymous = Client().post(url(name, opened), posted())
    assert (anonymous.status_code, anonymous.url.startswith(reverse("sign_in"))) == (302, True)
    assert not Submission.objects.exists()
    assert not ReviewDraft.objects.exists()


def test_forms_of_other_sites_are_refused(opened: Review, clinician: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(clinician, backend="django.contrib.auth.backends.ModelBackend")
    for name in ("review_open", "review_answer", "review_draft"):
        assert client.post(url(name, opened), posted()).status_code == 403


def test_what_comes_before_the_first_case_comes_before_opening(client: Client, clinician: Any) -> None:
    study = factories.make_study(instructions="Read every case to its end.")
    enrolment = factories.make_enrolment(study, clinician)
    review = Review.objects.filter(assignment__enrolment=enrolment).order_by("assignment__position")[0]
    assert client.post(url("review_open", review)).status_code == 409
    assert not ReviewOpening.objects.exists()


def test_a_second_reading_is_announced_before_it_is_opened_and_a_first_one_never(
    client: Client, review: Review
) -> None:
    """Who paused in between is not left to wonder why a case comes twice; who has not answered learns nothing."""
    words = "it is shown to you once more"
    assert words not in client.get(url("review", review)).content.decode()
    client.post(url("review_open", review))
    client.post(url("review_answer", review), posted())
    second = Review.objects.get(assignment=review.assignment_id, stage_position=2)
    assert words in client.get(url("review", second)).content.decode()


def test_a_draft_is_kept_and_restored(client: Client, opened: Review) -> None:
    answer = client.post(url("review_draft", opened), posted({"next": "CT <scan>", "risk": "3"}), headers=JSON)
    assert answer.status_code == 200
    assert answer.json()["revision"] == 1
    assert "no-store" in answer.headers["Cache-Control"]
    page = client.get(url("review", opened)).content.decode()
    assert 'value="CT &lt;scan&gt;"' in page
    assert 'name="revision" value="1"' in page


def test_a_draft_without_javascript_leads_home_and_says_so(client: Client, opened: Review) -> None:
    answer = client.post(url("review_draft", opened), posted({"risk": "3"}), follow=True)
    assert answer.redirect_chain == [(reverse("home"), 303)]
    assert "Your answers so far are saved." in answer.content.decode()


def test_a_page_behind_is_told_with_json(client: Client, opened: Review) -> None:
    client.post(url("review_draft", opened), posted({"risk": "3"}), headers=JSON)
    answer = client.post(url("review_draft", opened), posted({"risk": "4"}, revision="0"), headers=JSON)
    assert answer.status_code == 409
    assert (answer.json()["code"], answer.json()["revision"]) == ("draft_behind", 1)
    assert json.loads(ReviewDraft.objects.get().answers) == {"risk": "3"}


def test_a_page_behind_is_told_without_javascript_and_loses_nothing(client: Client, opened: Review) -> None:
    client.post(url("review_draft", opened), posted({"risk": "3"}), headers=JSON)
    answer = client.post(url("review_draft", opened), posted({"risk": "44"}, revision="0"))
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "also changed in another window" in page
    assert 'value="44"' in page
    assert 'name="revision" value="1"' in page  # saving again is the reader's word for it
    assert json.loads(ReviewDraft.objects.get().answers) == {"risk": "3"}


def test_answers_are_stored_once_and_the_next_page_is_asked_for(client: Client, opened: Review) -> None:
    answer = client.post(url("review_answer", opened), posted())
    assert (answer.status_code, answer.url) == (303, url("review_done", opened))
    assert stored() == {**ANSWERS, "findings": ["Cough", "Leg swelling"]}
    again = client.post(url("review_answer", opened), posted(), headers=JSON)
    assert (again.status_code, again.json()) == (200, {"url": url("review_done", opened)})
    assert Submission.objects.count() == 1


def test_other_answers_afterwards_change_nothing_and_that_is_said(client: Client, opened: Review) -> None:
    client.post(url("review_answer", opened), posted())
    other = posted({**ANSWERS, "risk": "99"})
    assert client.post(url("review_answer", opened), other, headers=JSON).json()["code"] == "already_answered"
    page = client.post(url("review_answer", opened), other)
    assert page.status_code == 409
    assert "cannot be changed" in page.content.decode()
    assert stored()["risk"] == "35"
    assert ReviewEvent.objects.filter(kind="submit_refused").count() == 2


def test_refused_answers_stand_in_place_with_what_was_typed(client: Client, opened: Review) -> None:
    wrong = posted({**ANSWERS, "risk": "120", "next": ""})
    answer = client.post(url("review_answer", opened), wrong)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "2 answers need another look" in page
    assert 'href="#q-risk"' in page
    assert "The number must be at most 100." in page
    assert 'value="120"' in page
    assert "Two\nlines</textarea>" in page
    assert not Submission.objects.exists()
    assert client.post(url("review_answer", opened), wrong, headers=JSON).json()["code"] == "invalid"


def test_answers_to_another_version_are_refused(client: Client, opened: Review) -> None:
    answer = client.post(url("review_answer", opened), posted(version=str(uuid.uuid4())), headers=JSON)
    assert answer.json()["code"] == "other_questionnaire_version"


def test_a_paused_study_takes_no_answers_and_says_so(
    client: Client, opened: Review, two_stages: Any, owner: Any
) -> None:
    pause(experiment=two_stages, by=owner, reason="a pause")
    assert client.post(url("review_answer", opened), posted(), headers=JSON).json()["code"] == "study_paused"
    assert client.post(url("review_answer", opened), posted()).status_code == 409


def test_done_leads_back_to_the_case_that_is_not_answered(client: Client, opened: Review) -> None:
    assert client.get(url("review_done", opened)).url == url("review", opened)


def test_a_second_reading_is_told_of_after_the_first_answer_only(client: Client, opened: Review) -> None:
    before = client.get(url("review", opened)).content.decode() + client.get(reverse("home")).content.decode()
    said = re.sub(r"<[^>]*>", " ", before).lower()
    assert [word for word in ("stage", "once more", "first answer", "second") if word in said] == []
    client.post(url("review_answer", opened), posted())
    page = client.get(url("review_done", opened)).content.decode()
    later = Review.objects.get(assignment=opened.assignment_id, stage_position=2)
    assert "There is one more thing to this case" in page
    assert f'action="{url("review_open", later)}"' in page


def test_a_second_reading_shows_first_answers_beside_the_new_ones(client: Client, opened: Review) -> None:
    client.post(url("review_answer", opened), posted())
    later = Review.objects.get(assignment=opened.assignment_id, stage_position=2)
    client.post(url("review_open", later))
    page = client.get(url("review", later)).content.decode()
    assert page.count("Your first answer:") == len(ANSWERS)
    assert 'name="q.risk" value=""' in page
    client.post(url("review_answer", later), posted({**ANSWERS, "risk": "60"}))
    page = client.get(url("review", later)).content.decode()
    assert page.count("Changed") == 1
    assert "These answers are final." in page
    assert "<form id=" not in page


def test_the_second_stage_cannot_be_opened_before_the_first_is_answered(client: Client, opened: Review) -> None:
    later = Review.objects.get(assignment=opened.assignment_id, stage_position=2)
    for name in ("review_open", "review_answer", "review_draft"):
        assert client.post(url(name, later), posted(), headers=JSON).status_code == 409
    assert client.get(url("review", later)).status_code == 409
    assert not ReviewOpening.objects.filter(review=later).exists()


def test_after_the_last_answer_there_is_nothing_more_to_open(client: Client, enrolled: Any, clinician: Any) -> None:
    while (following := own_reviews(clinician).unanswered().reachable().first()) is not None:
        open_review(public_id=following.public_id, by=clinician)
        submit(public_id=following.public_id, answers=ANSWERS, by=clinician)
        last = following
    page = client.get(url("review_done", last)).content.decode()
    assert "3 of 3 cases answered" in page
    assert "You have answered every case so far." in page
    assert "/open/" not in page


def test_a_second_reading_that_comes_later_is_not_offered_before(client: Client, clinician: Any, owner: Any) -> None:
    arms = {"Advice afterwards": factories.ARMS["Advice afterwards"]}
    study = factories.make_study(by=owner, arms=arms, cases=2, active=False)
    Stage.objects.filter(position=2).update(not_before_days=7)
    activate(experiment=study, by=owner)
    factories.make_enrolment(study, clinician)
    first = own_reviews(clinician).first()
    client.post(url("review_open", first))
    client.post(url("review_answer", first), {"q.diagnosis": "yes", "q.risk": "20"})
    page = client.get(url("review_done", first)).content.decode()
    assert "one more thing" not in page
    assert "Open the next case" in page
    later = Review.objects.get(assignment=first.assignment_id, stage_position=2)
    assert str(later.public_id) not in page


@pytest.mark.parametrize("cases", [3, 8])
def test_statements_of_the_page_after_an_answer(
    client: Client, clinician: Any, owner: Any, cases: int, django_assert_max_num_queries: Any
) -> None:
    study = factories.make_study(by=owner, cases=cases)
    factories.make_enrolment(study, clinician)
    review = own_reviews(clinician).first()
    open_review(public_id=review.public_id, by=clinician)
    submit(public_id=review.public_id, answers={"diagnosis": "yes", "risk": "1"}, by=clinician)
    client.get(url("review_done", review))
    with django_assert_max_num_queries(9):  # session, user and language are three of them
        assert client.get(url("review_done", review)).status_code == 200
