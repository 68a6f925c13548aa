"""One study read by two people, one through /api/v2/ and one through the published contract: the same is stored."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db.models import Model, QuerySet

from experiments.actions.attention_checks import set_attention_check
from experiments.attention import RIGHT_ANSWER
from experiments.models import (
    Answer,
    AttentionCheckAnswer,
    Enrolment,
    EnrolmentEvent,
    Review,
    ReviewEvent,
    ReviewOpening,
    Submission,
)
from experiments.tests import factories

QUESTIONS = [
    {"key": "plan", "type": "single_choice", "text": "Which plan?", "options": ["wait", "operate"]},
    {"key": "tests", "type": "multiple_choice", "text": "Which tests?", "options": ["CT", "MRI"], "required": False},
    {"key": "risk", "type": "probability", "text": "How likely?"},
    {"key": "dose", "type": "number", "text": "Dose?", "unit": "mg", "minimum": 0},
    {"key": "sure", "type": "scale", "text": "How sure?", "minimum": 1, "maximum": 5, "high_label": "very"},
    {"key": "when", "type": "date", "text": "When?"},
    {"key": "name", "type": "short_text", "text": "Diagnosis?"},
    {"key": "more", "type": "paragraph", "text": "Anything else?", "required": False},
]
BY_TITLE = {
    "Which plan?": "wait",
    "Which tests?": ["MRI", "CT"],
    "How likely? (number, 0 to 100 %)": "20.0",
    "Dose? (number, at least 0 mg)": "0",
    "How sure?": "5 – very",
    "When? (date, YYYY-MM-DD)": "2026-02-28",
    "Diagnosis?": " none ",
    "Anything else?": "",
}
BY_KEY = {
    "plan": "wait",
    "tests": ["CT", "MRI"],
    "risk": 20,
    "dose": 0,
    "sure": 5,
    "when": "2026-02-28",
    "name": "none",
}
TIMES = [f"2026-01-05T09:0{minute}:00.000Z" for minute in range(3)]
KINDS = ("case_opened", "answer_opened", "answer_submitted")
KEYS = (
    "id",
    "public_id",
    "review_id",
    "submission_id",
    "assignment_id",
    "enrolment_id",
    "user_id",
    "by_id",
    "pseudonym",
)
MOMENTS = ("opened_at", "submitted_at", "server_at", "created_at", "joined_at", "at")
SAID = ("client_data", "page_session", "pseudonym")
pytestmark = pytest.mark.django_db


@pytest.fixture
def readers(owner: Any) -> list[Enrolment]:
    arms = {"Advice afterwards": factories.ARMS["Advice afterwards"]}
    study = factories.make_study(by=owner, cases=2, arms=arms, questions=QUESTIONS, case_order="fixed", active=False)
    set_attention_check(experiment=study, every=2, by=owner)
    factories.activate(experiment=study, by=owner, confirmed={"person_more_than_once", "later_stage_hides"})
    study.refresh_from_db()
    return [factories.make_enrolment(study) for _ in range(2)]


def read_by_v2(client: Any) -> None:
    while (found := client.get("/api/v2/reviews/next/")).status_code == 200:
        address = f"/api/v2/reviews/{found.json()['public_id']}"
        assert client.post(f"{address}/open/").status_code == 200
        asked = client.get(f"{address}/questionnaire/").json()
        checks = {q["key"]: RIGHT_ANSWER for q in asked["questions"] if q["key"] not in {*BY_KEY, "more"}}
        body = {"questionnaire_version": asked["version"], "answers": {**BY_KEY, **checks}}
        for _ in range(2):  # a lost response
            assert client.post(f"{address}/answer/", body, format="json").status_code == 200
        wrong = {**body, "answers": {**body["answers"], "plan": "operate"}}
        assert client.post(f"{address}/answer/", wrong, format="json").status_code == 409
        session = str(uuid.uuid4())
        events = [
            {"page_session": session, "sequence": at, "kind": kind, "client_at": moment}
            for at, (kind, moment) in enumerate(zip(KINDS, TIMES, strict=True), start=1)
        ]
        assert client.post(f"{address}/events/", {"events": events}, format="json").status_code == 200


def read_by_contract(client: Any) -> None:
    while found := client.get("/api/cases").json()["data"]:
        config = found[0]["config_id"]
        assert client.get(f"/api/case-reviews/{config}").status_code == 200
        asked = client.get(f"/api/config/answer?caseConfigId={config}").json()["data"]
        checks = {q["title"]: RIGHT_ANSWER for q in asked["config"] if q["title"] not in BY_TITLE}
        body = {"answer": {**BY_TITLE, **checks}, "answerConfigId": asked["id"], "aiScoreShown": False}
        for _ in range(2):
            assert client.post(f"/api/answer/{config}", body, format="json").status_code == 200
        wrong = {**body, "answer": {**body["answer"], "Which plan?": "operate"}}
        assert client.post(f"/api/answer/{config}", wrong, format="json").status_code == 500
        times = dict(zip(("caseOpenTime", "answerOpenTime", "answerSubmitTime"), TIMES, strict=True))
        assert client.post("/api/analytics", {"caseConfigId": config, **times}, format="json").status_code == 200


def rows(found: QuerySet[Any], *own: str) -> list[dict[str, Any]]:
    """Every column but keys, what belongs to the reader, the server's times, and what the client says of itself."""
    model: type[Model] = found.model
    left_out = {*KEYS, *MOMENTS, *SAID, *own}
    names = [field.attname for field in model._meta.concrete_fields if field.attname not in left_out]
    return list(found.order_by("pk").values(*names))


def stored(enrolment: Enrolment) -> dict[str, list[dict[str, Any]]]:
    of = "assignment__enrolment"
    return {
        "enrolment": rows(Enrolment.objects.filter(pk=enrolment.pk), "arrival"),
        "enrolment events": rows(EnrolmentEvent.objects.filter(enrolment=enrolment)),
        "reviews": rows(Review.objects.filter(**{of: enrolment})),
        "openings": rows(ReviewOpening.objects.filter(**{f"review__{of}": enrolment})),
        "submissions": rows(Submission.objects.filter(**{f"review__{of}": enrolment})),
        "answers": rows(Answer.objects.filter(**{f"submission__review__{of}": enrolment})),
        "checks": rows(AttentionCheckAnswer.objects.filter(**{f"submission__review__{of}": enrolment})),
        "events": rows(ReviewEvent.objects.filter(**{f"review__{of}": enrolment})),
    }


def test_both_ways_store_the_same(readers, api):
    read_by_v2(api(readers[0].user))
    read_by_contract(api(readers[1].user))
    first, second = stored(readers[0]), stored(readers[1])
    assert first == second
    assert len(first["openings"]) == len(first["submissions"]) == 4
    assert len(first["checks"]) == 1
    assert len(first["events"]) == 4 * (1 + 1 + 1 + 1 + 3)
    assert len(first["answers"]) == 4 * len(BY_KEY)
