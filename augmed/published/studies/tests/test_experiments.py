"""Studies as the published contract shows them, and their status."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from augmed.foundation.models import AuditEvent
from augmed.foundation.permissions import Verb
from augmed.published.studies import shapes
from experiments.actions.display_configs import apply
from experiments.actions.lifecycle import complete, pause
from experiments.models import Experiment
from experiments.tests import factories

pytestmark = pytest.mark.django_db

URL = "/api/v1/experiments"
KEYS = {
    "id", "experiment_id", "name", "description", "status", "arms", "case_pool", "created_at", "updated_at",
}  # fmt: skip


def listed(client: Any, query: str = "") -> list[dict[str, Any]]:
    found = client.get(URL + query)
    assert found.status_code == 200, found.content
    return found.json()["data"]["experiments"]


def status_of(client: Any, study: Experiment, **body: Any) -> Any:
    return client.patch(f"{URL}/{study.code}/status", body)


def test_the_list_has_what_the_client_reads(api, owner, study):
    [shown] = listed(api(owner))
    assert set(shown) == KEYS
    assert (shown["id"], shown["experiment_id"], shown["status"]) == (study.pk, study.code, "active")
    assert shown["arms"] == [{"name": name} for name in factories.ARMS]
    assert shown["description"] is None
    assert datetime.fromisoformat(shown["created_at"]) <= datetime.fromisoformat(shown["updated_at"])


def test_the_newest_comes_first_and_the_status_filters(api, owner, study):
    draft = factories.make_study(by=owner, active=False)
    client = api(owner)
    assert [one["experiment_id"] for one in listed(client)] == [draft.code, study.code]
    assert [one["experiment_id"] for one in listed(client, "?status=active")] == [study.code]
    assert [one["experiment_id"] for one in listed(client, "?status=draft")] == [draft.code]
    assert len(listed(client, "?status=")) == 2
    assert listed(client, "?status=running") == []


def test_people_are_pseudonyms_unless_identified(api, by_key, administrator, owner, study, clinician):
    enrolment = study.enrolments.get(user=clinician)
    numbers = list(study.study_cases.values_list("case__number", flat=True))
    [shown] = listed(api(owner))
    assert shown["case_pool"] == [{"user_email": enrolment.pseudonym, "case_id": number} for number in numbers]
    [shown] = listed(api(administrator))
    assert {pair["user_email"] for pair in shown["case_pool"]} == {clinician.email}
    [shown] = listed(by_key(administrator, Verb.VIEW_EXPERIMENT, Verb.VIEW_PROGRESS))
    assert {pair["user_email"] for pair in shown["case_pool"]} == {enrolment.pseudonym}


@pytest.mark.parametrize(
    ("role", "arms", "pool"),
    [
        ("coordinator", 0, 4),
        ("blinded_analyst", 0, 4),
        ("unblinded_analyst", 3, 4),
        ("adjudicator", 0, None),
    ],
)
def test_arms_and_people_are_shown_as_far_as_the_role_goes(api, holder, study, role, arms, pool):
    client = api(holder(role))
    [shown] = listed(client)
    detail = client.get(f"{URL}/{study.code}").json()["data"]
    for one in (shown, detail):
        assert len(one["arms"]) == arms
        assert (None if one["case_pool"] is None else len(one["case_pool"])) == pool


def test_a_key_shows_no_more_than_its_scopes(by_key, owner, study):
    [shown] = listed(by_key(owner, Verb.VIEW_EXPERIMENT))
    assert (shown["arms"], shown["case_pool"]) == ([], None)
    assert listed(by_key(owner, Verb.EXPORT)) == []


def test_a_study_without_participants_shows_its_cases(api, owner):
    draft = factories.make_study(by=owner, active=False, cases=2)
    detail = api(owner).get(f"{URL}/{draft.code}").json()["data"]
    numbers = list(draft.study_cases.values_list("case__number", flat=True))
    assert detail["case_pool"] == [{"user_email": "", "case_id": number} for number in numbers]


def test_a_pool_that_finds_no_room_is_null_in_the_list_only(api, owner, study, monkeypatch):
    monkeypatch.setattr(shapes, "MOST_PAIRS", 5)
    older, client = study, api(owner)
    newer = factories.make_study(by=owner, cases=3)
    pools = {one["experiment_id"]: one["case_pool"] for one in listed(client)}
    assert len(pools[newer.code]) == 3
    assert pools[older.code] is None
    assert len(client.get(f"{URL}/{older.code}").json()["data"]["case_pool"]) == 4


def test_the_detail_says_what_arms_disclose_and_which_runs_there_were(api, owner, study):
    detail = api(owner).get(f"{URL}/{study.code}/").json()["data"]
    assert detail["runs"] == []
    assert detail["arms"][1]["path_config"] == [
        {"path": "Patient.Age"},
        {"path": "Findings.Laboratory.Laboratory value"},
        {"path": "Advice.Risk estimate"},
    ]


def test_the_number_of_queries_does_not_depend_on_studies(
    api, owner, study, django_assert_max_num_queries, clinician, other_clinician
):
    client = api(owner)
    for _ in range(4):
        made = factories.make_study(by=owner, cases=2)
        factories.make_enrolment(made, clinician)
        factories.make_enrolment(made, other_clinician)
    with django_assert_max_num_queries(9):
        assert len(listed(client)) == 5
    with django_assert_max_num_queries(20):
        client.get(f"{URL}/{study.code}")


def test_what_one_may_not_see_is_absent_and_what_one_may_not_do_is_told(api, holder, stranger, study):
    client = api(stranger)
    for found in (
        client.get(f"{URL}/{study.code}"),
        client.get(f"{URL}/{study.code}/runs"),
        client.post(f"{URL}/{study.code}/runs", {}),
        status_of(client, study, status="paused"),
        client.get(f"{URL}/exp-000000000000"),
    ):
        assert found.status_code == 404
        assert found.json()["error"] == {"code": 404, "message": "Experiment not found"}
    found = status_of(api(holder("coordinator")), study, status="paused")
    assert (found.status_code, found.json()["error"]["code"]) == (500, "1103")
    study.refresh_from_db()
    assert study.status == "active"


def test_who_is_nobody_is_told_so(api, study):
    for headers in ({}, {"X-API-Key": "augmed_made-up"}):
        found = api().get(URL, headers=headers)
        assert found.status_code == 401
        assert found.json()["error"]["message"] == "Invalid or missing API key"


def test_a_status_is_set_with_an_audited_reason(api, owner, study):
    found = status_of(api(owner), study, status="paused", reason="Half time.")
    assert found.status_code == 200
    assert found.json()["data"]["status"] == "paused"
    assert study.transitions.latest("pk").reason == "Half time."
    assert status_of(api(owner), study, status="active").json()["data"]["status"] == "active"
    event = AuditEvent.objects.filter(action="experiment_resumed").latest("pk")
    assert "set to active by the published contract, without a reason" in event.data
    assert status_of(api(owner), study, status="completed").status_code == 200
    assert status_of(api(owner), study, status="archived").json()["data"]["status"] == "archived"


def test_a_repeated_status_changes_nothing(api, owner, study):
    before = study.transitions.count()
    assert status_of(api(owner), study, status="active").status_code == 200
    assert study.transitions.count() == before


def test_a_draft_is_activated_when_what_is_confirmable_is_confirmed(api, owner):
    draft = factories.make_study(by=owner, active=False)
    found = status_of(api(owner), draft, status="active")
    assert found.status_code == 200, found.content
    draft.refresh_from_db()
    assert draft.protocol is not None
    bare = factories.make_study(by=owner, active=False, cases=0)
    found = status_of(api(owner), bare, status="active")
    assert found.status_code == 500
    assert "The case list is empty." in found.json()["message"]


def test_refused_transitions_are_told_in_words(api, owner, study):
    complete(experiment=study, by=None, reason="Over.")
    found = status_of(api(owner), study, status="active")
    assert found.status_code == 500  # from 500 on the client shows the words
    assert "cannot become active" in found.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "'status' is required"),
        ({"status": ""}, "'status' is required"),
        ([], "'status' is required"),
        ({"status": "draft"}, "Invalid status. Must be one of: active, archived, completed, paused"),
        ({"status": ["active"]}, "Invalid status. Must be one of: active, archived, completed, paused"),
        ({"status": {"a": 1}}, "Invalid status. Must be one of: active, archived, completed, paused"),
        ({"status": "paused", "reason": 5}, "'reason' must be a text."),
        ({"status": "paused", "reason": "x" * 2001}, "'reason' has at most 2,000 characters."),
        ({"status": "active", "confirmed": "all"}, "'confirmed' must be a list."),
    ],
)
def test_a_body_that_cannot_be_read_is_a_400(api, owner, study, body, message):
    found = api(owner).patch(f"{URL}/{study.code}/status", body)
    assert found.status_code == 400
    assert found.json()["error"] == {"code": 400, "message": message}


def test_the_display_configs_show_what_was_given(api, administrator, clinician):
    version = factories.make_layout(is_default=True)
    factories.make_case(layout_version=version, number=7)
    apply(file=f"User,Case No.,Path\n{clinician.email},7,Patient.Age\n".encode(), by=None)
    [shown] = listed(api(administrator))
    assert shown["case_pool"] == [{"user_email": clinician.email, "case_id": 7}]
    assert (shown["arms"], shown["status"]) == ([], "active")
    found = status_of(api(administrator), Experiment.objects.get(kind="configs"), status="completed")
    assert (found.status_code, found.json()["message"]) == (500, "The study of the display configs stays open.")


def test_a_paused_study_says_so_to_the_status_filter(api, owner, study):
    pause(experiment=study, by=None, reason="A pause.")
    assert [one["status"] for one in listed(api(owner), "?status=paused")] == ["paused"]


def test_there_is_no_method_but_those_of_the_contract(api, owner, study):
    client = api(owner)
    assert client.head(f"{URL}/{study.code}").status_code == 200
    for path in ("", f"/{study.code}", f"/{study.code}/status", f"/{study.code}/runs"):
        found = client.put(URL + path, {})
        assert (found.status_code, found.json()["error"]["code"]) == (405, 405)


def test_a_status_is_judged_before_there_is_a_study(api, owner, client):
    bogus = b'{"status": "bogus"}'
    for who, expected in ((api(owner), 400), (client, 401)):
        found = who.generic("PATCH", f"{URL}/exp-there-is-none/status", bogus, "application/json")
        assert found.status_code == expected
    assert api(owner).patch(f"{URL}/exp-there-is-none/status", {"status": "paused"}).status_code == 404
