"""/reviews: list, next, open, case, questionnaire, events, answer."""

import json
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from experiments.actions import lifecycle
from experiments.models import Review, ReviewEvent, Submission
from experiments.tests import factories

pytestmark = pytest.mark.django_db
ANSWERS = {"diagnosis": "yes", "risk": 40, "remarks": None}


def address(review, path=""):
    return f"/api/v2/reviews/{review.public_id}{path}"


@pytest.fixture
def client(api, clinician):
    return api(clinician)


@pytest.fixture
def opened(client, first_review):
    assert client.post(address(first_review, "/open")).status_code == 200
    return first_review


def asked_version(client, review):
    return client.get(address(review, "/questionnaire")).json()["version"]


def answer(client, review, answers=ANSWERS):
    body = {"questionnaire_version": asked_version(client, review), "answers": answers}
    return client.post(address(review, "/answer"), body)


def test_the_list_is_in_reading_order_with_statuses_and_without_arms(client, enrolled):
    body = client.get("/api/v2/reviews").json()
    assert body["next"] is None
    rows = body["results"]
    assert [(row["position"], row["stage_position"]) for row in rows] == sorted(
        (row["position"], row["stage_position"]) for row in rows
    )
    # One row a case, whatever its arm: a later stage is not told of before the one before it is answered.
    assert len(rows) == enrolled.assignments.count() < Review.objects.filter(assignment__enrolment=enrolled).count()
    assert {(row["stage_position"], row["status"]) for row in rows} == {(1, "next")}
    assert set(rows[0]) == {
        "public_id", "study", "case_number", "position", "stage_position", "status", "opened_at", "submitted_at",
    }  # fmt: skip


def test_the_list_goes_on_by_cursor(client, enrolled):
    everything = [row["public_id"] for row in client.get("/api/v2/reviews").json()["results"]]
    seen, page = [], client.get("/api/v2/reviews?page_size=2").json()
    while True:
        seen += [row["public_id"] for row in page["results"]]
        if page["next"] is None:
            break
        page = client.get(page["next"]).json()
    assert seen == everything


def test_a_cursor_that_is_none_is_not_found(client):
    assert client.get("/api/v2/reviews?cursor=nonsense").status_code == 404


def test_next_is_the_first_unanswered_and_then_the_one_after(client, enrolled, first_review):
    assert client.get("/api/v2/reviews/next").json()["public_id"] == str(first_review.public_id)
    client.post(address(first_review, "/open"))
    assert client.get("/api/v2/reviews/next").json()["status"] == "open"
    assert answer(client, first_review).status_code == 200
    assert client.get("/api/v2/reviews/next").json()["public_id"] != str(first_review.public_id)


def test_next_is_empty_for_somebody_without_reviews(api, other_clinician):
    answered = api(other_clinician).get("/api/v2/reviews/next")
    assert answered.status_code == 204
    assert answered.content == b""


def test_ids_are_accepted_as_hex_and_as_uuid(client, first_review):
    for public_id in (first_review.public_id.hex, str(first_review.public_id), first_review.public_id.hex.upper()):
        assert client.get(f"/api/v2/reviews/{public_id}").json()["public_id"] == str(first_review.public_id)


def test_opening_gives_the_case_as_it_was_hashed(client, first_review):
    answered = client.post(address(first_review, "/open"))
    assert answered.status_code == 200
    body = answered.json()
    assert body["case"]["sections"]
    assert body["submitted_at"] is None
    text = client.get(address(first_review, "/case"))
    assert text.headers["content-type"] == "application/json"
    from augmed.foundation.canonical import sha256_hex

    first_review.refresh_from_db()
    assert sha256_hex(text.content.decode()) == first_review.opening.disclosed_sha256
    assert json.loads(text.content) == body["case"]


def test_no_browser_keeps_a_case(client, opened):
    for answer in (client.post(address(opened, "/open")), client.get(address(opened, "/case"))):
        assert answer.headers["cache-control"] == "no-store"


def test_opening_again_gives_the_same(client, opened):
    assert client.post(address(opened, "/open")).json() == client.post(address(opened, "/open")).json()


@pytest.mark.parametrize("path", ["/case", "/questionnaire", "/answer"])
def test_what_was_not_opened_is_a_conflict(client, first_review, path):
    answered = client.get(address(first_review, path))
    assert answered.status_code == 409
    assert answered.json()["code"] == "not_opened"


def test_answering_before_opening_is_a_conflict(client, first_review):
    body = {"questionnaire_version": str(uuid.uuid4()), "answers": ANSWERS}
    assert client.post(address(first_review, "/answer"), body).status_code == 409


def test_the_questionnaire_has_no_scoring_rule(client, opened):
    body = client.get(address(opened, "/questionnaire")).json()
    assert [question["key"] for question in body["questions"]] == ["diagnosis", "risk", "remarks"]
    assert "scoring" not in json.dumps(body)
    assert "tolerance" not in json.dumps(body)


def test_answers_are_recorded_once_and_repeated_answers_change_nothing(client, opened):
    first = answer(client, opened)
    assert first.status_code == 200, first.json()
    assert first.json()["repeated"] is False
    again = answer(client, opened, {"risk": "40.0", "diagnosis": "yes"})
    assert again.status_code == 200
    assert again.json() == {"submitted_at": first.json()["submitted_at"], "repeated": True}
    other = answer(client, opened, {"risk": 41, "diagnosis": "yes"})
    assert other.status_code == 409
    assert other.json()["code"] == "already_answered"
    assert client.get(address(opened, "/answer")).json() == {"answers": {"diagnosis": "yes", "risk": "40"}}
    assert Submission.objects.count() == 1


def test_wrong_answers_are_named_by_question(client, opened):
    answered = answer(client, opened, {"diagnosis": "perhaps", "colour": "red"})
    assert answered.status_code == 422
    assert set(answered.json()["errors"]) == {"diagnosis", "risk", "colour"}


def test_answers_to_another_version_are_a_conflict(client, opened):
    body = {"questionnaire_version": str(uuid.uuid4()), "answers": ANSWERS}
    answered = client.post(address(opened, "/answer"), body)
    assert answered.status_code == 409
    assert answered.json()["code"] == "other_questionnaire_version"


def test_the_second_stage_opens_after_the_first_is_answered(api, two_stage_study, clinician):
    factories.make_enrolment(two_stage_study, clinician)
    client = api(clinician)
    first, second = Review.objects.owned_by(clinician).in_order()[:2]
    client.post(address(first, "/open"))
    assert client.post(address(second, "/open")).status_code == 409
    assert client.get(address(second)).status_code == 404
    answer(client, first)
    assert client.get(address(second)).json()["status"] == "next"
    assert client.post(address(second, "/open")).status_code == 200


def test_a_paused_study_opens_nothing(client, study, first_review):
    lifecycle.pause(experiment=study, by=None, reason="Pause")
    answered = client.post(address(first_review, "/open"))
    assert answered.status_code == 409
    assert answered.json()["code"] == "study_paused"
    assert client.get("/api/v2/reviews/next").status_code == 204


def test_events_are_recorded_once(client, opened):
    before = ReviewEvent.objects.count()
    event = {
        "page_session": str(uuid.uuid4()),
        "sequence": 1,
        "kind": "feature_opened",
        "feature": "age",
        "client_at": "2025-01-01T10:00:00+02:00",
        "client_offset_minutes": 120,
    }
    later = event | {"sequence": 2, "kind": "focus", "feature": ""}
    assert client.post(address(opened, "/events"), {"events": [event, later]}).json() == {"recorded": 2}
    assert client.post(address(opened, "/events"), {"events": [event]}).json() == {"recorded": 0}
    assert ReviewEvent.objects.count() == before + 2


def test_an_event_of_the_servers_own_kind_is_refused(client, opened):
    event = {"page_session": str(uuid.uuid4()), "sequence": 1, "kind": "submitted"}
    answered = client.post(address(opened, "/events"), {"events": [event]})
    assert answered.status_code == 422
    assert list(answered.json()["errors"]) == ["events.0.kind"]


FOREIGN = [
    ("get", ""),
    ("post", "/open"),
    ("get", "/case"),
    ("get", "/questionnaire"),
    ("get", "/answer"),
    ("post", "/events"),
    ("post", "/answer"),
]
BODIES = {
    "/events": {"events": [{"page_session": str(uuid.uuid4()), "sequence": 1, "kind": "focus"}]},
    "/answer": {"questionnaire_version": str(uuid.uuid4()), "answers": {}},
}


@pytest.mark.parametrize(("method", "path"), FOREIGN)
@pytest.mark.parametrize("who", ["other clinician", "lead", "administrator"])
def test_a_foreign_review_is_not_found(api, cast, first_review, who, method, path):
    body = BODIES.get(path) if method == "post" else None
    answered = getattr(api(cast[who]), method)(address(first_review, path), body)
    assert answered.status_code == 404
    assert answered.json()["code"] == "not_found"


def statements(client, method, path, body=None):
    """Statements after the one that finds the account."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        answered = getattr(client, method)(path, body)
    assert answered.status_code == 200, answered.content
    kinds = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
    return len([query for query in captured if query["sql"].lstrip().upper().startswith(kinds)]) - 1


@pytest.mark.parametrize("size", [1, 1000])
def test_the_number_of_statements_does_not_grow(api, clinician, lead, size):
    """With one case of one feature, and with 1,000 cases and reviews, each case of 1,000 features."""
    labs = {1_000_000 + index: (f"Value {index}", str(index)) for index in range(size)}
    version = factories.make_layout()
    cases = [
        factories.make_case(
            layout_version=version, tree=factories.make_tree(labs=labs if index < 2 else {1: ("One", "1")})
        )
        for index in range(size)
    ]
    study = factories.make_study(
        cases=cases, layout_version=version, by=lead, arms={"All": factories.ARMS["With advice"]}, case_order="fixed"
    )
    factories.make_enrolment(study, clinician)
    client = api(clinician)
    review = Review.objects.owned_by(clinician).in_order().first()
    assert statements(client, "get", "/api/v2/reviews") <= 3
    assert statements(client, "get", "/api/v2/reviews/next") <= 3
    assert statements(client, "get", "/api/v2/studies") <= 3
    assert statements(client, "post", address(review, "/open")) <= 5
    assert statements(client, "post", address(review, "/open")) <= 3
    assert statements(client, "get", address(review, "/case")) <= 3
    assert statements(client, "get", address(review, "/questionnaire")) <= 3
    body = {"questionnaire_version": asked_version(client, review), "answers": ANSWERS}
    assert statements(client, "post", address(review, "/answer"), body) <= 8
