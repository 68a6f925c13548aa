"""The researcher's pages of joining: consent form, questions about the reader, training cases."""

from __future__ import annotations

import pytest
from django.urls import reverse

from experiments.actions.lifecycle import complete
from experiments.actions.roles import grant_role
from experiments.actions.translations import set_languages
from experiments.models import ConsentDocument, TrainingCase
from experiments.screens.joining.tests import helpers
from experiments.tests import factories
from experiments.tests.admin_pages.pages import client_of

CONSENT = {"title": "Information", "text": "Read this.\r\n\r\n- It is free"}


def address(study, name):
    return reverse(f"admin:experiments_experiment_{name}", args=[study.pk])


def rows(*given, initial=0):
    """What the form of training cases sends: (number, feedback, order)."""
    sent = {"form-TOTAL_FORMS": str(len(given)), "form-INITIAL_FORMS": str(initial), "form-MAX_NUM_FORMS": "20"}
    for at, (number, feedback, order) in enumerate(given):
        sent |= {f"form-{at}-number": number, f"form-{at}-feedback": feedback, f"form-{at}-ORDER": order}
    return sent


@pytest.fixture
def study(owner):
    return helpers.joining_study(owner)


@pytest.fixture
def coordinator(make_user, study, owner):
    person = make_user("coordinator@example.org", is_staff=True)
    grant_role(user=person, experiment=study, role="coordinator", by=owner)
    return person


def test_the_study_page_leads_to_them_and_chooses_among_its_own(study, owner):
    other = factories.make_study(by=owner)
    body = client_of(owner).get(reverse("admin:experiments_experiment_change", args=[study.pk])).content.decode()
    assert address(study, "consent") in body
    assert address(study, "training") in body
    assert ">About you</option>" in body
    assert f'<option value="{other.arms.first().pk}"' not in body


def test_the_questions_about_the_reader_are_chosen_on_the_study_page(owner):
    study = helpers.joining_study(owner, intake=False, active=False)
    questionnaire = factories.make_questionnaire(study, name="About you", questions=helpers.ABOUT).questionnaire
    client = client_of(owner)
    page = reverse("admin:experiments_experiment_change", args=[study.pk])
    form = client.get(page).context["adminform"].form
    sent = {name: form.initial.get(name) or "" for name in form.fields if not isinstance(form.initial.get(name), bool)}
    sent |= {
        "intake_questionnaire": questionnaire.pk,
        "consent_required": "on",
        "block_multiples": "1, 2",
        "strata": "",
    }
    for prefix in ("arms", "study_cases", "protocol_versions", "transitions", "allocation_requests"):
        sent |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    assert client.post(page, sent).status_code == 302
    study.refresh_from_db()
    assert study.intake_questionnaire == questionnaire


def test_a_version_of_the_consent_form_is_published(study, owner):
    client = client_of(owner)
    assert "As participants read it" in client.get(address(study, "consent")).content.decode()
    body = client.post(address(study, "consent"), CONSENT, follow=True).content.decode()
    assert "Version 2 is signed from now on." in body
    assert "<ul><li>It is free</li></ul>" in body
    newest = ConsentDocument.objects.filter(experiment=study).order_by("-number").first()
    assert (newest.title, newest.text, newest.created_by) == ("Information", "Read this.\n\n- It is free", owner)
    assert "Nothing was changed: " in client.post(address(study, "consent"), CONSENT, follow=True).content.decode()


def test_where_somebody_takes_part_the_form_asks_who_signs_again(study, owner, clinician):
    client = client_of(owner)
    assert 'name="asks_again"' not in client.get(address(study, "consent")).content.decode()
    enrolment = factories.make_enrolment(study, clinician)
    client_of(clinician).post(helpers.page(study, "consent"), helpers.signature(study))
    body = client.get(address(study, "consent")).content.decode()
    assert 'name="asks_again"' in body
    assert "checked" not in body  # nothing is chosen beforehand
    unsaid = client.post(address(study, "consent"), CONSENT)
    assert (unsaid.status_code, list(unsaid.context["form"].errors)) == (422, ["asks_again"])
    silent = client.post(address(study, "consent"), {**CONSENT, "asks_again": "yes"})
    assert (silent.status_code, "what_changed" in silent.context["form"].errors) == (422, True)
    said = {**CONSENT, "asks_again": "yes", "what_changed": "It is free."}
    body = client.post(address(study, "consent"), said, follow=True).content.decode()
    assert "Version 2 is signed from now on. Those who take part are asked to sign it before they go on." in body
    enrolment.refresh_from_db()
    assert (enrolment.status, enrolment.asked_again.number) == ("awaiting_consent", 2)


def test_a_version_is_published_with_its_translations_and_says_which_are_missing(study, owner):
    set_languages(experiment=study, languages=["en", "de", "fr"], by=owner)
    german = {"title_de": "Aufklärung", "text_de": "Lesen Sie dies."}
    body = client_of(owner).post(address(study, "consent"), {**CONSENT, **german}, follow=True).content.decode()
    assert "Not translated into French: readers meet it in English." in body
    assert '<article class="module words" lang="de"><h3>Aufklärung</h3>' in body
    again = client_of(owner).get(address(study, "consent")).context["form"]
    assert again["text_de"].value() is None  # an old translation would pass for one of the new text


def test_a_form_without_text_is_shown_again(study, owner):
    answer = client_of(owner).post(address(study, "consent"), {"title": "Information", "text": " "})
    assert answer.status_code == 422
    assert ConsentDocument.objects.filter(experiment=study).count() == 1


def test_training_cases_are_set_in_the_order_given(study, owner):
    first = study.training_cases.get()
    second = factories.make_case(layout_version=study.protocol.layout_version)
    sent = rows((first.case.number, "A", "2"), (second.number, "B", "1"), ("", "", ""), initial=1)
    body = client_of(owner).post(address(study, "training"), sent, follow=True).content.decode()
    assert "The study has 2 training cases." in body
    listed = TrainingCase.objects.filter(experiment=study).values_list("case", "position", "feedback")
    assert list(listed) == [(second.pk, 1, "B"), (first.case.pk, 2, "A")]


@pytest.mark.parametrize("number", ["999999", "text"])
def test_a_case_that_is_not_there_is_named_and_what_was_typed_stays(study, owner, number):
    answer = client_of(owner).post(address(study, "training"), rows((number, "Kept feedback", "1")))
    assert answer.status_code == 422
    assert "Kept feedback" in answer.content.decode()
    assert study.training_cases.count() == 1


def test_a_case_that_is_not_prepared_is_refused_in_a_running_study(study, owner):
    answer = client_of(owner).post(address(study, "training"), rows((factories.make_case().number, "", "1")))
    assert (answer.status_code, "Not built under" in answer.content.decode()) == (422, True)


def test_a_row_is_taken_out_by_its_number(study, owner):
    client_of(owner).post(address(study, "training"), rows(("", "", "1"), initial=1))
    assert not study.training_cases.exists()


@pytest.mark.parametrize("name", ["consent", "training"])
def test_who_may(study, owner, coordinator, stranger, clinician, client, name):
    """Leads change, whoever holds a role in the study reads, nobody else finds it."""
    sent = CONSENT if name == "consent" else rows()
    assert client_of(owner).get(address(study, name)).status_code == 200
    assert client_of(coordinator).get(address(study, name)).status_code == 200
    assert client_of(coordinator).post(address(study, name), sent).status_code == 403
    assert client_of(stranger).get(address(study, name)).status_code in (403, 404)
    assert client_of(clinician).get(address(study, name)).status_code == 302
    assert client.get(address(study, name)).status_code == 302


@pytest.mark.parametrize("name", ["consent", "training"])
def test_a_closed_study_is_changed_no_more(study, owner, name):
    complete(experiment=study, by=owner, reason="Enough.")
    client = client_of(owner)
    assert client.get(address(study, name)).status_code == 200
    assert client.post(address(study, name), CONSENT if name == "consent" else rows()).status_code == 403


def test_the_signature_is_shown_to_those_who_enrol_and_to_nobody_else(study, owner, coordinator, clinician, make_user):
    enrolment = factories.make_enrolment(study, clinician)
    client_of(clinician).post(helpers.page(study, "consent"), helpers.signature(study))
    page = reverse("admin:experiments_enrolment_change", args=[enrolment.pk])
    assert "Dr. Ada Reader (en)" in client_of(coordinator).get(page).content.decode()
    analyst = make_user("analyst@example.org", is_staff=True)
    grant_role(user=analyst, experiment=study, role="blinded_analyst", by=owner)
    assert "Ada" not in client_of(analyst).get(page).content.decode()
    assert ">1<" in client_of(analyst).get(address(study, "consent")).content.decode()  # how many signed


def test_a_new_stage_does_not_begin_with_the_questions_about_the_reader(study):
    from experiments.admin.inlines import only_questionnaire

    assert only_questionnaire(study) == study.questionnaires.exclude(name="About you").get()


@pytest.mark.parametrize(("role", "knows"), [("coordinator", False), ("blinded_analyst", False), ("lead", True)])
def test_the_arm_to_practise_in_is_named_to_those_who_may_see_arms(study, owner, make_user, role, knows):
    study.training_arm = study.arms.get(name="Advice afterwards")
    study.save()
    person = make_user(f"{role}-of-arms@example.org", is_staff=True)
    grant_role(user=person, experiment=study, role=role, by=owner)
    page = client_of(person).get(reverse("admin:experiments_experiment_change", args=[study.pk]))
    assert page.status_code == 200
    assert ("Advice afterwards" in page.content.decode()) == knows
