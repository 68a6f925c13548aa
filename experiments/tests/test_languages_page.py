"""The admin pages of a study's languages and of its texts in one of them."""

from __future__ import annotations

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from experiments.actions.design import update_stage
from experiments.actions.lifecycle import activate
from experiments.actions.roles import grant_role
from experiments.actions.translations import set_languages, set_translations
from experiments.languages.sources import source_key, study_sources
from experiments.models import Experiment, StudyTranslation
from experiments.tests import factories
from experiments.tests.admin_pages.pages import client_of

QUESTION = "Which diagnosis?"


def address(experiment, name="", *more):
    return reverse(f"admin:experiments_experiment_languages{name}", args=[experiment.pk, *more])


@pytest.fixture
def german(draft, lead):
    return set_languages(experiment=draft, languages=["en", "de"], by=lead)


def fields(page, **typed):
    """What a browser sends of the page: every text as it stands, but for what was typed (by source)."""
    sent = {}
    for source, text, was, _ in page.context["rows"]:
        sent[f"was-{source.key}"] = was
        sent[f"text-{source.key}"] = typed.get(source.text, text).replace("\n", "\r\n")
    return sent


def test_the_languages_are_chosen(draft, lead):
    client = client_of(lead)
    assert "The study is in English alone." in client.get(address(draft)).content.decode()
    sent = {"first": "de", "languages": ["de", "fr"]}
    page = client.post(address(draft), sent, follow=True).content.decode()
    assert Experiment.objects.get(pk=draft.pk).languages == ["de", "fr"]
    assert address(draft, "_texts", "fr") in page
    assert "Not complete" in page


def test_a_wrong_choice_is_refused_with_a_reason(draft, lead):
    page = client_of(lead).post(address(draft), {"first": "xx"}, follow=True).content.decode()
    assert "Choose at least one language" in page
    assert Experiment.objects.get(pk=draft.pk).languages == ["en"]


def test_texts_are_typed_and_what_is_missing_stands_first(german, lead):
    client = client_of(lead)
    page = client.get(address(german, "_texts", "de"))
    said = client.post(
        address(german, "_texts", "de"), fields(page, **{QUESTION: "Welche Diagnose?\nBitte eine."}), follow=True
    )
    assert "1 written, 0 removed, 0 as before." in said.content.decode()
    assert StudyTranslation.objects.get().text == "Welche Diagnose?\nBitte eine."
    rows = [(source.text, text) for source, text, *_ in said.context["rows"]]
    assert rows[-1] == (QUESTION, "Welche Diagnose?\nBitte eine.")
    assert {text for _, text in rows[:-1]} == {""}


def test_sending_the_page_as_it_stands_changes_nothing(german, lead):
    set_translations(experiment=german, language="de", texts={source_key(QUESTION): "Welche?\n\nBitte."}, by=lead)
    client = client_of(lead)
    page = client.get(address(german, "_texts", "de"))
    said = client.post(address(german, "_texts", "de"), fields(page), follow=True)
    assert "0 written, 0 removed, 0 as before." in said.content.decode()


def test_what_somebody_else_wrote_meanwhile_stays(german, lead):
    client = client_of(lead)
    page = client.get(address(german, "_texts", "de"))
    set_translations(experiment=german, language="de", texts={source_key(QUESTION): "Welche?"}, by=lead)
    client.post(address(german, "_texts", "de"), fields(page, yes="ja"))
    assert dict(StudyTranslation.objects.values_list("source", "text")) == {QUESTION: "Welche?", "yes": "ja"}


def test_the_list_comes_as_a_csv_and_is_taken_back(german, lead):
    german.instructions = "- Read.\n- Answer."
    german.save()
    client = client_of(lead)
    answer = client.get(address(german, "_csv", "de"))
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{german.code}-de.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == len(study_sources(german))
    written = io.StringIO()
    table = csv.DictWriter(written, fieldnames=rows[0])
    table.writeheader()
    table.writerows({**row, "translation": f"={row['source']}"} for row in rows)
    file = SimpleUploadedFile("de.csv", written.getvalue().encode())
    said = client.post(address(german, "_import", "de"), {"file": file}, follow=True)
    assert f"{len(rows)} written" in said.content.decode()
    assert said.context["state"].missing == 0
    again = client.get(address(german, "_csv", "de")).content.decode("utf-8-sig")
    assert "'- Read." in again
    assert "'=" in again


@pytest.mark.parametrize("content", [b"\xff", b"place\nx\n", b"source,translation\nNot of this study,x\n", None])
def test_a_wrong_list_is_refused_with_its_place(german, lead, content):
    sent = {} if content is None else {"file": SimpleUploadedFile("de.csv", content)}
    said = client_of(lead).post(address(german, "_import", "de"), sent, follow=True)
    assert 'class="error"' in said.content.decode()
    assert not StudyTranslation.objects.exists()


@pytest.mark.parametrize("code", ["en", "fr", "xx"])
def test_a_language_that_is_not_translated_has_no_page(german, lead, code):
    client = client_of(lead)
    assert client.get(address(german, "_texts", code)).status_code == 404
    assert client.get(address(german, "_csv", code)).status_code == 404
    assert client.post(address(german, "_import", code)).status_code == 404


@pytest.mark.parametrize("role", ["coordinator", "blinded_analyst", "unblinded_analyst", "adjudicator"])
def test_others_of_the_study_read_but_do_not_write(german, stranger, role):
    grant_role(user=stranger, experiment=german, role=role, by=None)
    client = client_of(stranger)
    for page in (address(german), address(german, "_texts", "de")):
        assert client.get(page).status_code == 200
        assert 'type="submit" class="default"' not in client.get(page).content.decode()
        assert client.post(page, {}).status_code == 403
    assert client.get(address(german, "_csv", "de")).status_code == 200
    assert client.post(address(german, "_import", "de"), {}).status_code == 403


@pytest.mark.parametrize(
    ("role", "sees"), [("coordinator", False), ("adjudicator", False), ("unblinded_analyst", True)]
)
def test_what_tells_of_an_arm_is_listed_for_those_who_see_the_arms(german, lead, stranger, role, sees):
    terms = {"hidden_until_asked": True, "reveal_cost": "2", "reveal_cost_unit": "points"}
    update_stage(stage=german.arms.first().stages.first(), by=lead, **terms)
    grant_role(user=stranger, experiment=german, role=role, by=None)
    client = client_of(stranger)
    page, table = (client.get(address(german, name, "de")).content.decode() for name in ("_texts", "_csv"))
    for text in ("points", "Cost of asking", "Case page", "Laboratory"):
        assert (text in page, text in table) == (sees, sees), text
    assert QUESTION in table
    count = len(study_sources(german, of_arms=sees))
    assert f'<td class="number">{count}</td>' in client.get(address(german)).content.decode()


def test_strangers_find_nothing(german, stranger):
    client = client_of(stranger)
    for page in (address(german), address(german, "_texts", "de"), address(german, "_csv", "de")):
        assert client.get(page).status_code == 404
    assert client.post(address(german, "_import", "de"), {}).status_code == 404


def test_a_running_study_says_when_reviews_follow(german, lead):
    activate(experiment=german, by=lead, confirmed={"later_stage_hides", "missing_translations"})
    client = client_of(lead)
    page = client.get(address(german, "_texts", "de"))
    said = client.post(address(german, "_texts", "de"), fields(page, yes="ja"), follow=True)
    assert "Readers meet it with the next amendment." in said.content.decode()


def test_a_study_that_is_over_is_read_only(german, lead):
    Experiment.objects.filter(pk=german.pk).update(status=Experiment.Status.COMPLETED)
    page = client_of(lead).get(address(german, "_texts", "de"))
    assert "<textarea" not in page.content.decode()


def test_the_page_of_many_texts_costs_what_that_of_few_costs(german, lead, django_assert_max_num_queries):
    many = [{"key": f"q{at}", "type": "paragraph", "text": f"Question {at}?"} for at in range(150)]
    german.intake_questionnaire = factories.make_questionnaire(german, questions=many).questionnaire
    german.save()
    client = client_of(lead)
    client.get(address(german, "_texts", "de"))
    with django_assert_max_num_queries(25):
        assert len(client.get(address(german, "_texts", "de")).context["rows"]) > 150


def test_the_study_page_leads_there_and_the_check_before_activation_tells(german, lead):
    client = client_of(lead)
    study = client.get(reverse("admin:experiments_experiment_change", args=[german.pk])).content.decode()
    assert address(german) in study
    check = client.get(reverse("admin:experiments_experiment_activate", args=[german.pk])).content.decode()
    assert "Not translated yet: German" in check


def test_no_text_of_a_study_is_run_as_markup(german, lead):
    german.instructions = "<script>alert(1)</script></textarea>"
    german.save()
    page = client_of(lead).get(address(german, "_texts", "de")).content.decode()
    assert "<script>alert" not in page
