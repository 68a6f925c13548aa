"""/experiments/{code}/attention-check, and what participants are told of a check: nothing."""

from __future__ import annotations

import uuid

import pytest

from experiments.actions.attention_checks import set_attention_check
from experiments.actions.lifecycle import amend
from experiments.actions.reviews import open_review, submit
from experiments.attention import CHECK_KEY
from experiments.models import Experiment, Review
from experiments.tests.test_attention_checks import ANSWERS

pytestmark = pytest.mark.django_db
CHECK = {"every": 1, "place": 2, "text": "Take 'right'.", "options": ["left", "right"], "right_answer": "right"}


def test_it_is_read_and_set(api, cast, base):
    client = api(cast["lead"])
    read = client.get(f"{base}/attention-check").json()
    assert (read["number"], read["every"], read["place"], read["right_answer"]) == (1, 10, None, "All of the above")
    answer = client.patch(f"{base}/attention-check", CHECK)
    assert answer.status_code == 200, answer.json()
    assert {name: answer.json()[name] for name in CHECK} == CHECK
    assert client.patch(f"{base}/attention-check", {"every": None}).json()["every"] is None
    assert client.get(f"{base}/attention-check").json()["number"] == 3


def test_what_is_wrong_is_named_by_field(api, cast, base):
    client = api(cast["lead"])
    answer = client.patch(f"{base}/attention-check", {"options": ["left", "right"]})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["right_answer"])
    assert client.patch(f"{base}/attention-check", {"every": 0}).status_code == 422
    assert client.get(f"{base}/attention-check").json()["number"] == 1


def test_where_none_was_ever_set_there_is_none(api, cast, administrator):
    study = Experiment.objects.create(name="From before")
    assert api(administrator).get(f"/api/v2/experiments/{study.code}/attention-check").status_code == 404


@pytest.mark.parametrize(
    ("who", "read", "changed", "results"),
    [
        ("lead", 200, 200, 200),
        ("blinded analyst", 200, 403, 200),
        ("coordinator", 200, 403, 403),
        ("clinician", 404, 404, 404),
        ("stranger", 404, 404, 404),
    ],
)
def test_who_may(api, cast, base, who, read, changed, results):
    client = api(cast[who])
    assert client.get(f"{base}/attention-check").status_code == read
    assert client.patch(f"{base}/attention-check", {"every": 5}).status_code == changed
    assert client.get(f"{base}/attention-check/results").status_code == results


@pytest.fixture
def asked_in_all(study, lead, enrolled):
    """The clinician's reviews, all of which ask the check now."""
    set_attention_check(experiment=study, by=lead, **CHECK)
    amend(experiment=study, by=lead, reason="A check.", confirmed={"person_more_than_once", "later_stage_hides"})
    return list(Review.objects.filter(assignment__enrolment=enrolled, stage_position=1).in_order())


def test_results_are_by_pseudonym(api, cast, base, asked_in_all, enrolled, clinician):
    for review, chosen in zip(asked_in_all, ("right", "left", "right"), strict=False):
        open_review(public_id=review.public_id, by=clinician)
        submit(public_id=review.public_id, answers={**ANSWERS, CHECK_KEY: chosen}, by=clinician)
    listed = api(cast["blinded analyst"]).get(f"{base}/attention-check/results").json()["results"]
    assert listed == [{"pseudonym": enrolled.pseudonym, "answered": 3, "passed": 2}]


def test_a_participant_is_told_of_one_more_choice_and_of_nothing_else(api, asked_in_all, clinician):
    address = f"/api/v2/reviews/{asked_in_all[0].public_id.hex}"
    client = api(clinician)
    opened = client.post(f"{address}/open")
    questions = client.get(f"{address}/questionnaire")
    assert [question["position"] for question in questions.json()["questions"]] == [1, 2, 3, 4]
    first, second, *_ = questions.json()["questions"]
    assert first["key"] == "diagnosis"
    assert second == {**first, "key": CHECK_KEY, "position": 2, "text": CHECK["text"], "options": CHECK["options"]}
    version = questions.json()["version"]
    refused = client.post(f"{address}/answer", {"questionnaire_version": version, "answers": ANSWERS})
    assert (refused.status_code, list(refused.json()["errors"])) == (422, [CHECK_KEY])
    event = {"page_session": str(uuid.uuid4()), "sequence": 1, "kind": "question_changed", "question_key": CHECK_KEY}
    recorded = client.post(f"{address}/events", {"events": [event]})
    assert recorded.status_code == 200, recorded.json()
    body = {"questionnaire_version": version, "answers": {**ANSWERS, CHECK_KEY: "left"}}
    answered = client.post(f"{address}/answer", body)
    given = client.get(f"{address}/answer")
    assert given.json()["answers"][CHECK_KEY] == "left"
    for served in (opened, questions, refused, recorded, answered, given):
        assert not {"attention", "check", "passed", "right_answer"} & set(served.content.decode().lower().split('"'))
