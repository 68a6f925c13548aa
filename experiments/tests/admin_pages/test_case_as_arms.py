"""A case as the arms of a study show it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.urls import reverse

from augmed.foundation.models import AuditEvent
from experiments.actions.roles import grant_role
from experiments.tests.admin_pages.pages import client_of

pytestmark = pytest.mark.django_db


def test_a_case_side_by_side_marks_what_differs_and_is_audited(study: Any, lead: Any) -> None:
    case = study.study_cases.first().case
    response = client_of(lead).get(reverse("admin:experiments_case_as_arms", args=[case.pk]))
    text = response.content.decode()
    assert "<strong>1 of 4</strong> features differ" in text
    assert text.count("Not in all") == 2
    assert "Not shown" in text
    assert "Whole case" in text
    event = AuditEvent.objects.get(action="case_viewed")
    assert json.loads(event.data)["whole"] is True
    assert (event.target_id, event.experiment_id) == (str(case.pk), study.pk)


def test_columns_can_be_chosen_and_only_what_differs(study: Any, lead: Any) -> None:
    case = study.study_cases.first().case
    address = reverse("admin:experiments_case_as_arms", args=[case.pk])
    text = (
        client_of(lead)
        .get(address, {"column": ["without-advice.1", "with-advice.1"], "differing": "on"})
        .content.decode()
    )
    assert "Only here" in text
    assert "Hemoglobin" not in text
    assert 'scope="col">Whole case' not in text


def test_the_whole_case_needs_view_cases_and_the_arms_view_arm(study: Any, stranger: Any, data_staff: Any) -> None:
    case = study.study_cases.first().case
    address = reverse("admin:experiments_case_as_arms", args=[case.pk])
    grant_role(user=stranger, experiment=study, role="unblinded_analyst", by=None)
    text = client_of(stranger).get(address, {"column": "whole"}).content.decode()
    assert "Whole case" not in text
    text = client_of(data_staff).get(address).content.decode()
    assert "Whole case" in text
    assert "With advice" not in text


@pytest.mark.parametrize("role", ["coordinator", "blinded_analyst", "adjudicator"])
def test_a_case_is_404_without_the_arms(study: Any, stranger: Any, role: str) -> None:
    grant_role(user=stranger, experiment=study, role=role, by=None)
    case = study.study_cases.first().case
    assert client_of(stranger).get(reverse("admin:experiments_case_as_arms", args=[case.pk])).status_code == 404
    assert not AuditEvent.objects.filter(action="case_viewed").exists()


def test_as_arms_show_it_is_offered_to_who_has_a_study(
    study: Any, lead: Any, data_staff: Any, administrator: Any
) -> None:
    case = study.study_cases.first().case_id
    address = reverse("admin:cases_case_change", args=[case])
    link = reverse("admin:experiments_case_as_arms", args=[case])
    offered = {}
    for who, user in {"lead": lead, "data staff": data_staff, "administrator": administrator}.items():
        response = client_of(user).get(address)
        assert response.status_code == 200
        offered[who] = link in response.content.decode()
    assert offered == {"lead": True, "data staff": False, "administrator": True}
