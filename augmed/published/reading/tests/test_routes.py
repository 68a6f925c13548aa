"""Cases, reviews, questions, answers and times over HTTP: who gets what, in which words, by how many statements."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from augmed.published.reading.tests import client_schema
from experiments.actions.enrolment import withdraw
from experiments.actions.lifecycle import pause
from experiments.models import Answer, Review, ReviewEvent, ReviewOpening, Submission
from experiments.reviewing.disclosed_text import kept
from experiments.reviewing.own_reviews import own_reviews
from experiments.tests import factories

TITLES = {"diagnosis": "Which diagnosis?", "risk": "How likely? (number, 0 to 100 %)", "remarks": "Anything else?"}
ANSWER = {TITLES["diagnosis"]: "yes", TITLES["risk"]: "20"}
TIMES = {
    "caseOpenTime": "2026-01-05T09:00:00.000Z",
    "answerOpenTime": "2026-01-05T09:01:00.123Z",
    "answerSubmitTime": "2026-01-05T09:02:00.000Z",
}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_in_memory() -> None:
    kept.clear()


@pytest.fixture
def client(api: Any, clinician: Any) -> Any:
    return api(clinician)


@pytest.fixture
def study(owner: Any, clinician: Any) -> Any:
    """Four cases in a fixed order, one arm with advice; the clinician takes part."""
    made = factories.make_study(by=owner, arms={"With advice": factories.ARMS["With advice"]}, case_order="fixed")
    factories.make_enrolment(made, clinician)
    return made


@pytest.fixture
def two_stage_study(owner: Any, clinician: Any) -> Any:
    arms = {"Advice afterwards": factories.ARMS["Advice afterwards"]}
    made = factories.make_study(by=owner, arms=arms, case_order="fixed")
    factories.make_enrolment(made, clinician)
    return made


def statements(action: Any) -> int:
    """How many it sends after the one that says who asks."""
    with CaptureQueriesContext(connection) as captured:
        assert action().status_code == 200
    verbs = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
    return len([query for query in captured if query["sql"].lstrip("( ").startswith(verbs)]) - 1


def next_id(client: Any) -> str:
    found = client.get("/api/cases").json()
    client_schema.CASES.validate(found)
    return found["data"][0]["config_id"]


def opened(client: Any) -> str:
    config = next_id(client)
    assert client.get(f"/api/case-reviews/{config}").status_code == 200
    return config


def submit(client: Any, config: str, answer: Any = ANSWER, **more: Any) -> Any:
    body = {"answer": answer, "answerConfigId": "", "aiScoreShown": True, **more}
    return client.post(f"/api/answer/{config}", body, format="json")


def refused(response: Any, code: Any, words: str, status: int = 500) -> None:
    client_schema.REFUSED.validate(response.json())
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert words in response.json()["error"]["message"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_nothing_without_a_token(api, study, slash):
    for path in ("/api/cases", "/api/case-reviews/x", "/api/config/answer"):
        assert api().get(f"{path}{slash}").status_code == 401
    for path in ("/api/answer/x", "/api/analytics"):
        assert api().post(f"{path}{slash}", {}, format="json").status_code == 401


@pytest.mark.parametrize("cases", [2, 30])
def test_statements_whatever_the_rows(api, owner, cases):
    reader = factories.make_participant()
    study = factories.make_study(by=owner, cases=cases)
    factories.make_enrolment(study, reader)
    client = api(reader)
    client.get("/api/cases")  # composes the queries
    assert statements(lambda: client.get("/api/cases")) <= 3
    config = next_id(client)
    assert statements(lambda: client.get(f"/api/case-reviews/{config}")) <= 5
    assert statements(lambda: client.get("/api/cases")) <= 3
    kept.clear()
    assert statements(lambda: client.get("/api/cases")) <= 3
    kept.clear()
    assert statements(lambda: client.get(f"/api/case-reviews/{config}")) <= 3
    assert statements(lambda: client.get(f"/api/config/answer?caseConfigId={config}")) <= 3
    assert statements(lambda: submit(client, config)) <= 8
    times = {"caseConfigId": config, **TIMES}
    assert statements(lambda: client.post("/api/analytics", times, format="json")) <= 4


def test_the_list_goes_on_into_a_second_study(study, owner, clinician, client):
    second = factories.make_study(by=owner, cases=1)
    factories.make_enrolment(second, clinician)
    for _ in range(4):
        submit(client, opened(client))
    assert statements(lambda: client.get("/api/cases")) <= 3
    assert Review.objects.get(public_id=next_id(client)).assignment.enrolment.experiment == second


def test_age_is_listed_where_the_review_discloses_it(study, client):
    [listed] = client.get("/api/cases").json()["data"]
    review = Review.objects.get(public_id=listed["config_id"])
    detail = client.get(f"/api/case-reviews/{listed['config_id']}").json()["data"]
    assert detail["details"][0]["values"][0] == {"key": "Age", "values": listed["age"], "style": None}
    assert listed["case_id"] == review.assignment.case.number
    assert (listed["gender"], listed["patient_chief_complaint"]) == ("", "")


def test_age_is_not_listed_where_it_is_not_disclosed(owner, clinician, client):
    hidden = factories.make_study(by=owner, arms={"Laboratory": [factories.show("lab")]})
    factories.make_enrolment(hidden, clinician)
    assert client.get("/api/cases").json()["data"][0]["age"] == ""
    config = opened(client)
    assert client.get("/api/cases").json()["data"][0]["config_id"] == config
    assert client.get("/api/cases").json()["data"][0]["age"] == ""


def test_a_list_opens_nothing(study, client):
    next_id(client)
    assert not ReviewOpening.objects.exists()


def test_advice_with_its_model_is_pinned(study, client):
    detail = client.get(f"/api/case-reviews/{next_id(client)}").json()
    client_schema.CASE_REVIEW.validate(detail)
    told = ["12 %", "Risk equation, version 1, 2020-01-01", "An estimate."]
    assert detail["data"]["importantInfos"] == [{"key": "Risk estimate", "values": told, "style": None}]
    assert "Risk estimate" not in str(detail["data"]["details"])


def test_questions_of_the_bound_version(study, client):
    config = opened(client)
    found = client.get(f"/api/config/answer?caseConfigId={config}").json()
    client_schema.ANSWER_CONFIG.validate(found)
    bound = ReviewOpening.objects.get().questionnaire_version
    assert found["data"]["id"] == bound.public_id.hex
    assert [question["title"] for question in found["data"]["config"]] == list(TITLES.values())


def test_who_comes_to_the_questions_first_opens_the_review_by_them(study, client):
    config = next_id(client)
    assert client.get(f"/api/config/answer?caseConfigId={config}").status_code == 200
    assert ReviewOpening.objects.get().review.public_id.hex == config


def test_questions_of_no_case(study, client):
    response = client.get("/api/config/answer")
    client_schema.REFUSED.validate(response.json())
    assert response.status_code == 400


def test_an_answer_by_titles_is_stored_by_keys(study, client):
    config = opened(client)
    response = submit(client, config, {**ANSWER, TITLES["remarks"]: "None."})
    client_schema.STORED.validate(response.json())
    assert response.json()["data"]["id"] == Submission.objects.get().pk
    assert dict(Answer.objects.values_list("question_key", "value")) == {
        "diagnosis": '"yes"',
        "risk": '"20"',
        "remarks": '"None."',
    }
    assert Submission.objects.get().client_data == '{"aiScoreShown":true,"answerConfigId":""}'


def test_the_same_answer_again_gives_the_same_again(study, client):
    config = opened(client)
    first = submit(client, config).json()
    again = submit(client, config, dict(reversed(ANSWER.items())), aiScoreShown=False)
    assert (again.status_code, again.json()) == (200, first)
    words = "Your first answer to this case is saved and cannot be changed."
    refused(submit(client, config, {**ANSWER, TITLES["diagnosis"]: "no"}), "1109", words)
    refused(submit(client, config, {"Never asked": "x"}), "1109", words)
    assert Submission.objects.count() == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({**ANSWER, "Which day?": "Monday"}, "“Which day?”: There is no such question. It was typed in another case."),
        ({**ANSWER, "remarks": "by key"}, "“remarks”: There is no such question."),
        ({**ANSWER, TITLES["diagnosis"]: "perhaps"}, "Which diagnosis?: This is not one of the options."),
        ({**ANSWER, TITLES["diagnosis"]: ["yes"]}, "Which diagnosis?: A text is needed."),
        (
            {**ANSWER, TITLES["risk"]: "often"},
            "How likely? (number, 0 to 100 %): A number is needed, without a mark for thousands.",
        ),
        ({TITLES["risk"]: "20"}, "Which diagnosis?: This question needs an answer."),
        (["yes"], "Answers must be an object"),
        (None, "Answers must be an object"),
    ],
)
def test_what_is_wrong_is_said_in_the_questions_words(study, client, answer, words):
    refused(submit(client, opened(client), answer), "1122", words)
    assert not Submission.objects.exists()


def test_only_what_is_not_asked_was_typed_in_another_case(study, client):
    """The client's draft goes along from case to case, and only a reload of its page clears it."""
    config = opened(client)
    words = submit(client, config, {**ANSWER, "Which day?": "Monday"}).json()["error"]["message"]
    assert words.endswith("Reload the page and answer again.")
    assert "Reload" not in submit(client, config, {TITLES["risk"]: "20"}).json()["error"]["message"]


def test_answers_to_other_questions_are_sent_back_to_be_read_again(study, client):
    config = opened(client)
    bound = ReviewOpening.objects.get().questionnaire_version.public_id.hex
    refused(submit(client, config, answerConfigId="0" * 32), "1100", "Please load the case again.")
    refused(submit(client, config, answerConfigId=7), "1100", "Please load the case again.")
    assert submit(client, config, answerConfigId=bound).status_code == 200


def test_an_answer_before_the_case_was_read(study, client):
    refused(submit(client, next_id(client)), "1100", "has not been opened")


@pytest.mark.parametrize("config", ["0" * 32, "x", "%00", "..%2f"])
def test_what_is_not_ones_own_looks_like_nothing(study, client, api, other_clinician, config):
    for reader, wanted in ((client, config), (api(other_clinician), next_id(client))):
        refused(reader.get(f"/api/case-reviews/{wanted}"), "1010", "No access to review case.")
        refused(reader.get(f"/api/config/answer?caseConfigId={wanted}"), "1010", "No access to review case.")
        refused(submit(reader, wanted), "1010", "No access to review case.")
        times = {"caseConfigId": wanted, **TIMES}
        refused(reader.post("/api/analytics", times, format="json"), "1010", "No access to review case.")


def test_times_are_three_events_however_often_they_come(study, client):
    config = opened(client)
    submit(client, config)
    for _ in range(2):
        response = client.post("/api/analytics", {"caseConfigId": config, **TIMES}, format="json")
        client_schema.STORED.validate(response.json())
    events = ReviewEvent.objects.by_clients().order_by("sequence")
    assert [(event.kind, event.client_at.minute) for event in events] == [
        ("case_opened", 0),
        ("answer_opened", 1),
        ("answer_submitted", 2),
    ]
    later = {**TIMES, "answerSubmitTime": "2026-01-05T09:03:00.000Z"}
    assert client.post("/api/analytics", {"caseConfigId": config, **later}, format="json").status_code == 200
    assert events.all().count() == 6


@pytest.mark.parametrize("name", ["caseConfigId", *TIMES])
def test_a_missing_time_is_named(study, client, name):
    body = {"caseConfigId": next_id(client), **TIMES}
    for wrong in ({**body, name: ""}, {key: value for key, value in body.items() if key != name}, [body]):
        response = client.post("/api/analytics", wrong, format="json")
        refused(response, "1030", "Template render error. Error:Missing analytics metrics fields", status=400)


@pytest.mark.parametrize("moment", ["2026-01-05T09:00:00Z", "2026-01-05 09:00:00.000Z", "2026-13-05T09:00:00.000Z", 5])
def test_a_moment_that_no_browser_writes(study, client, moment):
    body = {"caseConfigId": next_id(client), **TIMES, "answerOpenTime": moment}
    response = client.post("/api/analytics", body, format="json")
    refused(response, "1030", "Template render error. Error:Bad timestamp format for analytics", status=400)


def test_times_never_stand_in_the_way(study, client, clinician):
    config = next_id(client)
    body = {"caseConfigId": config, **TIMES}
    assert client.post("/api/analytics", body, format="json").status_code == 200  # never opened
    client.get(f"/api/case-reviews/{config}")
    submit(client, config)
    withdraw(enrolment=own_reviews(clinician).first().assignment.enrolment, by=clinician, reason="no time")
    assert client.post("/api/analytics", body, format="json").status_code == 200
    assert not ReviewEvent.objects.by_clients().exists()


def test_a_paused_study_lists_nothing_and_says_why(study, owner, client):
    config = next_id(client)
    pause(experiment=study, by=owner, reason="holidays")
    assert client.get("/api/cases").json() == {"data": [], "error": None}
    refused(client.get(f"/api/case-reviews/{config}"), "1100", "The study is paused.")


def test_bodies_that_are_no_json(study, client):
    config = opened(client)
    response = client.post(f"/api/answer/{config}", "{", content_type="application/json")
    client_schema.REFUSED.validate(response.json())
    assert response.status_code == 400
    response = client.post("/api/analytics", "[]", content_type="application/json")
    refused(response, "1030", "Missing", status=400)


def test_two_stages_are_two_reviews_and_the_first_is_locked(two_stage_study, client):
    one = opened(client)
    first = client.get(f"/api/case-reviews/{one}").json()["data"]
    submit(client, one)
    two = next_id(client)
    second = client.get(f"/api/case-reviews/{two}").json()["data"]
    assert two != one
    assert second["caseNumber"] == first["caseNumber"]
    assert (first["importantInfos"], len(second["importantInfos"])) == ([], 1)
    assert second["details"] == first["details"]
    refused(submit(client, one, {**ANSWER, TITLES["risk"]: "30"}), "1109", "cannot be changed")
    submit(client, two, {**ANSWER, TITLES["risk"]: "30"})
    assert next_id(client) not in (one, two)
