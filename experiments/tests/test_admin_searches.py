"""What the address of a list may ask for: only the filters that the page offers."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from experiments.actions.roles import grant_role

pytestmark = pytest.mark.django_db


def status_of(user: Any, model: str, query: str) -> int:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.get(reverse(f"admin:experiments_{model}_changelist") + "?" + query).status_code


@pytest.mark.parametrize("role", ["lead", "coordinator", "blinded_analyst"])
def test_nobody_guesses_the_seed_an_arm_or_a_person_by_filtering(
    study: Any, enrolled: Any, stranger: Any, role: str
) -> None:
    grant_role(user=stranger, experiment=study, role=role, by=None)
    arm = enrolled.assignments.first().arm_id
    for model, query in (
        ("experiment", f"seed__startswith={study.seed[0]}"),
        ("experiment", "block_multiples__contains=1"),
        ("assignment", f"arm__id__exact={arm}"),
        ("assignment", f"arm={arm}"),
        ("assignment", "arm__name__startswith=With"),
        ("assignment", "marginal_probability__gt=0.2"),
        ("assignment", "enrolment__user__email__startswith=c"),
        ("enrolment", f"user={enrolled.user_id}"),
        ("enrolment", f"user__id__exact={enrolled.user_id}"),
        ("enrolment", "stratum=x"),
    ):
        assert status_of(stranger, model, query) == 400, (model, query)


def test_the_filters_of_the_page_work(study: Any, enrolled: Any, lead: Any) -> None:
    for model, query in (
        ("experiment", "status__exact=active"),
        ("assignment", "drawn_by__exact=rule&enrolment__kind__exact=real"),
        ("enrolment", "status__exact=active&kind__exact=real&q=P&o=1"),
    ):
        assert status_of(lead, model, query) == 200, (model, query)


def test_lists_are_filtered_by_the_studies_one_may_see(study: Any, draft: Any, enrolled: Any, stranger: Any) -> None:
    grant_role(user=stranger, experiment=study, role="unblinded_analyst", by=None)
    for model, path in (
        ("assignment", "enrolment__experiment"),
        ("review", "assignment__enrolment__experiment"),
        ("submission", "review__assignment__enrolment__experiment"),
    ):
        assert status_of(stranger, model, f"{path}__id__exact={study.pk}") == 200, model
        assert status_of(stranger, model, f"{path}__seed__startswith={study.seed[0]}") == 400, model
    client = Client()
    client.force_login(stranger, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(
        reverse("admin:experiments_assignment_changelist"), {"enrolment__experiment__id__exact": draft.pk}
    )
    assert {row.enrolment.experiment_id for row in page.context["cl"].result_list} <= {study.pk}
    assert draft.name not in page.content.decode() or draft.name == study.name
