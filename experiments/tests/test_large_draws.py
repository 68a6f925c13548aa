"""A draw of many assignments is a job's; what it draws is what the page would have drawn."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from augmed.foundation import jobs
from experiments.actions import allocation_requests
from experiments.actions.allocation import left_to_draw
from experiments.actions.consents import import_consents
from experiments.actions.enrolment import enrol, enrol_together
from experiments.actions.lifecycle import activate, pause, resume
from experiments.models import AllocationRequest, Assignment, Experiment
from experiments.tests import factories
from experiments.verification.allocation import verify_allocation

pytestmark = pytest.mark.django_db
RULES = ["arm_per_participant", "arm_per_participant_case"]


@pytest.fixture(autouse=True)
def _ten_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocation_requests, "LARGE", 10)


def draft(by: Any, **fields: Any) -> Experiment:
    """Of four cases, with three people enrolled: twelve assignments to be drawn."""
    study = factories.make_study(by=by, active=False, **fields)
    for _ in range(3):
        factories.make_enrolment(study)
    return study


def drawn(study: Experiment) -> list[tuple[Any, ...]]:
    rows = Assignment.objects.filter(enrolment__experiment=study)
    listed = rows.order_by("enrolment__arrival", "position")
    return list(listed.values_list("enrolment__arrival", "position", "case__number", "arm__key"))


@pytest.mark.parametrize("rule", RULES)
def test_activation_asks_for_the_draw_and_its_job_draws_what_activation_would_have(owner, rule):
    study = draft(owner, allocation_rule=rule)
    activate(experiment=study, by=owner)
    assert drawn(study) == []
    request = AllocationRequest.objects.get(experiment=study)
    assert (request.triggered_by, request.created_by, request.job.status) == ("activation", owner, "queued")
    assert allocation_requests.is_being_drawn(study)
    assert jobs.run(job_id=request.job_id).result["configs_generated"] == 12
    assert not allocation_requests.is_being_drawn(study)
    assert len(drawn(study)) == 12
    assert left_to_draw(study) == 0
    assert verify_allocation(study).mismatches == []


@pytest.mark.parametrize("rule", RULES)
def test_who_joins_before_the_job_has_begun_is_drawn_at_once_and_as_the_rule_says(owner, rule):
    study = draft(owner, allocation_rule=rule)
    activate(experiment=study, by=owner)
    late = enrol(experiment=study, user=factories.make_participant(), by=owner)
    assert late.assignments.count() == 4
    jobs.run(job_id=AllocationRequest.objects.get(experiment=study).job_id)
    assert len(drawn(study)) == 16
    assert verify_allocation(study).mismatches == []


def test_ten_are_drawn_where_they_are_asked_for(owner):
    study = factories.make_study(by=owner, active=False, cases=5)
    for _ in range(2):
        factories.make_enrolment(study)
    activate(experiment=study, by=owner)
    assert len(drawn(study)) == 10
    assert not AllocationRequest.objects.exists()


def test_so_do_people_who_are_enrolled_together_consents_of_a_file_and_a_study_that_goes_on(owner):
    study = factories.make_study(by=owner)
    enrol_together(experiment=study, users=[factories.make_participant() for _ in range(3)], by=owner)
    asked = AllocationRequest.objects.get(experiment=study)
    jobs.run(job_id=asked.job_id)
    assert len(drawn(study)) == 12

    waiting = factories.make_study(by=owner, consent_required=True)
    people = [factories.make_participant() for _ in range(3)]
    for user in people:
        factories.make_enrolment(waiting, user)
    rows = "".join(f"{user.email},2026-01-02\n" for user in people)
    import_consents(experiment=waiting, content=f"email,at\n{rows}", by=owner)
    assert AllocationRequest.objects.get(experiment=waiting).triggered_by == "consent"

    paused = factories.make_study(by=owner)
    pause(experiment=paused, by=owner, reason="A pause.")
    for _ in range(3):
        factories.make_enrolment(paused)
    resume(experiment=paused, by=owner)
    assert AllocationRequest.objects.get(experiment=paused).triggered_by == "resumption"


def test_the_page_that_activates_says_that_the_draw_goes_on(client, owner):
    study = draft(owner)
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    address = reverse("admin:experiments_experiment_activate", args=[study.pk])
    answer = client.post(address, follow=True)
    assert "Protocol version 1 is frozen." in answer.text
    assert "are being drawn" in answer.text
