"""A draw that is asked for: done once whatever happens to its job."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from augmed.foundation import jobs
from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.models import AuditEvent, Job
from experiments.actions import allocation_requests
from experiments.actions.allocation import allocate_pending, run_inputs
from experiments.actions.allocation_requests import request_allocation
from experiments.drawing import draw
from experiments.models import AllocationRun, Assignment, Enrolment
from experiments.tests import factories
from experiments.tests.test_reviews_at_once import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(owner: Any) -> Any:
    """Active, with two people whom no draw has reached."""
    made = factories.make_study(by=owner)
    for arrival in (1, 2):
        user = factories.make_participant()
        Enrolment.objects.create(experiment=made, user=user, status="active", arrival=arrival)
    return made


def test_it_waits_for_its_job_which_draws_in_its_name(study, owner):
    request = request_allocation(experiment=study, by=owner, triggered_by="nightly")
    assert request.job.status == "queued"
    assert not Assignment.objects.exists()
    job = jobs.run(job_id=request.job_id)
    assert job.status == "succeeded"
    assert job.result == {
        "configs_generated": 8,
        "rule": "arm_per_participant_case",
        "rule_version": 1,
        "answers_consumed": None,
    }
    assert {(run.request, run.triggered_by, run.created_by) for run in AllocationRun.objects.all()} == {
        (request, "nightly", owner)
    }
    assert AuditEvent.objects.filter(action="allocation_requested", experiment_id=study.pk).count() == 1


def test_a_job_killed_before_its_draw_was_stored_draws_when_it_is_run_again(study, monkeypatch):
    request = request_allocation(experiment=study, by=None)

    def killed(**_fields: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(allocation_requests, "allocate_pending", killed)
        with pytest.raises(KeyboardInterrupt):
            jobs.run(job_id=request.job_id)
    Job.objects.update(lease_until=None)  # its worker is gone
    assert jobs.run(job_id=request.job_id).result["configs_generated"] == 8
    assert Assignment.objects.count() == 8


def test_a_job_killed_after_its_draw_was_stored_reports_it_and_draws_no_more(study, monkeypatch):
    request = request_allocation(experiment=study, by=None)

    def killed(**fields: Any) -> Any:
        allocate_pending(**fields)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(allocation_requests, "allocate_pending", killed)
        with pytest.raises(KeyboardInterrupt):
            jobs.run(job_id=request.job_id)
    Job.objects.update(lease_until=None)
    assert jobs.run(job_id=request.job_id).result["configs_generated"] == 8
    assert Assignment.objects.count() == 8


def test_two_requests_draw_once(study):
    first, second = (request_allocation(experiment=study, by=None) for _ in range(2))
    assert jobs.run(job_id=second.job_id).result["configs_generated"] == 8
    assert jobs.run(job_id=first.job_id).result["configs_generated"] == 0
    assert Assignment.objects.count() == 8


def test_what_was_drawn_is_what_joining_would_have_drawn(study):
    """Who asks and what they send along has no influence: the seed and the arrival number decide."""
    request = request_allocation(experiment=study, by=None, parameters={"arms": {"With advice": 1}})
    jobs.run(job_id=request.job_id)
    drawn = list(Assignment.objects.order_by("enrolment", "position").values_list("case", "arm__key"))
    again = [
        (case.case, case.draw.arm)
        for run in AllocationRun.objects.all()
        for cases in draw(run_inputs(run)).values()
        for case in cases
    ]
    assert drawn == again


def test_only_an_active_study_is_drawn(owner):
    draft = factories.make_study(by=owner, active=False)
    with pytest.raises(Conflict, match="Cannot create run for experiment in 'draft' status"):
        request_allocation(experiment=draft, by=owner)


@pytest.mark.parametrize(
    "fields", [{"triggered_by": "x" * 51}, {"parameters": ["x" * 20_000]}, {"parameters": float("inf")}]
)
def test_what_cannot_be_kept_is_refused(study, fields):
    with pytest.raises(Invalid):
        request_allocation(experiment=study, by=None, **fields)
    assert not Job.objects.exists()


def test_the_queries_of_a_request_do_not_depend_on_people(study, django_assert_num_queries):
    with CaptureQueriesContext(connection) as few:
        request_allocation(experiment=study, by=None)
    for arrival in range(3, 9):
        user = factories.make_participant()
        Enrolment.objects.create(experiment=study, user=user, status="active", arrival=arrival)
    with django_assert_num_queries(len(few)):
        request_allocation(experiment=study, by=None)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_jobs_at_the_same_moment_draw_once(study, monkeypatch):
    monkeypatch.setattr(jobs, "dispatch", lambda job: None)
    requests = [request_allocation(experiment=study, by=None) for _ in range(2)]
    assert not Assignment.objects.exists()
    jobs_done = at_once(*(partial(jobs.run, job_id=request.job_id) for request in requests))
    assert sorted(job.result["configs_generated"] for job in jobs_done) == [0, 8]
    assert Assignment.objects.count() == 8
