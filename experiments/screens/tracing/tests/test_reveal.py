"""Asking for a hidden feature: recorded with what it gives, once, by its reader alone, and never after the answer."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from experiments.actions.enrolment import withdraw
from experiments.actions.revealing import reveal_feature
from experiments.actions.reviews import open_review, read_review, submit
from experiments.models import Review, ReviewEvent, ReviewOpening
from experiments.screens.tracing.tests.conftest import PINNED, SHOWN, long_tree, opened

pytestmark = pytest.mark.django_db
ANSWERS = {"diagnosis": "yes", "risk": 10}


@pytest.fixture
def page(client, clinician):
    client.force_login(clinician)
    return client


def ask(page, review, feature="lab|c:1", **headers):
    return page.post(f"/reviews/{review.public_id}/reveal/", {"feature": feature}, headers=headers)


def asked():
    return ReviewEvent.objects.filter(kind=ReviewEvent.Kind.FEATURE_REVEALED).order_by("pk")


def test_nothing_hidden_is_in_the_page_before_it_is_asked_for(page, hiding):
    text = page.get(f"/reviews/{hiding.public_id}/").content.decode()
    assert "SECRET" not in text
    assert "Finding 1" in text
    assert "61" in text  # pinned, so shown
    assert "points" in text


def test_asking_gives_the_feature_and_records_it_with_its_cost(page, hiding, clinician):
    answer = ask(page, hiding, **{"HX-Request": "true"})
    assert answer.status_code == 200
    assert "SECRET1<" in answer.content.decode()
    assert "SECRET2" not in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    event = asked().get()
    assert (event.feature, event.by, event.page_session) == ("lab|c:1", clinician, None)
    assert json.loads(event.data) == {"cost": "0.5", "unit": "points"}


def test_without_htmx_one_comes_back_to_the_page(page, hiding):
    answer = ask(page, hiding)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/reviews/{hiding.public_id}/")
    text = page.get(answer.headers["Location"]).content.decode()
    assert "SECRET1<" in text
    assert "SECRET2" not in text


def test_asked_for_again_it_is_given_again_and_costs_nothing(page, hiding):
    ask(page, hiding)
    assert ask(page, hiding, **{"HX-Request": "true"}).status_code == 200
    assert asked().count() == 1


def test_what_is_pinned_costs_nothing(page, hiding):
    assert ask(page, hiding, "age", **{"HX-Request": "true"}).status_code == 200
    assert asked().count() == 0


@pytest.mark.parametrize("feature", ["lab|c:999", "advice", "", "laboratory", "lab"])
def test_what_the_review_does_not_disclose_is_not_there(page, hiding, feature):
    assert ask(page, hiding, feature).status_code == 404
    assert asked().count() == 0


def test_after_the_answer_nothing_more_can_be_asked_for(page, hiding, clinician):
    ask(page, hiding)
    submit(public_id=hiding.public_id, answers=ANSWERS, by=clinician)
    answer = ask(page, hiding, "lab|c:2", **{"HX-Request": "true"})
    assert answer.status_code == 409
    assert "SECRET2" not in answer.content.decode()
    assert asked().count() == 1
    text = page.get(f"/reviews/{hiding.public_id}/").content.decode()
    assert "SECRET1<" in text
    assert "SECRET2" not in text


def test_who_has_left_asks_for_nothing(page, hiding, clinician):
    withdraw(enrolment=Review.objects.get(pk=hiding.review).assignment.enrolment, by=clinician, reason="x")
    assert ask(page, hiding).status_code == 409
    assert asked().count() == 0


def test_somebody_elses_review_looks_like_none(client, hiding, other_clinician):
    client.force_login(other_clinician)
    assert ask(client, hiding).status_code == 404
    assert ask(client, replace(hiding, public_id=uuid.uuid4())).status_code == 404


def test_nobody_is_sent_to_sign_in(client, hiding):
    answer = ask(client, hiding)
    assert answer.status_code == 302
    assert "/sign-in/" in answer.headers["Location"]


def test_it_takes_no_get(page, hiding):
    assert page.get(f"/reviews/{hiding.public_id}/reveal/").status_code == 405


def test_what_the_first_stage_gave_is_shown_at_the_second(clinician, lead):
    terms = {"hidden_until_asked": True}
    first = opened(clinician, lead, [PINNED, PINNED], {1: terms, 2: terms}, long_tree(3))
    reveal_feature(public_id=first.public_id, feature="lab|c:1", by=clinician)
    submit(public_id=first.public_id, answers=ANSWERS, by=clinician)
    second = Review.objects.owned_by(clinician).get(stage_position=2)
    hidden = open_review(public_id=second.public_id, by=clinician).hiding.hidden
    assert hidden == {"lab|c:2", "lab|c:3"}
    assert asked().get().data == ""  # no cost


def test_only_the_stage_that_hides_hides(clinician, lead):
    first = opened(clinician, lead, [SHOWN, SHOWN], {2: {"hidden_until_asked": True}}, long_tree(3))
    assert first.hiding is None
    submit(public_id=first.public_id, answers=ANSWERS, by=clinician)
    second = Review.objects.owned_by(clinician).get(stage_position=2)
    assert len(open_review(public_id=second.public_id, by=clinician).hiding.hidden) == 4
    assert len(read_review(public_id=second.public_id, by=clinician).hiding.hidden) == 4


def test_asking_takes_four_statements(hiding, clinician):
    with CaptureQueriesContext(
        connection,
    ) as sent:
        reveal_feature(public_id=hiding.public_id, feature="lab|c:1", by=clinician)
    assert len([one for one in sent if one["sql"].split()[0] not in ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")]) <= 4


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_are_one(hiding, clinician):
    def click(_number):
        try:
            return reveal_feature(public_id=hiding.public_id, feature="lab|c:1", by=clinician).repeated
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(click, range(4))) == [False, True, True, True]
    assert asked().count() == 1


def test_the_api_withholds_what_is_hidden_and_gives_it_when_asked(api, hiding, clinician):
    client = api(clinician)
    base = f"/api/v2/reviews/{hiding.public_id}"
    opening = client.post(f"{base}/open")
    assert opening.json()["asking"] == {"cost": "0.5", "unit": "points"}
    for answer in (opening, client.get(f"{base}/case")):
        assert b"SECRET" not in answer.content
        assert b'"hidden":true' in answer.content
    given = client.post(f"{base}/reveal", {"feature": "lab|c:1"})
    assert given.status_code == 200
    assert given.json()["feature"]["entries"][0]["text"] == "SECRET1"
    assert given.json()["repeated"] is False
    assert b"SECRET1" in client.get(f"{base}/case").content
    assert client.post(f"{base}/reveal", {"feature": "lab|c:999"}).status_code == 404


def test_the_published_client_cannot_ask_and_is_told_so(api, clinician, lead):
    review = opened(clinician, lead, [PINNED], {1: {"hidden_until_asked": True}}, long_tree(3))
    client = api(clinician)
    for address in ("case-reviews/{}", "config/answer?caseConfigId={}"):
        answer = client.get(f"/api/{address.format(review.public_id.hex)}")
        assert answer.status_code == 500  # of all refusals the client shows only these
        assert b"SECRET" not in answer.content
        assert b"hidden until you ask" in answer.content
    assert b"SECRET" not in client.get("/api/cases").content


def test_the_try_of_the_published_client_opens_nothing(api, clinician, lead):
    review = opened(clinician, lead, [PINNED, PINNED], {2: {"hidden_until_asked": True}}, long_tree(3))
    submit(public_id=review.public_id, answers=ANSWERS, by=clinician)
    second = Review.objects.owned_by(clinician).get(stage_position=2)
    assert api(clinician).get(f"/api/case-reviews/{second.public_id.hex}").status_code == 500
    assert not ReviewOpening.objects.filter(pk=second.pk).exists()
