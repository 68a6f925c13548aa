"""A study that is written in another language than English: made in the administration, read by clinicians whose
screens are in whichever language they chose."""

import pytest
from django.test import Client
from django.urls import reverse

from experiments.actions.consent_versions import publish_consent_document
from experiments.actions.design import add_arm, create_experiment, set_case_list, update_experiment
from experiments.actions.lifecycle import activate, activation_problems
from experiments.actions.translations import set_languages, set_translations
from experiments.languages.sources import study_sources
from experiments.models import (
    AttentionCheck,
    ConsentSignature,
    Experiment,
    IntakeSubmission,
    Review,
    ReviewOpening,
)
from experiments.tests import factories

TITLE, TEXT = "Aufklärung und Einwilligung", "Wir untersuchen, wie Ärztinnen und Ärzte urteilen."
READ_FIRST = "Lesen Sie jeden Fall wie auf Ihrer Station."
ABOUT = [{"key": "jahre", "type": "number", "text": "Wie viele Jahre arbeiten Sie schon?"}]
ASKED = [
    {"key": "diagnose", "type": "single_choice", "text": "Welche Diagnose stellen Sie?", "options": ["ja", "nein"]}
]


def client_of(user, language="en") -> Client:
    client = Client(headers={"Accept-Language": language})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def german_study(lead) -> Experiment:
    """Written in German, in draft, with all that comes before the first case."""
    layout = factories.make_layout()
    made = create_experiment(name="Bauchschmerz", by=lead, language="de", layout=layout.layout, instructions=READ_FIRST)
    about = factories.make_questionnaire(made, name="Zur Person", questions=ABOUT).questionnaire
    questionnaire = factories.make_questionnaire(made, questions=ASKED).questionnaire
    set_case_list(experiment=made, cases=[factories.make_case(layout_version=layout)], by=lead)
    stage = {"questionnaire": questionnaire, "cells": factories.show(*factories.CLINICAL)}
    add_arm(experiment=made, name="Ohne Hinweis", stages=[stage], by=lead)
    update_experiment(experiment=made, consent_required=True, intake_questionnaire=about, by=lead)
    publish_consent_document(experiment=made, title=TITLE, text=TEXT, by=lead)
    return made


def test_the_language_is_chosen_where_a_study_is_made(administrator):
    client = client_of(administrator)
    page = reverse("admin:experiments_experiment_add")
    form = client.get(page).context["adminform"].form
    assert "exp-" not in client.get(page).content.decode()  # the code is drawn when the study is stored
    assert [code for code, _ in form.fields["language"].choices] == ["en", "de", "fr", "es"]
    sent = {name: form.initial.get(name) or field.initial or "" for name, field in form.fields.items()}
    sent = {name: value for name, value in sent.items() if not isinstance(value, bool)}
    sent |= {"name": "Bauchschmerz", "language": "de", "block_multiples": "1, 2", "strata": "", "layout": ""}
    answer = client.post(page, sent)
    assert answer.status_code == 302, answer.context["adminform"].errors
    made = Experiment.objects.get(name="Bauchschmerz")
    assert made.languages == ["de"]
    assert AttentionCheck.objects.get(experiment=made).right_answer == "Alles davon"


def test_the_check_follows_the_language_of_a_draft_unless_somebody_wrote_their_own(lead):
    made = create_experiment(name="Douleur", by=lead)
    set_languages(experiment=made, languages=["fr"], by=lead)
    assert AttentionCheck.objects.current(made).options[-1] == "Tout cela"
    AttentionCheck.objects.create(
        experiment=made, number=9, every=5, text="Stop?", options=["a", "b"], right_answer="a", created_by=lead
    )
    set_languages(experiment=made, languages=["es"], by=lead)
    assert AttentionCheck.objects.current(made).text == "Stop?"


@pytest.mark.parametrize("screen", ["en", "de", "fr"])
def test_a_study_in_german_alone_is_german_on_screens_of_every_language(lead, clinician, screen):
    study = german_study(lead)
    assert "missing_translations" not in {problem.code for problem in activation_problems(study)}
    activate(experiment=study, by=lead)
    enrolment = factories.make_enrolment(study, clinician)
    client = client_of(clinician, screen)

    def shown(address: str) -> str:
        body = client.get(address).content.decode()
        assert f'<html lang="{screen}"' in body
        return body

    home = shown("/home/")
    assert '<h2 id="study-' in home
    assert 'lang="de">Bauchschmerz' in home
    assert ("in this language" in home) == (screen == "en")
    consent = shown(f"/studies/{study.code}/consent/")
    assert f'lang="de" aria-labelledby="document-title">\n  <h2 id="document-title">{TITLE}</h2>' in consent
    sent = {"name": "Dr. Ada Reader", "agrees": "yes", "sign": "1"}
    client.post(
        f"/studies/{study.code}/consent/", {**sent, "shown": consent.split('name="shown" value="')[1].split('"')[0]}
    )
    assert ConsentSignature.objects.get(record__enrolment=enrolment).language == "de"
    intake = shown(f"/studies/{study.code}/intake/")
    assert intake.index('<div lang="de">') < intake.index(ABOUT[0]["text"])
    version = study.intake_questionnaire.versions.get()
    client.post(f"/studies/{study.code}/intake/", {"version": str(version.public_id), "q.jahre": "12"})
    assert IntakeSubmission.objects.get(enrolment=enrolment).language == "de"
    assert f'<article class="card words" lang="de"><p>{READ_FIRST}</p>' in shown(f"/studies/{study.code}/instructions/")
    client.post(f"/studies/{study.code}/instructions/")
    review = Review.objects.get(assignment__enrolment=enrolment)
    client.post(f"/reviews/{review.public_id}/open/")
    body = shown(f"/reviews/{review.public_id}/")
    assert ASKED[0]["text"] in body
    assert body.index('lang="de"') < body.index(ASKED[0]["text"])
    assert ReviewOpening.objects.get(review=review).language == "de"


def test_german_with_english_translations_gives_each_reader_their_own(lead, clinician, other_clinician):
    study = german_study(lead)
    study = set_languages(experiment=study, languages=["de", "en"], by=lead)
    [problem] = [one for one in activation_problems(study) if one.code == "missing_translations"]
    assert "English" in problem.message
    texts = {source.key: f"EN {source.text}" for source in study_sources(study)}
    set_translations(experiment=study, language="en", texts=texts, by=lead)
    assert "missing_translations" not in {one.code for one in activation_problems(study)}
    activate(experiment=study, by=lead)
    page = f"/studies/{study.code}/consent/"
    for person in (clinician, other_clinician):
        factories.make_enrolment(study, person)
    english = client_of(clinician, "en").get(page).content.decode()
    assert f'<h2 id="document-title">EN {TITLE}</h2>' in english
    french = client_of(other_clinician, "fr").get(page).content.decode()
    assert f'<h2 id="document-title">{TITLE}</h2>' in french


def test_the_language_of_an_activated_study_stays(lead):
    study = german_study(lead)
    activate(experiment=study, by=lead)
    client = client_of(lead)
    page = reverse("admin:experiments_experiment_languages", args=[study.pk])
    assert "Written in German." in client.get(page).content.decode()
    body = client.post(page, {"first": "en", "languages": ["en", "de"]}, follow=True).content.decode()
    assert "its answers stored, stays" in body
    assert client.post(page, {"first": "de", "languages": ["de", "en"]}).status_code == 302
    study.refresh_from_db()
    assert study.languages == ["de", "en"]
