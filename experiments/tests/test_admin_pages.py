"""Who gets which page of the studies' admin, that writes are actions, and what stays hidden."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from augmed.foundation.models import AuditEvent
from experiments.actions.enrolment import withdraw
from experiments.actions.references import set_reference
from experiments.actions.reviews import open_review, submit
from experiments.actions.roles import grant_role
from experiments.models import (
    AdjudicatorReading,
    AllocationRun,
    AllocationRunEvent,
    Arm,
    Assignment,
    AssignmentDisclosure,
    DisclosureSet,
    Enrolment,
    Experiment,
    Question,
    QuestionnaireVersion,
    Review,
    Stage,
    StudyRole,
)
from experiments.tests import factories

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


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(model: str, kind: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:experiments_{model}_{kind}", args=args)


@pytest.fixture
def answered(study: Any, enrolled: Enrolment, clinician: Any) -> Review:
    """A review of the study that was answered."""
    review = Review.objects.pending_for(clinician).first()
    opened = open_review(public_id=review.public_id, by=clinician)
    submit(
        public_id=review.public_id,
        answers={"diagnosis": "yes", "risk": 66.6, "remarks": "a remark"},
        questionnaire_version=opened.questionnaire_version,
        by=clinician,
    )
    return review


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


# --- what stays hidden


def test_seed_and_allocation_only_with_view_allocation(study: Any, enrolled: Any, lead: Any, stranger: Any) -> None:
    grant_role(user=stranger, experiment=study, role="unblinded_analyst", by=None)
    assert study.seed in client_of(stranger).get(page("experiment", "change", study.pk)).content.decode()
    lead_pages = client_of(lead)
    assert study.seed not in lead_pages.get(page("experiment", "change", study.pk)).content.decode()

    listed = lead_pages.get(page("assignment")).content.decode()
    assert "masked" in listed
    assert not any(arm.name in listed for arm in study.arms.all())
    one = lead_pages.get(page("assignment", "change", Assignment.objects.first().pk)).content.decode()
    assert "probability" not in one
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
    assert "disabled" not in text.split("study-links")[0][-10:]
    assert 'name="_save"' not in text


def test_block_sizes_only_for_who_designs_or_sees_the_allocation(study: Any, stranger: Any, lead: Any) -> None:
    address = page("experiment", "change", study.pk)
    assert "field-block_multiples" in client_of(lead).get(address).content.decode()
    for role, shown in (("coordinator", False), ("blinded_analyst", False), ("unblinded_analyst", True)):
        held = grant_role(user=stranger, experiment=study, role=role, by=None)
        assert ("field-block_multiples" in client_of(stranger).get(address).content.decode()) == shown, role
        held.delete()


# --- writes are actions


def form_of(response: Any) -> dict[str, Any]:
    """The fields of a change form as a browser would send them back."""
    form = response.context["adminform"].form
    data = {name: form[name].value() for name in form.fields}
    for inline in response.context["inline_admin_formsets"]:
        formset = inline.formset
        for one in [formset.management_form, *formset.forms]:
            data |= {one[name].html_name: one[name].value() for name in one.fields}
    prepared = {}
    for name, value in data.items():
        if value is None or value is False:
            continue
        prepared[name] = value
    return prepared


def test_a_study_is_created_with_its_maker_as_lead(layout_version: Any, stranger: Any, draft: Any) -> None:
    grant_role(user=stranger, experiment=draft, role="lead", by=None)
    client = client_of(stranger)
    data = {
        "name": "New study", "layout": layout_version.layout_id, "allocation_rule": "arm_per_participant",
        "case_order": "fixed", "block_multiples": "1, 3", "strata": "site, years", "withdrawal_policy": "keep",
        "description": "", "instructions": "", "_continue": "1",
    }  # fmt: skip
    response = client.post(page("experiment", "add"), data)
    made = Experiment.objects.get(name="New study")
    assert response.status_code == 302
    assert response.url == page("experiment", "change", made.pk)
    assert (made.block_multiples, made.strata, made.created_by) == ([1, 3], ["site", "years"], stranger)
    assert StudyRole.objects.filter(user=stranger, experiment=made, role="lead").exists()
    assert AuditEvent.objects.filter(action="experiment_created", target_id=str(made.pk)).exists()
    assert client.get(response.url).status_code == 200


def test_changing_a_study_and_its_arms_in_one_form(draft: Any, lead: Any) -> None:
    client = client_of(lead)
    address = page("experiment", "change", draft.pk)
    data = form_of(client.get(address))
    data |= {
        "description": "A better one", "arms-TOTAL_FORMS": "4", "arms-0-name": "Plain",
        "arms-3-name": "Fourth", "arms-3-weight": "2", "arms-3-position": "9", "arms-2-DELETE": "on",
    }  # fmt: skip
    response = client.post(address, data)
    assert response.status_code == 302, response.context["errors"]
    draft.refresh_from_db()
    assert draft.description == "A better one"
    assert sorted(draft.arms.values_list("name", flat=True)) == ["Fourth", "Plain", "With advice"]
    assert draft.arms.get(name="Fourth").stages.count() == 1
    actions = set(AuditEvent.objects.filter(experiment_id=draft.pk).values_list("action", flat=True))
    assert {"experiment_changed", "arm_changed", "arm_added", "arm_removed"} <= actions


def test_inputs_in_tables_are_named_for_who_cannot_see_the_column(draft: Any, lead: Any) -> None:
    pages = {"arms": page("experiment", "change", draft.pk), "stages": page("arm", "change", draft.arms.first().pk)}
    for prefix, address in pages.items():
        inputs = re.findall(
            rf'<(?:input|select|textarea)[^>]*name="{prefix}-0-[^>]*>', client_of(lead).get(address).content.decode()
        )
        shown = [text for text in inputs if 'type="hidden"' not in text]
        assert len(shown) > 3
        assert not [text for text in shown if "aria-label=" not in text]


def test_a_refusal_stays_on_the_page_with_what_was_typed(study: Any, lead: Any) -> None:
    client = client_of(lead)
    address = page("experiment", "change", study.pk)
    data = form_of(client.get(address)) | {"allocation_rule": "arm_per_participant", "description": "typed"}
    response = client.post(address, data)
    assert response.status_code == 200
    text = response.content.decode()
    assert "The allocation rule of an activated study stays." in text
    assert "typed" in text
    study.refresh_from_db()
    assert study.description == ""


def test_stages_are_added_and_changed_on_the_page_of_their_arm(draft: Any, lead: Any) -> None:
    arm = draft.arms.get(name="With advice")
    address = page("arm", "change", arm.pk)
    data = form_of(client_of(lead).get(address))
    data |= {
        "stages-TOTAL_FORMS": "2",
        "stages-0-name": "Look",
        "stages-1-name": "Again",
        "stages-1-not_before_days": "7",
    }
    response = client_of(lead).post(address, data)
    assert response.status_code == 302, response.context["errors"]
    assert list(arm.stages.values_list("position", "name", "not_before_days")) == [(1, "Look", 0), (2, "Again", 7)]


def test_a_cost_of_asking_says_of_what(draft: Any, lead: Any) -> None:
    client = client_of(lead)
    address = page("arm", "change", draft.arms.get(name="Without advice").pk)
    data = form_of(client.get(address)) | {"stages-0-hidden_until_asked": "on", "stages-0-reveal_cost": "5"}
    assert "Of what?" in client.post(address, data).content.decode()
    refused = client.post(address, data | {"stages-0-reveal_cost": "-5", "stages-0-reveal_cost_unit": "points"})
    assert refused.content.decode().count("A cost of asking is zero or more.") == 1
    assert client.post(address, data | {"stages-0-reveal_cost_unit": "points"}).status_code == 302


def test_an_arm_is_copied_from_the_list(draft: Any, lead: Any) -> None:
    arm = draft.arms.get(name="With advice")
    client_of(lead).post(page("arm"), {"action": "copy", "_selected_action": [arm.pk]})
    made = Arm.objects.get(name="With advice (copy)")
    assert made.stages.get().cells == arm.stages.get().cells


def test_a_questionnaire_is_written_and_copied_once_in_use(draft: Any, study: Any, lead: Any) -> None:
    client = client_of(lead)
    data = {
        "experiment": draft.pk, "name": "Second", "questions-TOTAL_FORMS": "2", "questions-INITIAL_FORMS": "0",
        "questions-0-order": "2", "questions-0-key": "later", "questions-0-type": "paragraph",
        "questions-0-text": "Later?", "questions-0-scoring": "none",
        "questions-1-order": "1", "questions-1-key": "first", "questions-1-type": "single_choice",
        "questions-1-text": "First?", "questions-1-options": "yes\nno", "questions-1-scoring": "none",
    }  # fmt: skip
    response = client.post(page("questionnaireversion", "add"), data)
    assert response.status_code == 302, response.context["errors"]
    version = QuestionnaireVersion.objects.get(questionnaire__name="Second")
    assert list(version.questions.values_list("key", "options")) == [("first", ["yes", "no"]), ("later", [])]

    address = page("questionnaireversion", "change", version.pk)
    data = form_of(client.get(address)) | {"questions-0-text": "Really?"}
    assert client.post(address, data).status_code == 302
    assert version.questions.get(key="first").text == "Really?"

    frozen = QuestionnaireVersion.objects.get(questionnaire__experiment=study)
    address = page("questionnaireversion", "change", frozen.pk)
    text = client.get(address).content.decode()
    assert "copy it as the next version" in text
    assert 'name="questions-0-text"' not in text
    response = client.post(address, {"_copy": "1"})
    copy = QuestionnaireVersion.objects.get(questionnaire=frozen.questionnaire, number=2)
    assert response.url == page("questionnaireversion", "change", copy.pk)


def test_a_bad_question_is_refused_with_its_place(draft: Any, lead: Any) -> None:
    data = {
        "experiment": draft.pk, "name": "Bad", "questions-TOTAL_FORMS": "1", "questions-INITIAL_FORMS": "0",
        "questions-0-key": "choice", "questions-0-type": "single_choice", "questions-0-text": "?",
        "questions-0-options": "only one", "questions-0-scoring": "none",
    }  # fmt: skip
    response = client_of(lead).post(page("questionnaireversion", "add"), data)
    assert response.status_code == 200
    assert "questions.0.options" in response.content.decode()
    assert not QuestionnaireVersion.objects.filter(questionnaire__name="Bad").exists()


def test_people_are_enrolled_and_withdrawn_with_a_reason(study: Any, stranger: Any, other_clinician: Any) -> None:
    grant_role(user=stranger, experiment=study, role="coordinator", by=None)
    client = client_of(stranger)
    data = {"experiment": study.pk, "email": " OTHER@example.org ", "kind": "real"}
    assert client.post(page("enrolment", "add"), data).status_code == 302
    enrolment = Enrolment.objects.get(user=other_clinician)
    assert enrolment.assignments.count() == 4

    bad = client.post(page("enrolment", "add"), data | {"email": "nobody@example.org"})
    assert "Nobody on the roster has this address." in bad.content.decode()

    chosen = {"action": "withdraw_chosen", "_selected_action": [enrolment.pk]}
    assert "Reason" in client.post(page("enrolment"), chosen).content.decode()
    enrolment.refresh_from_db()
    assert enrolment.status == "active"
    client.post(page("enrolment"), {**chosen, "withdraw": "1", "reason": "moved away"})
    enrolment.refresh_from_db()
    assert enrolment.status == "withdrawn"


def test_a_coordinator_of_one_study_cannot_enrol_into_another(study: Any, draft: Any, stranger: Any) -> None:
    grant_role(user=stranger, experiment=study, role="coordinator", by=None)
    data = {"experiment": draft.pk, "email": stranger.email, "kind": "real"}
    response = client_of(stranger).post(page("enrolment", "add"), data)
    assert response.status_code == 200
    assert not draft.enrolments.exists()


def test_consents_given_elsewhere_are_imported_all_or_none(lead: Any, clinician: Any, other_clinician: Any) -> None:
    study = factories.make_study(by=lead, consent_required=True)
    for user in (clinician, other_clinician):
        factories.make_enrolment(study, user)
    from django.core.files.uploadedfile import SimpleUploadedFile

    def send(text: str) -> Any:
        file = SimpleUploadedFile("consents.csv", text.encode())
        return client_of(lead).post(page("enrolment", "consents"), {"experiment": study.pk, "file": file})

    bad = send(f"email,at\n{clinician.email},2026-01-05\nnobody@example.org,2026-01-05\n")
    assert bad.status_code == 422
    assert "nobody@example.org" in bad.content.decode() or "3" in bad.content.decode()
    assert set(study.enrolments.values_list("status", flat=True)) == {"awaiting_consent"}
    rows = f"{clinician.email},2026-01-05,v2,\n{other_clinician.email},2026-01-05,v2,declined\n"
    assert send(f"email,at,document,kind\n{rows}").status_code == 302
    assert sorted(study.enrolments.values_list("status", flat=True)) == ["active", "declined"]


def test_references_are_set_imported_and_read_by_adjudicators(study: Any, lead: Any, stranger: Any) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    number, second = study.study_cases.values_list("case__number", flat=True)[:2]
    client = client_of(lead)
    data = {"experiment": study.pk, "case_number": number, "question_key": "diagnosis", "value": "yes", "rule": "x"}
    assert client.post(page("referencestandard", "add"), data).status_code == 302
    assert client.post(page("referencestandard", "add"), data | {"value": "no"}).status_code == 302
    assert list(study.references.values_list("version", "value")) == [(2, '"no"'), (1, '"yes"')]
    bad = client.post(page("referencestandard", "add"), data | {"value": "maybe"})
    assert bad.status_code == 200
    assert 'class="errornote"' in bad.content.decode()

    text = f"case,question,value\n{second},diagnosis,yes\n"
    file = {"experiment": study.pk, "file": SimpleUploadedFile("r.csv", text.encode())}
    assert client.post(page("referencestandard", "import"), file).status_code == 302
    assert study.references.count() == 3

    grant_role(user=stranger, experiment=study, role="adjudicator", by=None)
    reader = client_of(stranger)
    reading = {key: value for key, value in data.items() if key != "rule"} | {"certainty": "80"}
    assert reader.post(page("adjudicatorreading", "add"), reading).status_code == 302
    assert reader.get(page("referencestandard", "add")).status_code == 403
    made = AdjudicatorReading.objects.get()
    assert (made.adjudicator, made.certainty) == (stranger, 80)
    client.post(page("adjudicatorreading"), {"action": "accept", "_selected_action": [made.pk]})
    assert study.references.filter(case=made.case).count() == 3


def test_roles_are_granted_and_revoked(study: Any, lead: Any, other_clinician: Any) -> None:
    client = client_of(lead)
    data = {"experiment": study.pk, "email": other_clinician.email, "role": "coordinator"}
    assert client.post(page("studyrole", "add"), data).status_code == 302
    role = StudyRole.objects.get(user=other_clinician)
    assert role.granted_by == lead
    client.post(page("studyrole"), {"action": "revoke", "_selected_action": [role.pk]})
    assert not StudyRole.objects.filter(user=other_clinician).exists()
    own = StudyRole.objects.get(user=lead)
    response = client.post(page("studyrole"), {"action": "revoke", "_selected_action": [own.pk]}, follow=True)
    assert "only lead" in response.content.decode()


def test_the_life_of_a_study_in_the_admin(draft: Any, lead: Any) -> None:
    client = client_of(lead)
    check = client.get(page("experiment", "activate", draft.pk)).content.decode()
    assert "Nothing stands against it." in check
    assert client.post(page("experiment", "activate", draft.pk), {"reason": ""}).status_code == 302
    for step, reason, status in (
        ("pause", "", 422), ("pause", "holiday", 302), ("resume", "", 302), ("complete", "all done", 302),
        ("pause", "again", 409), ("archive", "put away", 302),
    ):  # fmt: skip
        response = client.post(page("experiment", "step", draft.pk, step), {"reason": reason})
        assert response.status_code == status, step
    draft.refresh_from_db()
    assert draft.status == "archived"


def test_the_activation_check_names_what_is_missing_and_what_must_be_confirmed(lead: Any) -> None:
    arms = {"Odd": [factories.show("age"), factories.show("lab")]}
    study = factories.make_study(by=lead, arms=arms, active=False)
    client = client_of(lead)
    address = page("experiment", "activate", study.pk)
    assert 'value="later_stage_hides"' in client.get(address).content.decode()
    assert client.post(address, {}).status_code == 422
    assert client.post(address, {"confirmed": "later_stage_hides"}).status_code == 302
    empty = factories.make_study(by=lead, cases=0, arms={}, active=False)
    text = client.get(page("experiment", "activate", empty.pk)).content.decode()
    assert "must be mended first" in text
    assert "disabled" in text


def test_the_case_list_is_set_in_order_with_ranges_and_picks(draft: Any, lead: Any) -> None:
    version = draft.layout.current()
    for number in (31, 32, 33, 40):
        factories.make_case(layout_version=version, number=number)
    client = client_of(lead)
    address = page("experiment", "cases", draft.pk)
    assert client.post(address, {"numbers": "33, 31..32", "add": ["40"]}).status_code == 302
    assert list(draft.study_cases.values_list("case__number", flat=True)) == [33, 31, 32, 40]
    for numbers, expected in (
        ("31 99", "There is no case 99"),
        ("31 31", "Named twice"),
        ("x", "neither a case number"),
    ):
        response = client.post(address, {"numbers": numbers})
        assert response.status_code == 422
        assert expected in response.content.decode()
    assert draft.study_cases.count() == 4


def test_upload_preview_confirm_and_result_pages(lead: Any, clinician: Any) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    version = factories.make_layout()
    version.path_rules = {"advice_section": "RISK ASSESSMENT"}
    version.save()
    study = factories.make_study(by=lead, layout_version=version)
    factories.make_case(layout_version=version, number=77)
    enrolment = factories.make_enrolment(study, clinician)
    client = client_of(lead)
    text = (
        "User,Case No.,Path,Experiment\n"
        f"{clinician.email},77,Patient.Age,{study.code}\n"
        f"{clinician.email},77,RISK ASSESSMENT.Risk assessment: 12 %,{study.code}\n"
    )

    def send(content: str) -> Any:
        address = reverse("admin:experiments_display_configs")
        return client.post(address, {"file": SimpleUploadedFile("c.csv", content.encode())}, follow=True)

    assert "Choose a file first" in client.post(reverse("admin:experiments_display_configs"), {}).content.decode()
    bad = send(text.replace("Age", "Weight"))
    assert "no feature or category of this case is called so" in bad.content.decode()
    assert 'value="Upload"' not in bad.content.decode()

    shown = send(text)
    assert "12 %" in shown.content.decode()
    file = shown.context["file"]
    address = reverse("admin:experiments_display_configs_preview")
    assert client_of(client_user := factories.make_participant()).get(address).status_code in (302, 403), client_user
    client.post(address, {"file": file, "supplies": "1"})
    assert not enrolment.assignments.filter(case__number=77).exists()
    done = client.post(address, {"file": file, "supplies": "1", "confirm_supplies": "on"})
    assert "The file is uploaded." in done.content.decode()
    assert enrolment.assignments.filter(case__number=77).count() == 1
    assert client.get(f"{address}?file={file}").status_code == 302  # the file is gone
    assert client.get(f"{address}?file=../../etc").status_code == 302


# --- a case as arms show it


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


def test_accounts_are_links_only_for_who_may_open_them(study: Any, lead: Any, administrator: Any) -> None:
    """Read-only people of the page and of its inlines: Django would link each."""
    role = study.study_roles.get(user=lead)
    for address in (page("experiment", "change", study.pk), page("studyrole", "change", role.pk)):
        account = reverse("admin:participants_user_change", args=[lead.pk])
        text = client_of(lead).get(address).content.decode()
        assert str(lead) in text.split("</header>")[-1]
        assert "/admin/participants/user/" not in text
        assert account in client_of(administrator).get(address).content.decode()


def test_a_person_who_is_unknown_is_a_dash(study: Any, lead: Any) -> None:
    Experiment.objects.filter(pk=study.pk).update(created_by=None)
    text = client_of(lead).get(page("experiment", "change", study.pk)).content.decode()
    assert "None" not in text.split('class="form-row field-created_by"')[1].split("</div>\n")[0]


def test_a_frozen_question_is_shown_as_one_would_write_it(draft: Any, lead: Any) -> None:
    version = QuestionnaireVersion.objects.get(questionnaire__experiment=draft)
    Question.objects.create(
        version=version, position=90, key="pick", type="single_choice", text="Which?", options=["a <b>", "c"]
    )
    Question.objects.create(
        version=version,
        position=91,
        key="dose",
        type="number",
        text="Dose?",
        minimum="0.5000",
        maximum="100",
        unit="mg",
    )
    QuestionnaireVersion.objects.filter(pk=version.pk).update(frozen_at=version.created_at)
    text = client_of(lead).get(page("questionnaireversion", "change", version.pk)).content.decode()
    assert "1. a &lt;b&gt;<br>2. c<br>scoring: not scored" in text
    assert "minimum: 0.5<br>maximum: 100<br>unit: mg<br>scoring" in text
    assert "Order:" not in text
    assert "Tolerance:" not in text
    assert "[&quot;" not in text


def test_after_saving_a_questionnaire_there_is_a_way_back_to_the_study(draft: Any, lead: Any) -> None:
    client = client_of(lead)
    version = QuestionnaireVersion.objects.get(questionnaire__experiment=draft)
    address = page("questionnaireversion", "change", version.pk)
    data = form_of(client.get(address))
    assert "its column in exports" in client.get(address).content.decode()
    saved = client.post(address, data, follow=True).content.decode()
    assert f'<a href="{page("experiment", "change", draft.pk)}">Back to the study {draft.name}</a>' in saved


def test_a_new_stage_and_arm_begin_with_the_only_questionnaire(draft: Any, lead: Any) -> None:
    only = draft.questionnaires.get()
    arm = draft.arms.get(name="With advice")
    address = page("arm", "change", arm.pk)
    response = client_of(lead).get(address)
    [stages] = response.context["inline_admin_formsets"]
    added = stages.formset.empty_form
    row = {f"stages-1-{name}": added[name].value() for name in added.fields if added[name].value() is not None}
    assert row["stages-1-questionnaire"] == only.pk
    response = client_of(lead).post(address, form_of(response) | {"stages-TOTAL_FORMS": "2"} | row)
    assert response.status_code == 302, response.context["errors"]
    assert arm.stages.get(position=2).questionnaire == only

    address = page("experiment", "change", draft.pk)
    data = form_of(client_of(lead).get(address))
    data |= {"arms-TOTAL_FORMS": "4", "arms-3-name": "Fourth", "arms-3-weight": "1", "arms-3-position": "4"}
    response = client_of(lead).post(address, data)
    assert response.status_code == 302, response.context["errors"]
    assert draft.arms.get(name="Fourth").stages.get().questionnaire == only


def test_a_new_stage_chooses_where_there_are_two_questionnaires(draft: Any, lead: Any) -> None:
    factories.make_questionnaire(draft)
    response = client_of(lead).get(page("arm", "change", draft.arms.first().pk))
    [stages] = response.context["inline_admin_formsets"]
    assert stages.formset.empty_form["questionnaire"].value() is None


def test_what_happened_to_a_draw_is_on_its_page(study: Any, enrolled: Any, stranger: Any) -> None:
    grant_role(user=stranger, experiment=study, role="unblinded_analyst", by=None)
    run = AllocationRun.objects.get(experiment=study)
    AllocationRunEvent.objects.create(run=run, kind="cancelled", reason="drawn in error")
    text = client_of(stranger).get(page("allocationrun", "change", run.pk)).content.decode()
    assert "drawn in error" in text


@pytest.mark.parametrize(
    ("role", "seen"), [("unblinded_analyst", True), ("lead", False), ("coordinator", False), ("blinded_analyst", False)]
)
def test_what_an_assignment_discloses_is_shown_to_who_sees_its_arm(
    study: Any, enrolled: Any, stranger: Any, role: str, seen: bool
) -> None:
    grant_role(user=stranger, experiment=study, role=role, by=None)
    assignment = Assignment.objects.filter(enrolment=enrolled).first()
    assert assignment is not None
    AssignmentDisclosure.objects.create(
        assignment=assignment, disclosure_set=DisclosureSet.objects.first(), policy="its policy"
    )
    response = client_of(stranger).get(page("assignment", "change", assignment.pk))
    assert response.status_code == 200
    assert ("its policy" in response.content.decode()) is seen


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


@pytest.mark.parametrize("role", ["blinded_analyst", "coordinator"])
def test_who_completed_or_withdrew_themselves_is_named_by_pseudonym_only(
    study: Any, stranger: Any, enrolled: Any, clinician: Any, role: str
) -> None:
    withdraw(enrolment=enrolled, by=clinician, reason="no time")
    grant_role(user=stranger, experiment=study, role=role, by=None)
    answer = client_of(stranger).get(page("enrolment", "change", enrolled.pk)).content.decode()
    assert "the participant" in answer
    assert (clinician.email in answer) == (role == "coordinator")  # who enrols people knows them
