"""Draws that were asked for, on the page of their study."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from augmed.foundation import jobs
from experiments.actions.allocation_requests import request_allocation
from experiments.actions.lifecycle import pause
from experiments.admin.allocation_requests import NEWEST
from experiments.tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client: Any, owner: Any) -> Any:
    study = factories.make_study(by=owner)
    client.force_login(owner)

    def show() -> tuple[Any, str]:
        found = client.get(reverse("admin:experiments_experiment_change", args=[study.pk]))
        assert found.status_code == 200
        return study, found.content.decode()

    return show


def test_the_lead_sees_how_they_went(page, owner):
    study, _ = page()
    done = request_allocation(experiment=study, by=owner, triggered_by="nightly")
    jobs.run(job_id=done.job_id)
    late = request_allocation(experiment=study, by=owner, triggered_by="too late")
    pause(experiment=study, by=owner, reason="A pause.")
    jobs.run(job_id=late.job_id)
    _, shown = page()
    assert "nightly" in shown
    assert '<td class="field-drawn"><p>0</p></td>' in "".join(line.strip() for line in shown.splitlines())
    assert "failed: The study has become paused before the draw." in shown


def test_only_the_newest_are_shown_in_as_many_queries(page, owner, django_assert_num_queries):
    study, _ = page()
    request_allocation(experiment=study, by=owner, triggered_by="request zero")
    with CaptureQueriesContext(connection) as few:
        assert "request zero" in page()[1]
    for number in range(NEWEST):
        request_allocation(experiment=study, by=owner, triggered_by=f"later {number}")
    with django_assert_num_queries(len(few)):
        shown = page()[1]
    assert "request zero" not in shown
    assert f"later {NEWEST - 1}" in shown
