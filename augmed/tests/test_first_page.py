"""The way in: where to begin, the order of the menu, from a study to its lists, and pages that are not there."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from experiments.models import Experiment, QuestionnaireVersion
from experiments.tests import factories

pytestmark = pytest.mark.django_db


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def steps(user: Any) -> list[str]:
    return [title for title, _ in signed_in(user).get(reverse("admin:index")).context["first_steps"]]


@pytest.fixture
def draft(owner: Any) -> Experiment:
    return factories.make_study(by=owner, active=False)


def test_everybody_is_told_the_first_steps_that_they_may_take(
    administrator: Any, data_staff: Any, owner: Any, draft: Any
) -> None:
    assert "Import OMOP files" in steps(data_staff)
    assert "Begin a study" not in steps(data_staff)
    assert "Begin a study" in steps(owner)
    assert "Import OMOP files" not in steps(owner)
    assert {"Import OMOP files", "Accounts and roster", "Begin a study"} <= set(steps(administrator))


def test_every_first_step_opens(administrator: Any) -> None:
    client = signed_in(administrator)
    for title, address in client.get(reverse("admin:index")).context["first_steps"]:
        assert client.get(address).status_code == 200, title


def test_the_menu_begins_with_the_study(administrator: Any) -> None:
    apps = signed_in(administrator).get(reverse("admin:index")).context["app_list"]
    assert [app["app_label"] for app in apps][:4] == ["experiments", "cases", "participants", "omop"]
    assert [model["object_name"] for model in apps[0]["models"]][:2] == ["Experiment", "Arm"]


def test_every_link_of_a_study_opens(owner: Any, draft: Any) -> None:
    client = signed_in(owner)
    page = client.get(reverse("admin:experiments_experiment_change", args=[draft.pk]))
    links = dict(link for group in page.context["study_links"].values() for link in group)
    assert {"Questionnaires", "Participants", "Reference standard", "Roles", "Exports"} <= set(links)
    for title, address in links.items():
        assert client.get(address, follow=True).status_code == 200, title


def test_a_list_of_a_study_holds_no_other_studys_rows(owner: Any, draft: Any) -> None:
    other = factories.make_study(by=owner, active=False)
    client = signed_in(owner)
    page = client.get(reverse("admin:experiments_experiment_change", args=[draft.pk]))
    address = next(address for title, address in page.context["study_links"]["Design"] if title == "Questionnaires")
    shown = {version.questionnaire.experiment_id for version in client.get(address).context["cl"].queryset}
    assert shown == {draft.pk}
    assert QuestionnaireVersion.objects.filter(questionnaire__experiment=other).exists()


def test_adding_from_a_studys_list_means_that_study(owner: Any, draft: Any) -> None:
    filters = f"questionnaire__experiment__id__exact={draft.pk}"
    address = reverse("admin:experiments_questionnaireversion_add")
    page = signed_in(owner).get(address, {"_changelist_filters": filters})
    assert page.context["adminform"].form.initial["experiment"] == str(draft.pk)


def test_a_new_study_opens_on_its_own_page(owner: Any, draft: Any) -> None:
    address = reverse("admin:experiments_experiment_add")
    fields = {
        "name": "New",
        "language": "en",
        "allocation_rule": "arm_per_participant_case",
        "case_order": "random",
        "block_multiples": "1, 2",
        "withdrawal_policy": "keep_to_date",
        "layout": draft.layout_id,
    }
    answer = signed_in(owner).post(address, fields)
    made = Experiment.objects.get(name="New")
    assert answer.status_code == 302
    assert answer["Location"] == reverse("admin:experiments_experiment_change", args=[made.pk])


def test_what_is_not_ones_own_says_so_and_leads_back(data_staff: Any, stranger: Any, draft: Any) -> None:
    client = signed_in(data_staff)
    refused = client.get(reverse("admin:experiments_experiment_changelist"))
    assert refused.status_code == 403
    assert reverse("admin:index") in refused.content.decode()
    absent = client.get(reverse("admin:cases_case_change", args=[987654]))
    assert absent.status_code == 404
    assert "no such page" in absent.content.decode()
