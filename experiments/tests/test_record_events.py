"""Events of the client: batches, kept once, gaps seen, and only about what the review shows."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from augmed.foundation.errors import Conflict, Invalid, NotFound
from experiments.actions.enrolment import withdraw
from experiments.actions.events import CLIENT_KINDS, ClientEvent, record_events
from experiments.actions.lifecycle import complete
from experiments.actions.reviews import open_review, submit
from experiments.models import ReviewEvent
from experiments.reviewing.own_reviews import own_reviews

PAGE = uuid.UUID("11111111-2222-4333-8444-555555555555")


@pytest.fixture
def opened(enrolled, clinician):
    without = own_reviews(clinician).filter(stage_position=1, assignment__arm__key="without-advice")
    review = without.first() or own_reviews(clinician).filter(stage_position=1).first()
    return open_review(public_id=review.public_id, by=clinician)


def event(sequence, kind="focus", page=PAGE, **fields):
    return {"page_session": page, "sequence": sequence, "kind": kind, **fields}


def test_events_are_stored_as_they_came(opened, clinician):
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    stored = record_events(
        public_id=opened.public_id,
        events=[
            event(1, "feature_opened", feature="lab|c:3000963", client_at=at, client_offset_minutes=-120),
            event(2, "feature_closed", feature="laboratory", data={"visible": 0.5}),
            ClientEvent(PAGE, 3, "question_changed", question_key="risk"),
        ],
        by=clinician,
    )
    assert stored == 3
    rows = list(ReviewEvent.objects.by_clients().order_by("sequence"))
    assert [row.kind for row in rows] == ["feature_opened", "feature_closed", "question_changed"]
    assert rows[0].client_at == at
    assert rows[0].client_offset_minutes == -120
    assert rows[0].server_at > at
    assert rows[0].by == clinician
    assert json.loads(rows[1].data) == {"visible": "0.5"}


def test_a_batch_sent_again_changes_nothing(opened, clinician):
    batch = [event(1), event(2)]
    assert record_events(public_id=opened.public_id, events=batch, by=clinician) == 2
    assert record_events(public_id=opened.public_id, events=batch, by=clinician) == 0
    changed = [event(2, "blur"), event(3), event(3)]
    assert record_events(public_id=opened.public_id, events=changed, by=clinician) == 1
    assert list(ReviewEvent.objects.by_clients().order_by("sequence").values_list("sequence", "kind")) == [
        (1, "focus"),
        (2, "focus"),
        (3, "focus"),
    ]


def test_gaps_can_be_asked_for(opened, clinician):
    other_page = uuid.uuid4()
    record_events(public_id=opened.public_id, events=[event(n) for n in (1, 2, 5, 9)], by=clinician)
    record_events(public_id=opened.public_id, events=[event(n, page=other_page) for n in (3, 4)], by=clinician)
    gaps = [(row.page_session, row.first_missing, row.last_missing) for row in ReviewEvent.objects.gaps()]
    assert sorted(gaps, key=str) == sorted([(PAGE, 3, 4), (PAGE, 6, 8), (other_page, 1, 2)], key=str)
    record_events(public_id=opened.public_id, events=[event(n) for n in (3, 4, 6, 7, 8)], by=clinician)
    assert [row.page_session for row in ReviewEvent.objects.gaps()] == [other_page]


@pytest.mark.parametrize("kind", ["opened", "submitted", "submit_repeated", "submit_refused", "", "unheard_of", 3])
def test_only_a_clients_own_kinds_are_taken(opened, clinician, kind):
    with pytest.raises(Invalid) as refused:
        record_events(public_id=opened.public_id, events=[event(1), event(2, kind)], by=clinician)
    assert list(refused.value.errors) == ["events.1.kind"]
    assert not ReviewEvent.objects.by_clients().exists()


def test_all_that_is_wrong_is_listed_by_event(opened, clinician):
    with pytest.raises(Invalid) as refused:
        record_events(
            public_id=opened.public_id,
            events=[
                event(0),
                event(1, page="not a uuid"),
                event(2, feature="risk|s:hidden"),
                event(3, question_key="no-such"),
                event(4, client_at=datetime(2026, 1, 1)),  # noqa: DTZ001  this is what is refused
                event(5, client_offset_minutes=100_000),
                event(6, data={"x": "y" * 5000}),
                event(7, colour="red"),
                {"sequence": 8},
                "focus",
                event(10),
            ],
            by=clinician,
        )
    assert set(refused.value.errors) == {
        "events.0.sequence",
        "events.1.page_session",
        "events.2.feature",
        "events.3.question_key",
        "events.4.client_at",
        "events.5.client_offset_minutes",
        "events.6.data",
        "events.7.colour",
        "events.8.page_session",
        "events.8.kind",
        "events.9",
    }
    assert not ReviewEvent.objects.by_clients().exists()


def test_a_feature_that_is_in_the_case_but_not_shown_is_unknown(enrolled, clinician):
    review = own_reviews(clinician).filter(stage_position=1).exclude(assignment__arm__key="with-advice").first()
    assert review is not None
    open_review(public_id=review.public_id, by=clinician)
    with pytest.raises(Invalid, match="none was stored"):
        record_events(public_id=review.public_id, events=[event(1, "feature_opened", feature="advice")], by=clinician)


def test_a_batch_has_a_size(opened, clinician):
    with pytest.raises(Invalid, match="at most 500"):
        record_events(public_id=opened.public_id, events=[event(n) for n in range(1, 502)], by=clinician)
    assert record_events(public_id=opened.public_id, events=[], by=clinician) == 0
    with CaptureQueriesContext(connection) as captured:
        batch = [event(n) for n in range(1, 501)]
        assert record_events(public_id=opened.public_id, events=batch, by=clinician) == 500
    assert len([query for query in captured if query["sql"].startswith("SELECT")]) <= 3
    assert CLIENT_KINDS


def test_late_events_are_taken_after_the_answer_and_after_the_end(study, opened, clinician, owner):
    submit(public_id=opened.public_id, answers={"diagnosis": "yes", "risk": 1}, by=clinician)
    complete(experiment=study, by=owner, reason="done")
    assert record_events(public_id=opened.public_id, events=[event(1)], by=clinician) == 1


def test_nothing_is_taken_of_those_who_left_or_of_others(opened, enrolled, clinician, other_clinician, owner):
    with pytest.raises(NotFound):
        record_events(public_id=opened.public_id, events=[event(1)], by=other_clinician)
    unopened = own_reviews(clinician).filter(opening=None).first()
    with pytest.raises(Conflict) as refused:
        record_events(public_id=unopened.public_id, events=[event(1)], by=clinician)
    assert refused.value.code == "not_opened"
    withdraw(enrolment=enrolled, by=owner, reason="wishes to")
    with pytest.raises(Conflict) as refused:
        record_events(public_id=opened.public_id, events=[event(1)], by=clinician)
    assert refused.value.code == "not_taking_part"
