"""A participant's whole journey over HTTP, by a client that knows only the contract."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail

from augmed.published.tests.augmed_study import QUESTIONS, display_configs, make_layout, make_visits
from augmed.published.tests.contract_client import ContractClient, LoggedOut, Shown
from experiments.models import AttentionCheckAnswer, Review, ReviewEvent, Submission
from participants.actions import deactivate
from participants.models import User
from participants.tokens import access_token_for

EMAIL, PASSWORD, SECOND_PASSWORD = "ada@example.org", "Correct-horse-7", "Battery-staple-8"
ATTENTION = "Attention Check – please read carefully and select 'All of the above' below"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff(live_server: Any, administrator: Any) -> ContractClient:
    client = ContractClient(live_server.url)
    client.token = access_token_for(administrator)
    return client


@pytest.fixture
def participant(live_server: Any, staff: ContractClient, settings: Any) -> ContractClient:
    """On the roster, with twelve display configs and a questionnaire, all made through the staff's routes."""
    settings.ROSTER_SIGNUP = True
    make_visits(12)
    make_layout()
    roster = {"users": [{"email": EMAIL, "name": "Ada", "position": "Physician"}]}
    assert staff.post("/admin/users", roster)["data"] == {EMAIL: "added"}
    assert staff.post("/admin/config/answer", QUESTIONS)["data"]["id"]
    paths = ["BACKGROUND.Family History.Cancer: Yes", "RISK ASSESSMENT.Colorectal Cancer Score"]
    rows = [(EMAIL, number, path) for number in range(1, 13) for path in paths]
    file = display_configs(rows)
    preview = staff.upload("/admin/config/upload/preview", file)["data"]
    assert (preview["total"], preview["users"], preview["cases"]) == (12, [EMAIL], list(range(1, 13)))
    uploaded = staff.upload("/admin/config/upload", file)["data"]
    assert uploaded["summary"] == {"total": 12, "created": 12, "updated": 0}
    return ContractClient(live_server.url)


def sign_up_and_log_in(client: ContractClient) -> None:
    client.post("/auth/signup", {"email": EMAIL, "password": PASSWORD})
    client.post("/auth/login", {"email": EMAIL, "password": PASSWORD})
    assert client.token


def given(questions: list[dict[str, Any]]) -> dict[str, Any]:
    """Answers as the client sends them: by title, untouched questions absent."""
    found: dict[str, Any] = {}
    for question in questions:
        kind, options = question["type"], question.get("options", [])
        if question["title"] == ATTENTION:
            found[question["title"]] = options[-1]
        elif kind == "SingleChoice":
            found[question["title"]] = options[0]
        elif kind == "MultipleChoice":
            found[question["title"]] = [options[1], options[0]]
        elif kind == "Text":
            found[question["title"]] = "2"
    return found


def read_case(client: ContractClient) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Rows 5, 6, 7 and 6 again: what the client asks for until the answer page stands."""
    [listed] = client.get("/cases")["data"]
    config = listed["config_id"]
    detail = client.get(f"/case-reviews/{config}")["data"]
    asked = client.get(f"/config/answer?caseConfigId={config}")["data"]
    assert client.get(f"/case-reviews/{config}")["data"] == detail
    return listed, detail, asked


def send_answer(client: ContractClient, config: str, asked: dict[str, Any]) -> Any:
    body = {"answer": given(asked["config"]), "answerConfigId": asked["id"], "aiScoreShown": True}
    return client.post(f"/answer/{config}", body)["data"]


def send_times(client: ContractClient, config: str) -> Any:
    begin = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    names = ("caseOpenTime", "answerOpenTime", "answerSubmitTime")
    times = {name: f"{begin + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%S}.123Z" for minute, name in enumerate(names)}
    return client.post("/analytics", {"caseConfigId": config, **times})["data"]


def test_twelve_cases_from_the_roster_to_nothing_left(participant):
    sign_up_and_log_in(participant)
    seen = []
    for number in range(1, 13):
        listed, detail, asked = read_case(participant)
        config = listed["config_id"]
        seen.append(config)
        assert detail["caseNumber"] == str(listed["case_id"])
        assert [question["title"] for question in asked["config"]].count(ATTENTION) == (number == 10)
        assert {question["type"] for question in asked["config"]} == {
            "Text",
            "Paragraph",
            "SingleChoice",
            "MultipleChoice",
        }
        assert isinstance(send_answer(participant, config, asked)["id"], int)
        assert isinstance(send_times(participant, config)["id"], int)
    assert participant.get("/cases")["data"] == []
    assert len(set(seen)) == 12
    assert {len(config) for config in seen} == {32}
    assert Submission.objects.count() == 12
    assert AttentionCheckAnswer.objects.get().passed
    assert max(participant.statuses) < 300


def test_a_case_shows_what_was_disclosed_and_no_more(participant):
    sign_up_and_log_in(participant)
    listed, detail, _asked = read_case(participant)
    assert (listed["gender"], listed["patient_chief_complaint"]) == ("MALE", "Fever")
    assert detail["personName"] is None
    [pinned] = detail["importantInfos"]
    assert pinned["key"] == "AI CRC Risk Score (<6: Low; 6-11: Medium; >11: High)"
    assert re.fullmatch(r"Predicted Colorectal Cancer Score: \d+", pinned["values"][0])
    assert "Cancer: Yes" in str(detail["details"])
    assert "Diabetes" not in str(detail)
    assert "Medical History" not in str(detail)


def test_a_lost_response_is_repeated_and_a_second_opinion_refused(participant):
    sign_up_and_log_in(participant)
    listed, _detail, asked = read_case(participant)
    config = listed["config_id"]
    first = send_answer(participant, config, asked)
    assert send_answer(participant, config, asked) == first
    other = {"answer": given(asked["config"]) | {QUESTIONS[0]["title"]: "High"}, "answerConfigId": asked["id"]}
    with pytest.raises(Shown, match="first answer to this case is saved and cannot be changed"):
        participant.post(f"/answer/{config}", other)
    assert Submission.objects.count() == 1
    send_times(participant, config)
    send_times(participant, config)
    review = Review.objects.get(submission__isnull=False)
    assert ReviewEvent.objects.by_clients().filter(review=review).count() == 3


def all_clocks_show(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Ours, that of the tokens and that of the library which reads them: a test that slept would fail now and then."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return moment

    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)
    monkeypatch.setattr("rest_framework_simplejwt.tokens.aware_utcnow", lambda: moment)
    monkeypatch.setattr("jwt.api_jwt.datetime", Clock)


def test_a_token_slides_with_use_and_ends_without(participant, settings, monkeypatch):
    begun = datetime.now(UTC)
    sign_up_and_log_in(participant)
    first = participant.token
    all_clocks_show(monkeypatch, begun + settings.SLIDING_LIFETIME / 2)
    participant.get("/cases")
    assert participant.token != first
    second = participant.token
    all_clocks_show(monkeypatch, begun + settings.SLIDING_LIFETIME + timedelta(minutes=1))
    participant.token = first
    with pytest.raises(LoggedOut):
        participant.get("/cases")
    participant.token = second
    participant.get("/cases")


def test_a_forgotten_password_is_reset_and_ends_what_was_signed_in(participant, live_server):
    sign_up_and_log_in(participant)
    other = ContractClient(live_server.url)
    other.post("/auth/reset-password-request", {"email": EMAIL})
    [message] = mail.outbox
    [token] = re.findall(r"/reset-password/([^/\s]+)", message.body)
    with pytest.raises(Shown):
        other.post("/auth/reset-password", {"resetToken": token, "password": "short"})
    other.post("/auth/reset-password", {"resetToken": token, "password": SECOND_PASSWORD})
    with pytest.raises(LoggedOut):
        participant.get("/cases")
    with pytest.raises(Shown, match="invalid token"):
        other.post("/auth/reset-password", {"resetToken": token, "password": SECOND_PASSWORD})
    with pytest.raises(Shown, match="Incorrect password"):
        other.post("/auth/login", {"email": EMAIL, "password": PASSWORD})
    other.post("/auth/login", {"email": EMAIL, "password": SECOND_PASSWORD})
    assert len(other.get("/cases")["data"]) == 1


def test_a_deactivated_account_is_out_at_once(participant):
    sign_up_and_log_in(participant)
    deactivate(user=User.objects.get(email=EMAIL), by=None)
    with pytest.raises(LoggedOut):
        participant.get("/cases")
    with pytest.raises(Shown):
        participant.post("/auth/login", {"email": EMAIL, "password": PASSWORD})


def test_who_signs_up_without_an_open_roster_gets_a_link_instead(participant, settings):
    settings.ROSTER_SIGNUP = False
    participant.post("/auth/signup", {"email": EMAIL, "password": PASSWORD})
    assert not User.objects.get(email=EMAIL).has_usable_password()
    with pytest.raises(Shown, match="link"):
        participant.post("/auth/login", {"email": EMAIL, "password": PASSWORD})
    [token] = re.findall(r"/reset-password/([^/\s]+)", mail.outbox[-1].body)
    participant.post("/auth/reset-password", {"resetToken": token, "password": SECOND_PASSWORD})
    participant.post("/auth/login", {"email": EMAIL, "password": SECOND_PASSWORD})
    assert len(participant.get("/cases")["data"]) == 1


def test_a_stranger_is_told_so(participant):
    with pytest.raises(Shown, match="not invited"):
        participant.post("/auth/signup", {"email": "eve@example.org", "password": PASSWORD})
    with pytest.raises(Shown, match="not invited"):
        participant.post("/auth/login", {"email": "eve@example.org", "password": PASSWORD})


def test_somebody_elses_case_is_not_accessible(participant, live_server, administrator):
    sign_up_and_log_in(participant)
    [listed] = participant.get("/cases")["data"]
    other = ContractClient(live_server.url)
    other.token = access_token_for(administrator)
    for call in (
        lambda: other.get(f"/case-reviews/{listed['config_id']}"),
        lambda: other.get(f"/config/answer?caseConfigId={listed['config_id']}"),
        lambda: other.post(f"/answer/{listed['config_id']}", {"answer": {}, "answerConfigId": ""}),
        lambda: send_times(other, listed["config_id"]),
    ):
        with pytest.raises(Shown, match="No access to review case"):
            call()
