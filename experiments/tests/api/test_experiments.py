"""/experiments: list, create, read, change, life cycle."""

import pytest

from experiments.models import Experiment
from experiments.tests import factories

pytestmark = pytest.mark.django_db


def test_a_researcher_lists_only_the_studies_they_hold_a_role_in(api, cast, study):
    answer = api(cast["lead"]).get("/api/v2/experiments")
    assert answer.status_code == 200
    assert [row["code"] for row in answer.json()["results"]] == [study.code]
    assert api(cast["clinician"]).get("/api/v2/experiments").json()["results"] == []
    assert len(api(cast["administrator"]).get("/api/v2/experiments").json()["results"]) == 2


def test_a_study_of_others_is_not_found_by_any_method(api, cast, base):
    for method in ("get", "patch"):
        answer = getattr(api(cast["stranger"]), method)(base, {} if method == "patch" else None)
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_lead_makes_another_study_and_leads_it_with_the_same_token(api, cast):
    client = api(cast["lead"])
    layout = factories.make_layout("A layout")
    answer = client.post("/api/v2/experiments", {"name": "Second", "layout": "A layout", "strata": ["site"]})
    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert made["status"] == "draft"
    assert made["layout"] == layout.layout.name
    assert made["block_multiples"] == [1, 2]
    assert client.get(f"/api/v2/experiments/{made['code']}").json() == made


def test_a_name_taken_is_refused_by_field(api, cast, study):
    answer = api(cast["lead"]).post("/api/v2/experiments", {"name": study.name})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["name"]


def test_a_bad_field_is_named(api, cast, base):
    answer = api(cast["lead"]).patch(base, {"block_multiples": [0], "case_order": "sideways"})
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"block_multiples.0", "case_order"}


def test_the_working_design_is_changed(api, cast, base, study):
    answer = api(cast["lead"]).patch(base, {"instructions": "Read with care."})
    assert answer.status_code == 200
    assert answer.json()["instructions"] == "Read with care."
    assert Experiment.objects.get(pk=study.pk).instructions == "Read with care."


def test_block_sizes_are_hidden_from_those_who_enrol(api, cast, base):
    assert api(cast["coordinator"]).get(base).json()["block_multiples"] is None
    assert api(cast["blinded analyst"]).get(base).json()["block_multiples"] is None
    assert api(cast["lead"]).get(base).json()["block_multiples"] == [1, 2]


def test_the_seed_is_in_no_answer_about_the_study(api, cast, base, study):
    for path in ("", "/status", "/arms", "/protocols", "/protocols/1", "/progress", "/progress/participants"):
        answer = api(cast["lead"]).get(base + path)
        assert answer.status_code == 200
        assert study.seed not in answer.content.decode()


def test_a_study_is_paused_and_resumed_with_reasons(api, cast, base):
    client = api(cast["lead"])
    assert client.post(f"{base}/status", {"to": "paused", "reason": "Holiday"}).json()["status"] == "paused"
    assert client.post(f"{base}/status", {"to": "active", "reason": "Back"}).json()["status"] == "active"
    rows = client.get(f"{base}/status").json()
    assert [(row["from_status"], row["to_status"], row["reason"]) for row in rows][-2:] == [
        ("active", "paused", "Holiday"),
        ("paused", "active", "Back"),
    ]


def test_a_pause_without_reason_is_refused(api, cast, base):
    answer = api(cast["lead"]).post(f"{base}/status", {"to": "paused"})
    assert answer.status_code == 422
    assert "reason" in answer.json()["errors"]


def test_a_transition_that_there_is_not_is_a_conflict(api, cast, base):
    answer = api(cast["lead"]).post(f"{base}/status", {"to": "archived", "reason": "No"})
    assert answer.status_code == 409


def test_a_draft_tells_what_is_missing_and_is_activated_once_it_is_there(api, cast, lead, draft):
    address = f"/api/v2/experiments/{draft.code}"
    client = api(lead)
    problems = client.get(f"{address}/activation-check").json()
    confirmable = [problem["code"] for problem in problems if problem["confirmable"]]
    assert len(confirmable) == len(problems)
    answer = client.post(f"{address}/status", {"to": "active", "confirmed": confirmable})
    assert answer.status_code == 200, answer.json()
    assert answer.json()["protocol_version"] == 1


def test_an_empty_draft_is_not_activated(api, lead):
    client = api(lead.__class__.objects.create_superuser("root@example.org", "a long Passphrase 1!"))
    code = client.post("/api/v2/experiments", {"name": "Empty"}).json()["code"]
    assert client.get(f"/api/v2/experiments/{code}/activation-check").json()
    answer = client.post(f"/api/v2/experiments/{code}/status", {"to": "active"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "not_ready"


def test_a_clinician_makes_no_study(api, clinician):
    assert api(clinician).post("/api/v2/experiments", {"name": "Mine"}).status_code == 403


def test_a_slash_at_the_end_is_tolerated_also_for_a_post(api, cast, base):
    assert api(cast["lead"]).get(f"{base}/").status_code == 200
    assert api(cast["lead"]).post(f"{base}/status/", {"to": "paused", "reason": "Slash"}).status_code == 200
