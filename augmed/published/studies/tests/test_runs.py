"""A run that is triggered here really draws what has no assignment yet."""

from __future__ import annotations

from typing import Any

import pytest

from augmed.foundation import jobs
from augmed.foundation.models import Job
from augmed.foundation.permissions import Verb
from experiments.actions.lifecycle import pause
from experiments.actions.roles import grant_role
from experiments.models import AllocationRequest, Assignment, Enrolment
from experiments.tests import factories

pytestmark = pytest.mark.django_db

KEYS = {
    "id", "experiment_id", "model_version", "status", "triggered_by", "configs_generated", "answers_consumed",
    "started_at", "completed_at", "run_params", "error",
}  # fmt: skip


@pytest.fixture
def trigger(study: Any, django_capture_on_commit_callbacks: Any) -> Any:
    """Trigger a run of the study; its job runs when the request is committed."""

    def post(client: Any, body: Any = None, *, carry_out: bool = True) -> Any:
        with django_capture_on_commit_callbacks(execute=carry_out):
            return client.post(f"/api/v1/experiments/{study.code}/runs", {} if body is None else body)

    return post


def runs(client: Any, study: Any) -> list[dict[str, Any]]:
    return client.get(f"/api/v1/experiments/{study.code}/runs").json()["data"]["runs"]


def joined_without_draw(study: Any, count: int) -> list[Enrolment]:
    """People whom a draw has missed, as after a restore of an older copy."""
    return [
        Enrolment.objects.create(
            experiment=study, user=factories.make_participant(), status="active", arrival=1000 + number
        )
        for number in range(count)
    ]


def test_a_run_draws_for_everybody_left(api, owner, study, trigger):
    people = joined_without_draw(study, 2)
    found = trigger(api(owner), {"triggered_by": "admin_panel"})
    assert found.status_code == 201
    made = found.json()["data"]
    assert set(made) == KEYS
    assert (made["status"], made["triggered_by"], made["experiment_id"]) == ("pending", "admin_panel", study.code)
    assert (made["configs_generated"], made["answers_consumed"], made["model_version"]) == (None, None, None)
    [shown] = runs(api(owner), study)
    assert (shown["status"], shown["configs_generated"]) == ("completed", 8)
    assert shown["model_version"] == "arm_per_participant_case v1"
    assert shown["started_at"] <= shown["completed_at"]
    assert Assignment.objects.filter(enrolment__in=people).count() == 8
    request = AllocationRequest.objects.get(pk=made["id"])
    assert sum(run.assignment_count for run in request.runs.all()) == 8


def test_nothing_left_is_completed_with_zero(api, owner, study, trigger):
    trigger(api(owner))
    [shown] = runs(api(owner), study)
    assert (shown["status"], shown["configs_generated"], shown["triggered_by"]) == ("completed", 0, "manual")
    assert Assignment.objects.count() == 4


def test_what_the_asker_sends_along_is_kept_and_decides_nothing(api, owner, study, trigger):
    sent = {"temperature": 0.5, "arms": ["With advice"], "note": "ε"}
    assert trigger(api(owner), {"run_params": sent}).json()["data"]["run_params"] == sent
    assert runs(api(owner), study)[0]["run_params"] == sent


def test_what_was_sent_along_is_for_its_asker_and_those_who_see_the_allocation(api, owner, study, trigger, make_user):
    trigger(api(owner), {"run_params": {"posterior": "With advice"}})
    for role, shown in (("coordinator", None), ("unblinded_analyst", {"posterior": "With advice"})):
        person = make_user(f"{role}@example.org")
        grant_role(user=person, experiment=study, role=role, by=None)
        person.refresh_from_db()
        assert runs(api(person), study)[0]["run_params"] == shown


def test_half_a_surrogate_pair_comes_back_as_it_was_sent(api, owner, study):
    path, body = f"/api/v1/experiments/{study.code}/runs", b'{"run_params": {"\\ud800": "\\udfff"}}'
    response = api(owner).generic("POST", path, body, content_type="application/json")
    assert response.status_code == 201
    assert response.json()["data"]["run_params"] == {"\ud800": "\udfff"}
    assert runs(api(owner), study)[0]["run_params"] == {"\ud800": "\udfff"}


def test_the_newest_run_comes_first_here_and_in_the_study(api, owner, study, trigger):
    for name in ("first", "second"):
        trigger(api(owner), {"triggered_by": name})
    assert [run["triggered_by"] for run in runs(api(owner), study)] == ["second", "first"]
    detail = api(owner).get(f"/api/v1/experiments/{study.code}").json()["data"]
    assert [run["triggered_by"] for run in detail["runs"]] == ["second", "first"]


def test_only_an_active_study_is_drawn(api, owner, study, trigger):
    pause(experiment=study, by=None, reason="A pause.")
    found = trigger(api(owner))
    assert found.status_code == 400
    assert found.json()["error"]["message"] == "Cannot create run for experiment in 'paused' status"
    assert not Job.objects.exists()


def test_a_study_paused_before_its_draw_fails_the_run(api, owner, study, trigger):
    trigger(api(owner), carry_out=False)
    pause(experiment=study, by=None, reason="A pause.")
    jobs.run(job_id=Job.objects.get().pk)
    [shown] = runs(api(owner), study)
    assert (shown["status"], shown["configs_generated"]) == ("failed", None)
    assert shown["error"] == "The study has become paused before the draw."


def test_states_of_the_job_are_those_of_the_run(api, owner, study, trigger):
    trigger(api(owner), carry_out=False)
    for status, shown in (("running", "running"), ("cancelled", "failed"), ("queued", "pending")):
        Job.objects.update(status=status)
        assert runs(api(owner), study)[0]["status"] == shown


def test_who_only_sees_the_study_may_not_trigger(api, by_key, owner, holder, study, trigger):
    for client in (api(holder("unblinded_analyst")), by_key(owner, Verb.VIEW_EXPERIMENT)):
        found = trigger(client)
        assert (found.status_code, found.json()["error"]["code"]) == (500, "1103")
        assert runs(client, study) == []
    assert trigger(by_key(owner, Verb.VIEW_EXPERIMENT, Verb.CHANGE_STATUS)).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {"triggered_by": 5},
        {"triggered_by": "x" * 51},
        {"triggered_by": "nul\x00"},
        {"run_params": {"text": "x" * 20_000}},
    ],
)
def test_what_cannot_be_kept_is_a_400(api, owner, trigger, body):
    assert trigger(api(owner), body).status_code == 400
    assert not AllocationRequest.objects.exists()


def test_an_infinite_number_is_a_400(api, owner, study):
    url = f"/api/v1/experiments/{study.code}/runs"
    found = api(owner).post(url, '{"run_params": {"x": 1e999}}', content_type="application/json")
    assert found.status_code == 400


def test_the_list_of_runs_is_few_queries_however_many(api, owner, study, trigger, django_assert_max_num_queries):
    client = api(owner)
    for _ in range(5):
        trigger(client)
    with django_assert_max_num_queries(6):
        assert len(runs(client, study)) == 5
