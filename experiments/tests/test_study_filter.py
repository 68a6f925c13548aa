"""Lists that a study's page leads to hold that study's rows alone, however many studies have any."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse

from cases.models import Case
from experiments.actions.design import create_experiment
from experiments.actions.references import set_reference
from experiments.admin.study_filter import StudyFilter
from experiments.admin.study_links import ALWAYS
from experiments.tests import factories

pytestmark = pytest.mark.django_db
LISTS = [link for link in ALWAYS if link.model]


def test_no_list_of_a_study_filters_as_djangos_own_does():
    used = [
        entry[1]
        for model, page in admin.site._registry.items()
        if model._meta.app_label == "experiments"
        for entry in page.list_filter
        if isinstance(entry, tuple)
    ]
    assert len(used) >= len(LISTS)
    assert set(used) == {StudyFilter}


@pytest.mark.parametrize("link", LISTS, ids=lambda link: link.model)
def test_a_new_study_lists_nothing_of_the_only_other_one(client, administrator: Any, link: Any):
    other = factories.make_study(by=administrator)
    factories.make_enrolment(other)
    set_reference(
        experiment=other, case=Case.objects.first(), question_key="diagnosis", value="yes", rule="outcome", by=None
    )
    mine = create_experiment(name="New", by=administrator)
    client.force_login(administrator, backend="django.contrib.auth.backends.ModelBackend")

    def listed(address: str) -> Any:
        return client.get(address).context["cl"].queryset

    every = listed(reverse(f"admin:experiments_{link.model}_changelist"))
    assert every.filter(**{link.by_study: other}).exists()
    assert not listed(link.address(mine)).exclude(**{link.by_study: mine}).exists()


def test_a_study_that_is_not_there_has_none(client, owner: Any):
    factories.make_enrolment(factories.make_study(by=owner))
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    listed = client.get(reverse("admin:experiments_enrolment_changelist"), {"experiment__id__exact": 999_999})
    assert list(listed.context["cl"].queryset) == []
