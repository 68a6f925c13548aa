"""Batches of the case page's script: form data with a token, taken once, refused whole."""

from __future__ import annotations

import json
import uuid

import pytest
from django.test import Client

from experiments.models import ReviewEvent

pytestmark = pytest.mark.django_db
PAGE = "11111111222243338444555555555555"


@pytest.fixture
def page(client, clinician):
    client.force_login(clinician)
    return client


def event(sequence=1, **fields):
    given = {"page_session": PAGE, "sequence": sequence, "kind": "feature_visible", "feature": "lab|c:1"}
    return {**given, "client_at": "2026-03-02T09:00:00.250Z", "client_offset_minutes": 60, **fields}


def tell(page, review, events):
    body = events if isinstance(events, str) else json.dumps(events)
    return page.post(f"/reviews/{review.public_id}/events/", {"events": body})


def test_a_batch_is_stored_with_the_clients_time_beside_the_servers(page, plain, clinician):
    data = {"ms": 1200, "visit": 1, "active": 1500}
    assert tell(page, plain, [event(data=data), event(2, kind="blur", feature="")]).status_code == 204
    first, _second = ReviewEvent.objects.by_clients().order_by("sequence")
    assert first.page_session == uuid.UUID(PAGE)
    assert first.client_at.isoformat() == "2026-03-02T09:00:00.250000+00:00"
    assert first.client_offset_minutes == 60
    assert first.server_at > first.client_at
    assert json.loads(first.data) == data
    assert first.by == clinician


@pytest.mark.parametrize(
    "data",
    [
        {"note": "Mr Smith"},
        {"active": "Mr Smith"},
        {"active": {"a": ["Mr Smith"]}},
        {"active": -5},
        {"active": 1.5},
        {"ms": 10**30},
        {"ms": True},
        {"tab": "Mr Smith"},
        {"tab": 1},
        "Mr Smith",
        ["Mr Smith"],
    ],
)
def test_an_event_holds_what_the_page_counts_and_no_words(page, plain, data):
    answer = tell(page, plain, [event(), event(2, data=data)])
    assert answer.status_code == 422
    assert not ReviewEvent.objects.by_clients().exists()


def test_all_that_the_script_counts_is_taken(page, plain):
    said = [{"active": 0}, {"active": 1, "tab": False}, {"active": 2, "places": 3}, {"active": 2, "ms": 0, "visit": 1}]
    assert tell(page, plain, [event(at, data=data) for at, data in enumerate(said, start=1)]).status_code == 204
    assert ReviewEvent.objects.by_clients().count() == 4


def test_sent_twice_it_counts_once(page, plain):
    for _ in range(2):
        assert tell(page, plain, [event(), event(2)]).status_code == 204
    assert ReviewEvent.objects.by_clients().count() == 2


@pytest.mark.parametrize(
    "events",
    [
        "",
        "no JSON",
        "{}",
        "[" * 10_000,
        "[NaN]",
        [1],
        [event(feature={"a": 1})],
        [event(feature="lab|c:999")],
        [event(question_key=[1])],
        [event(kind="feature_revealed")],
        [event(kind=["opened"])],
        [event(client_at="yesterday")],
        [event(client_at="2026-02-31T09:00:00Z")],
        [event(client_at="0001-01-01T00:00:00+14:00")],  # of the year 0, in UTC
        [event(client_at="9999-12-31T23:59:00-14:00")],
        [event(page_session="none")],
        [event(sequence=0)],
        [event(more=1)],
        [event(), event(2, kind="opened")],
    ],
)
def test_what_is_not_a_batch_is_refused_whole(page, plain, events):
    assert tell(page, plain, events).status_code == 422
    assert not ReviewEvent.objects.by_clients().exists()


def test_it_needs_the_token(plain, clinician):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(clinician)
    assert tell(strict, plain, [event()]).status_code == 403


def test_somebody_elses_review_takes_nothing(client, plain, other_clinician):
    client.force_login(other_clinician)
    assert tell(client, plain, [event()]).status_code == 404
    assert not ReviewEvent.objects.by_clients().exists()


def test_nobody_is_sent_to_sign_in(client, plain):
    assert tell(client, plain, [event()]).status_code == 302
