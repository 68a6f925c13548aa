"""Who gets which page of the studies' admin, and what stays hidden."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse

from experiments.actions.references import set_reference
from experiments.actions.roles import grant_role
from experiments.models import (
    AllocationRun,
    Assignment,
    Experiment,
    QuestionnaireVersion,
    Review,
    Stage,
)
from experiments.tests import factories
from experiments.tests.admin_pages.pages import client_of, page

pytestmark = pytest.mark.django_db
ROLES = ("lead", "coordinator", "blinded_analyst", "unblinded_analyst", "adjudicator")
LISTS = {  # page: the roles that get it
    "experiment": set(ROLES),
    "arm": {"lead", "unblinded_analyst"},
    "questionnaire": set(ROLES),
    "questionnaireversion": set(ROLES),
    "enrolment": {"lead", "coordinator", "blinded_analyst", "unblinded_analyst"},
    "studyrole": {"lead"},
    "referencestandard": {"lead", "blinded_analyst", "unblinded_analyst", "adjudicator"},
    "adjudicatorreading": {"lead", "blinded_analyst", "unblinded_analyst", "adjudicator"},
    "protocolversion": {"lead", "unblinded_analyst"},
    "experimenttransition": set(ROLES),
    "allocationrun": {"unblinded_analyst"},
    "assignment": {"lead", "coordinator", "blinded_analyst", "unblinded_analyst"},
    "review": {"unblinded_analyst"},
    "submission": {"unblinded_analyst"},
    "reviewevent": {"unblinded_analyst"},
    "stage": {"lead", "unblinded_analyst"},
    "enrolmentevent": {"lead", "coordinator"},
    "consentrecord": {"lead", "coordinator"},
    "disclosureset": {"lead", "unblinded_analyst"},
}
STUDY_PAGES = {
    "matrix": {"lead", "unblinded_analyst"},
    "cases": {"lead"},
    "preview": {"lead", "unblinded_analyst"},
    "progress": {"lead", "coordinator", "blinded_analyst", "unblinded_analyst"},
    "progress_participants": {"lead", "coordinator", "blinded_analyst", "unblinded_analyst"},
    "progress_cases": {"lead", "coordinator", "blinded_analyst", "unblinded_analyst"},
    "stalled": {"lead", "coordinator", "blinded_analyst", "unblinded_analyst"},
    "reminders": {"lead", "coordinator", "blinded_analyst", "unblinded_analyst"},
    "outcomes_by_arm": {"unblinded_analyst"},
    "activate": {"lead"},
    "amend": {"lead"},
}


def test_every_model_of_studies_is_in_the_admin() -> None:
    from django.apps import apps

    registered = {model.__name__ for model in admin.site._registry if model._meta.app_label == "experiments"}
    inline = {
        "Answer": "on its submission",
        "AllocationRequest": "on its study",
        "AllocationRunEvent": "on its run",
        "AssignmentDisclosure": "on its assignment",
        "AttentionCheck": "on a page of its study",
        "AttentionCheckAnswer": "on its submission",
        "ConsentDocument": "on a page of its study",
        "ConsentWording": "the words of a signature; on a page of its study",
        "ConsentSignature": "with the consent that it signs; the name is for nobody's list",
        "IntakeAnswer": "in exports; what readers say of themselves is for no list",
        "IntakeSubmission": "in exports",
        "PreviewLink": "on a page of its study",
        "ProtocolStage": "on its protocol version",
        "Question": "on its questionnaire version",
        "Reminder": "on its enrolment",
        "ReminderRule": "on a page of its study",
        "ReviewDraft": "its reader's alone",
        "ReviewOpening": "on its review",
        "StudyCase": "on its study",
        "StudyTranslation": "on a page of its study",
        "TrainingCase": "on a page of its study",
    }
    assert {model.__name__ for model in apps.get_app_config("experiments").get_models()} == registered | set(inline)


@pytest.mark.parametrize("role", ROLES)
def test_lists_by_role(study: Any, stranger: Any, role: str) -> None:
    grant_role(user=stranger, experiment=study, role=role, by=None)
    client = client_of(stranger)
    found = {model for model in LISTS if client.get(page(model)).status_code == 200}
    assert found == {model for model, roles in LISTS.items() if role in roles}


@pytest.mark.parametrize("role", ROLES)
def test_pages_of_a_study_by_role(study: Any, stranger: Any, role: str) -> None:
    grant_role(user=stranger, experiment=study, role=role, by=None)
    client = client_of(stranger)
    got = {name: client.get(page("experiment", name, study.pk)).status_code for name in STUDY_PAGES}
    assert got == {
        name: (302 if name == "preview" else 200) if role in roles else 403 for name, roles in STUDY_PAGES.items()
    }


def test_a_foreign_study_is_absent_everywhere(study: Any, stranger: Any, answered: Review) -> None:
    factories.make_study(by=stranger, active=False)
    grant_role(
        user=stranger, experiment=Experiment.objects.exclude(pk=study.pk).get(), role="unblinded_analyst", by=None
    )
    client = client_of(stranger)
    rows = {
        "experiment": study,
        "arm": study.arms.first(),
        "stage": Stage.objects.filter(arm__experiment=study).first(),
        "questionnaire": study.questionnaires.first(),
        "questionnaireversion": QuestionnaireVersion.objects.get(questionnaire__experiment=study),
        "enrolment": study.enrolments.first(),
        "studyrole": study.study_roles.first(),
        "protocolversion": study.protocol,
        "experimenttransition": study.transitions.first(),
        "allocationrun": AllocationRun.objects.first(),
        "assignment": Assignment.objects.first(),
        "review": answered,
        "submission": answered.submission,
        "reviewevent": answered.events.first(),
        "disclosureset": None,
    }
    for model, row in rows.items():
        listed = client.get(page(model))
        assert listed.status_code == 200, model
        if row is None:
            continue
        assert study.name not in listed.content.decode(), model
        assert client.get(page(model, "change", row.pk)).status_code == 404, model
    for name in STUDY_PAGES:
        assert client.get(page("experiment", name, study.pk)).status_code == 404, name
    assert client.post(page("experiment", "step", study.pk, "pause"), {"reason": "x"}).status_code == 404


def test_participants_and_people_without_role_get_nothing(study: Any, clinician: Any, stranger: Any) -> None:
    for user in (clinician, stranger):
        client = client_of(user)
        for model in LISTS:
            assert client.get(page(model)).status_code in (302, 403), model
        assert client.get(page("experiment", "matrix", study.pk)).status_code in (302, 404)


def test_every_page_renders_for_an_administrator(study: Any, administrator: Any, answered: Review) -> None:
    case = study.study_cases.first().case
    set_reference(experiment=study, case=case, question_key="diagnosis", value="yes", rule="one reading", by=None)
    client = client_of(administrator)
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label != "experiments":
            continue
        name = model._meta.model_name
        assert client.get(page(name)).status_code == 200, name
        row = model.objects.first()
        if row is not None:
            assert client.get(page(name, "change", row.pk)).status_code == 200, name
        adding = client.get(page(name, "add")).status_code
        can_add = name in {
            "experiment", "questionnaireversion", "enrolment", "studyrole", "referencestandard", "adjudicatorreading",
        }  # fmt: skip
        assert adding == (200 if can_add else 403), (name, model_admin)
        assert client.get(page(name, "delete", row.pk if row else 1)).status_code in (403, 404), name


def test_seed_and_allocation_only_with_view_allocation(study: Any, enrolled: Any, lead: Any, stranger: Any) -> None:
    grant_role(user=stranger, experiment=study, role="unblinded_analyst", by=None)
    assert study.seed in client_of(stranger).get(page("experiment", "change", study.pk)).content.decode()
    lead_pages = client_of(lead)
    assert study.seed not in lead_pages.get(page("experiment", "change", study.pk)).content.decode()

    listed = lead_pages.get(page("assignment")).content.decode()
    assert "masked" in listed
    assert not any(arm.name in listed for arm in study.arms.all())
    address = page("assignment", "change", Assignment.objects.first().pk)
    one = lead_pages.get(address)
    assert one.status_code == 200
    assert "probability" not in one.content.decode()
    assert "probability" in client_of(stranger).get(address).content.decode()
    assert any(arm.name in client_of(stranger).get(page("assignment")).content.decode() for arm in study.arms.all())


def test_reviews_and_answers_only_with_view_outcome_by_arm(study: Any, answered: Review, stranger: Any) -> None:
    arm = answered.assignment.arm.name
    for role in ("lead", "blinded_analyst", "coordinator"):
        held = grant_role(user=stranger, experiment=study, role=role, by=None)
        for model in ("review", "submission"):
            assert client_of(stranger).get(page(model, "change", answered.pk)).status_code in (403, 404), role
        held.delete()
    grant_role(user=stranger, experiment=study, role="unblinded_analyst", by=None)
    for model in ("review", "submission"):
        assert f"{arm}, stage 1" in client_of(stranger).get(page(model)).content.decode()
    text = client_of(stranger).get(page("submission", "change", answered.pk)).content.decode()
    assert "a remark" in text


def test_a_blinded_analyst_sees_no_arms_on_the_page_of_the_study(study: Any, stranger: Any) -> None:
    grant_role(user=stranger, experiment=study, role="blinded_analyst", by=None)
    text = client_of(stranger).get(page("experiment", "change", study.pk)).content.decode()
    assert not any(arm.name in text for arm in study.arms.all())
    assert 'name="_save"' not in text


def test_block_sizes_only_for_who_designs_or_sees_the_allocation(study: Any, stranger: Any, lead: Any) -> None:
    address = page("experiment", "change", study.pk)
    assert "field-block_multiples" in client_of(lead).get(address).content.decode()
    for role, shown in (("coordinator", False), ("blinded_analyst", False), ("unblinded_analyst", True)):
        held = grant_role(user=stranger, experiment=study, role=role, by=None)
        assert ("field-block_multiples" in client_of(stranger).get(address).content.decode()) == shown, role
        held.delete()


def test_accounts_are_links_only_for_who_may_open_them(study: Any, lead: Any, administrator: Any) -> None:
    """Read-only people of the page and of its inlines: Django would link each."""
    role = study.study_roles.get(user=lead)
    for address in (page("experiment", "change", study.pk), page("studyrole", "change", role.pk)):
        account = reverse("admin:participants_user_change", args=[lead.pk])
        text = client_of(lead).get(address).content.decode()
        assert str(lead) in text.split("</header>")[-1]
        assert "/admin/participants/user/" not in text
        assert account in client_of(administrator).get(address).content.decode()
