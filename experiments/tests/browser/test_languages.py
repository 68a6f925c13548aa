"""The screens in other languages, in Chromium: a clinician's whole way in German, and long words on a phone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse
from django.utils import translation
from playwright.sync_api import Locator, Page, expect

from experiments.actions.consent_versions import publish_consent_document
from experiments.actions.enrolment import enrol
from experiments.actions.lifecycle import activate
from experiments.actions.reviews import open_review
from experiments.actions.translations import set_languages, set_translations
from experiments.languages.sources import study_sources
from experiments.models import Answer, ConsentRecord, IntakeSubmission, Review, ReviewOpening, StudyTranslation
from experiments.screens.joining.tests.helpers import CONFIRMED, joining_study, practice
from experiments.tests import factories
from participants.models import Profile

pytestmark = pytest.mark.browser

PASSWORD = "a long Passphrase 1!"
ENGLISH = re.compile(r"\b(the|your|you|and|of|are|this|with|from|have|please|answers?|cases?|study|saved)\b", re.I)
SAID = """() => {
  const attributes = ["title", "alt", "placeholder", "aria-label", "aria-description"];
  const marked = [...document.querySelectorAll(attributes.map((name) => `[${name}]`).join())]
    .flatMap((element) => attributes.map((name) => element.getAttribute(name) ?? ""));
  return [document.title, document.body.textContent, ...marked].join(" ");
}"""
GERMAN = {
    "Which diagnosis?": "Welche Diagnose?",
    "How likely?": "Wie wahrscheinlich?",
    "yes": "ja",
    "no": "nein",
    "How experienced are you?": "Wie erfahren sind Sie?",
    "< 5 years": "weniger als 5 Jahre",
    "more": "mehr",
    "Years since you qualified": "Jahre seit der Approbation",
    "Laboratory": "Labor",
    "Findings": "Befunde",
}
LONG = {
    "de": "Blutgerinnungsfaktorenmangeldiagnostikergebnisse",
    "fr": "anticonstitutionnellement-oto-rhino-laryngologiquement",
    "es": "electroencefalografistas-esternocleidomastoideas",
}


def translated(study: Any, language: str, by: Any) -> Any:
    """Every text of the study in the language: German where it is told here, else in words that are not English."""
    study = set_languages(experiment=study, languages=["en", language], by=by)
    known = GERMAN if language == "de" else {}
    texts = {
        source.key: known.get(source.text, f"{LONG[language]} {number}")
        for number, source in enumerate(study_sources(study), start=1)
    }
    set_translations(experiment=study, language=language, texts=texts, by=by)
    return study


@pytest.fixture
def study(lead: Any) -> Any:
    """One that asks everything before the first case, and then one case in two stages."""
    arms = {"Advice afterwards": factories.ARMS["Advice afterwards"]}
    return joining_study(lead, cases=1, arms=arms, active=False)


def began(study: Any, language: str, by: Any) -> Any:
    study = translated(study, language, by)
    activate(experiment=study, by=by, confirmed=CONFIRMED)
    return study


@pytest.fixture
def german(fits: Any, picture: Any, no_barriers: Any) -> Any:
    """Look at a page: German in every word, no wider than the phone, without barriers."""

    def look(page: Page, name: str) -> None:
        expect(page.locator("html")).to_have_attribute("lang", "de")
        picture(page, f"de-{name}")
        said = page.evaluate(SAID)
        assert sorted(set(ENGLISH.findall(said))) == [], said
        fits(page)
        no_barriers(page)

    return look


def press(what: Locator) -> None:
    """A press that leads to another page."""
    with what.page.expect_navigation():
        what.click()


def answer(page: Page, chance: str) -> None:
    page.locator('[data-q="diagnosis"]').get_by_label("ja").check()
    page.locator("#q-risk").fill(chance)
    press(page.get_by_role("button", name="Antworten senden"))


def test_a_clinician_goes_the_whole_way(browse: Any, german: Any, study: Any, lead: Any, clinician: Any) -> None:
    study = began(study, "de", lead)
    enrolment = enrol(experiment=study, user=clinician, by=lead)
    page = browse(None, width=390, locale="de-DE")

    page.goto("/sign-in/")
    german(page, "01-sign-in")
    page.get_by_label("E-Mail-Adresse").fill(clinician.email)
    page.get_by_label("Passwort").fill("wrong")
    press(page.get_by_role("button", name="Anmelden"))
    expect(page.get_by_role("alert")).to_be_visible()
    german(page, "02-sign-in-wrong")
    page.get_by_label("Passwort").fill(PASSWORD)
    press(page.get_by_role("button", name="Anmelden"))

    german(page, "03-home")
    press(page.get_by_role("link", name="Einwilligungserklärung lesen und unterschreiben"))
    press(page.get_by_role("button", name="Unterschreiben und teilnehmen"))
    german(page, "04-consent-wrong")
    page.get_by_label("Ihr vollständiger Name als Unterschrift").fill("Dr. Ada Lesende")
    page.get_by_label("Ich habe den Text oben gelesen").check()
    press(page.get_by_role("button", name="Unterschreiben und teilnehmen"))

    page.goto("/home/")
    press(page.get_by_role("link", name="Fragen zu Ihrer Person beantworten"))
    press(page.get_by_role("button", name="Speichern und weiter"))
    expect(page.get_by_text("Diese Frage muss beantwortet werden.").first).to_be_visible()
    german(page, "05-intake-wrong")
    page.get_by_label("mehr").check()
    press(page.get_by_role("button", name="Speichern und weiter"))

    page.goto("/home/")
    press(page.get_by_role("link", name="Anleitung lesen"))
    german(page, "06-instructions")
    press(page.get_by_role("button", name="Ich habe sie gelesen"))
    page.goto("/home/")
    press(page.get_by_role("link", name="Üben, bevor Sie beginnen"))
    german(page, "07-practice")
    press(page.get_by_role("button", name="Mit dem Üben beginnen"))
    press(page.get_by_role("button", name="Fall öffnen"))
    page.wait_for_selector("#answers")
    german(page, "08-practice-case")
    answer(page, "40")
    german(page, "09-practice-answered")

    page.goto("/home/")
    while (more := page.get_by_role("link", name="Üben, bevor Sie beginnen")).count():  # the case's second reading
        press(more)
        press(page.get_by_role("button", name="Weiter üben"))
        press(page.get_by_role("button", name="Fall öffnen"))
        answer(page, "45")
        german(page, "10-practice-feedback")
        page.goto("/home/")

    press(page.get_by_role("link", name="Zum nächsten Fall"))
    german(page, "11-unopened")
    press(page.get_by_role("button", name="Fall öffnen"))
    page.wait_for_selector("#answers")
    german(page, "12-case")
    press(page.get_by_role("button", name="Antworten senden"))
    german(page, "13-case-wrong")
    answer(page, "40")
    german(page, "14-first-answer")
    press(page.get_by_role("button", name="Mit diesem Fall weitermachen"))
    page.wait_for_selector("#answers")
    german(page, "15-second-reading")
    answer(page, "60")
    german(page, "16-done")
    page.goto("/home/")
    german(page, "17-home-done")
    page.goto("/account/")
    german(page, "18-account")
    page.goto(f"/studies/{study.code}/withdraw/")
    german(page, "19-leave")

    real = Review.objects.filter(assignment__enrolment=enrolment)
    assert set(ReviewOpening.objects.filter(review__in=real).values_list("language", flat=True)) == {"de"}
    assert IntakeSubmission.objects.get(enrolment=enrolment).language == "de"
    assert ConsentRecord.objects.get(enrolment=enrolment).signature.language == "de"
    diagnoses = Answer.objects.filter(submission__review__in=real, question_key="diagnosis")
    assert set(diagnoses.values_list("value", flat=True)) == {'"yes"'}


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_long_words_break_no_page_on_a_phone(
    browse: Any, fits: Any, picture: Any, no_barriers: Any, study: Any, lead: Any, clinician: Any, language: str
) -> None:
    publish_consent_document(experiment=study, title="Long", text="Paragraph\n\n- one\n- two", by=lead)
    study = began(study, language, lead)
    enrolment = enrol(experiment=study, user=clinician, by=lead)
    Profile.objects.filter(user=clinician).update(language=language)
    page = browse(clinician, width=390)

    def look(name: str, path: str) -> None:
        page.goto(path)
        expect(page.locator("html")).to_have_attribute("lang", language)
        picture(page, f"{language}-{name}")
        fits(page)
        no_barriers(page)

    look("consent", f"/studies/{study.code}/consent/")
    page.locator("#name").fill("Dr. Ada Reader")
    page.locator("#agrees").check()
    press(page.locator("button[name=sign]"))
    look("intake", f"/studies/{study.code}/intake/")
    page.locator("[value=more]").check()
    press(page.locator("main form button[type=submit]"))
    look("instructions", f"/studies/{study.code}/instructions/")
    press(page.locator("main form button[type=submit]"))
    look("leave", f"/studies/{study.code}/withdraw/")
    look("practice", f"/studies/{study.code}/training/")
    first = practice(enrolment)[0]
    with translation.override(language):
        open_review(public_id=first.public_id, by=clinician, translated=True)
    look("case", f"/reviews/{first.public_id}/")
    assert LONG[language] in page.evaluate(SAID)
    look("home", "/home/")
    look("account", "/account/")
    look("password", reverse("change_password"))


def test_the_choice_of_a_language_is_one_press(browse: Any, clinician: Any) -> None:
    page = browse(None, locale="fr-FR")
    page.goto("/sign-in/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Se connecter")
    page.get_by_label("Langue").select_option("es")
    press(page.get_by_role("button", name="Changer"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Iniciar sesión")
    expect(page.locator("html")).to_have_attribute("lang", "es")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1024, "dark")])
def test_a_researcher_translates(
    browse: Any, picture: Any, no_barriers: Any, study: Any, lead: Any, width: int, scheme: str
) -> None:
    page = browse(lead, width=width, scheme=scheme)
    page.goto(reverse("admin:experiments_experiment_languages", args=[study.pk]))
    page.get_by_role("checkbox", name="German").check()
    press(page.get_by_role("button", name="Save"))
    picture(page, f"admin-languages-{width}-{scheme}")
    no_barriers(page)
    press(page.get_by_role("link", name="German", exact=True))
    page.get_by_role("textbox", name="Which diagnosis?").fill("Welche Diagnose?")
    press(page.get_by_role("button", name="Save"))
    expect(page.get_by_text("1 written, 0 removed")).to_be_visible()
    picture(page, f"admin-texts-{width}-{scheme}")
    no_barriers(page)
    assert StudyTranslation.objects.get().text == "Welche Diagnose?"
