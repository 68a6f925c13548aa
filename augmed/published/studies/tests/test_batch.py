"""Display configs one by one: each entry gets its own honest result."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from rest_framework.exceptions import ValidationError

from augmed.foundation.models import AuditEvent
from augmed.foundation.permissions import Verb
from augmed.published.studies.batch import _Batch, _entries
from cases.models import Case
from experiments.actions.design import set_case_list
from experiments.actions.lifecycle import activate
from experiments.actions.reviews import open_review
from experiments.models import AssignmentDisclosure, Experiment, Review
from experiments.tests import factories

pytestmark = pytest.mark.django_db

URL = "/api/v1/configs/batch"
AGE, LABS = [{"path": "Patient.Age"}], [{"path": "Findings.Laboratory", "style": {"highlight": True, "top": 2}}]


@pytest.fixture
def cases() -> None:
    version = factories.make_layout(is_default=True)
    for number in range(1, 5):
        factories.make_case(layout_version=version, number=number)


@pytest.fixture
def send(api: Any, administrator: Any, cases: None) -> Any:
    def post(*entries: Any, client: Any = None) -> list[dict[str, Any]]:
        found = (client or api(administrator)).post(URL, {"configs": list(entries)})
        assert found.status_code == 201, found.content
        data = found.json()["data"]
        assert data["total"] == len(data["results"]) == len(entries)
        return data["results"]

    return post


@pytest.fixture
def script(by_key: Any, administrator: Any) -> Any:
    """May give cases, not make them of visits."""
    return by_key(administrator, Verb.CHANGE_DESIGN, Verb.CREATE_EXPERIMENT)


def entry(user: Any, case: Any, paths: Any = None, **more: Any) -> dict[str, Any]:
    return {"user_email": user.email, "case_id": case, "path_config": paths, **more}


def test_ids_are_made_here_and_are_those_of_the_reviews(send, clinician):
    first, second = send(entry(clinician, 1, AGE, id="theirs"), entry(clinician, 2, LABS))
    factories.make_questionnaire(Experiment.objects.get(kind="configs"))
    assert [one["status"] for one in (first, second)] == ["added", "added"]
    assert (first["user_email"], first["case_id"]) == (clinician.email, 1)
    reviews = Review.objects.owned_by(clinician).in_order()
    assert [review.public_id.hex for review in reviews] == [first["id"], second["id"]]
    opened = open_review(public_id=uuid.UUID(second["id"]), by=clinician)
    assert "Hemoglobin" in opened.disclosed
    assert "Age" not in opened.disclosed


def test_entries_that_fail_do_not_undo_others(send, script, clinician):
    results = send(
        entry(clinician, 1, AGE),
        entry(clinician, 99, AGE),
        "not an object",
        {"case_id": 2},
        entry(clinician, 2, [{"path": "Patient.Weight"}]),
        {"user_email": "nobody@example.org", "case_id": 3, "path_config": AGE},
        entry(clinician, "3", AGE),
        entry(clinician, 3, {"path": "Patient.Age"}),
        entry(clinician, 4, AGE),
        entry(clinician, 4, LABS),
        client=script,
    )
    assert [one["status"] for one in results] == ["added", *["failed"] * 7, "added", "failed"]
    errors = [one.get("error") for one in results]
    assert "no such case" in errors[1]
    assert errors[2] == "'configs[2]' must be an object."
    assert errors[3] == "user_email and case_id required"
    assert "no feature or category" in errors[4]
    assert "not on the roster" in errors[5]
    assert "'case_id' must be a whole number" in errors[6]
    assert errors[7] == "'path_config' must be a list."
    assert errors[9] == "configs[8] gives the same case to the same participant"
    assert all("id" not in one for one in results if one["status"] == "failed")
    assert Review.objects.count() == 2


def test_a_repeat_changes_nothing_and_another_disclosure_updates(send, clinician):
    [first] = send(entry(clinician, 1, AGE))
    [again] = send(entry(clinician, 1, AGE))
    assert again == first | {"status": "unchanged"}
    [other] = send(entry(clinician, 1, LABS))
    assert other == first | {"status": "updated"}
    assert AssignmentDisclosure.objects.count() == 2


def test_what_was_opened_is_kept_and_said_so(send, clinician):
    [first] = send(entry(clinician, 1, AGE))
    factories.make_questionnaire(Experiment.objects.get(kind="configs"))
    open_review(public_id=uuid.UUID(first["id"]), by=clinician)
    [kept] = send(entry(clinician, 1, LABS))
    assert kept == first | {"status": "kept", "reason": "the participant has opened it"}


def test_an_arm_of_a_study_gives_what_the_arm_discloses(api, send, clinician, owner):
    study = factories.make_study(by=owner, cases=0, active=False)
    version = study.layout.current()
    spare = factories.make_case(layout_version=version, number=50)
    set_case_list(experiment=study, cases=[factories.make_case(layout_version=version)], by=owner)
    activate(experiment=study, by=owner, confirmed={"later_stage_hides"})
    factories.make_enrolment(study, clinician)
    given_in_study = entry(clinician, spare.number, experiment_id=study.code, arm="Advice afterwards", rl_run_id=12)
    [made] = send(given_in_study, client=api(owner))
    assert made["status"] == "added"
    stages = Review.objects.filter(assignment__case=spare).in_order()
    assert [review.stage_position for review in stages] == [1, 2]
    assert made["id"] == stages[0].public_id.hex
    [elsewhere] = send(entry(clinician, 1, AGE, experiment_id="exp-000000000000"), client=api(owner))
    assert "no study" in elsewhere["error"]
    assert Case.objects.count() == 6


def test_the_run_it_came_from_is_kept_in_the_policy(send, clinician):
    send(entry(clinician, 1, AGE, rl_run_id=12))
    assert AssignmentDisclosure.objects.get().policy == "rl_run_id 12"


def test_a_config_without_paths_discloses_nothing(send, clinician):
    [made] = send({"user_email": clinician.email, "case_id": 1})
    factories.make_questionnaire(Experiment.objects.get(kind="configs"))
    opened = open_review(public_id=uuid.UUID(made["id"]), by=clinician)
    assert '"sections":[]' in opened.disclosed.replace(" ", "")


def test_only_designers_may(api, by_key, administrator, clinician, cases):
    body = {"configs": [entry(clinician, 1, AGE)]}
    for client in (api(clinician), by_key(administrator, Verb.VIEW_EXPERIMENT)):
        found = client.post(URL, body)
        assert (found.status_code, found.json()["error"]["code"]) == (500, "1103")
    assert api().post(URL, body).status_code == 401
    assert not Experiment.objects.filter(kind="configs").exists()
    found = by_key(administrator, Verb.CHANGE_DESIGN, Verb.CREATE_EXPERIMENT).post(URL, body)
    assert found.json()["data"]["results"][0]["status"] == "added"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "'configs' array is required"),
        ([], "'configs' array is required"),
        ({"configs": []}, "'configs' must be a non-empty array"),
        ({"configs": {"a": 1}}, "'configs' must be a non-empty array"),
        ({"configs": None}, "'configs' must be a non-empty array"),
    ],
)
def test_a_body_without_configs_is_a_400(api, administrator, body, message):
    found = api(administrator).post(URL, body)
    assert found.status_code == 400
    assert found.json()["error"] == {"code": 400, "message": message}


def test_what_was_done_is_audited_once(send, script, clinician):
    send(entry(clinician, 1, AGE), entry(clinician, 2, AGE), entry(clinician, 77, AGE), client=script)
    event = AuditEvent.objects.get(action="display_configs_uploaded")
    assert '"added":2' in event.data.replace(" ", "")


def test_the_number_of_queries_does_not_depend_on_entries(
    api, administrator, clinician, send, django_assert_num_queries
):
    for paths in (AGE, LABS):  # both disclosures are known from here on
        send(entry(clinician, 4, paths))
    client = api(administrator)
    with CaptureQueriesContext(
        connection,
    ) as one:
        client.post(URL, {"configs": [entry(clinician, 1, AGE)]})
    with django_assert_num_queries(len(one)):
        client.post(URL, {"configs": [entry(clinician, number, LABS) for number in (2, 3)]})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["user_email", "case_id", "path_config", "path", "style", "top", "arm", "rl_run_id"]), inner
        )
    ),
    max_leaves=12,
)


class AnyEntries(TestCase):
    @given(st.lists(JSON, min_size=1, max_size=5))
    @settings(max_examples=200)
    def test_are_read_or_refused_each_for_itself(self, entries: list[Any]) -> None:
        batch = _Batch(entries)
        assert len(batch.results) == len(entries)
        assert len(batch.written.configs) == sum(one["error"] == "not stored" for one in batch.results)
        assert all(one["status"] == "failed" and isinstance(one["error"], str) for one in batch.results)

    @given(JSON)
    def test_a_body_is_entries_or_a_bad_request(self, body: Any) -> None:
        try:
            assert _entries({"configs": body}) == body
        except ValidationError:
            assert not isinstance(body, list) or not body
