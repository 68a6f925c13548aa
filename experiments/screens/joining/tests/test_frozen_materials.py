"""What comes before the first case is what the protocol froze: an edit of the working design reaches no participant
before an amendment."""

import json

import pytest
from django.utils import translation

from experiments.actions.design import update_experiment
from experiments.actions.lifecycle import amend
from experiments.actions.questionnaires import copy_version, set_questions
from experiments.actions.reviews import open_review
from experiments.actions.submissions import submit
from experiments.actions.translations import set_languages, set_translations
from experiments.languages.sources import source_key
from experiments.languages.texts import texts_of_study
from experiments.models import QuestionnaireVersion
from experiments.screens.joining.feedback import WITH_FEEDBACK, feedback, training_reviews
from experiments.screens.joining.tests import helpers
from experiments.tests import factories

GERMAN = {"headers": {"Accept-Language": "de"}}
CONFIRMED = {*helpers.CONFIRMED, "missing_translations"}
OTHER = [{"key": "role", "type": "short_text", "text": "Your role?"}]


@pytest.fixture
def consented(study, reader, reading):
    """The reader's browser, after the consent."""
    reading.post(helpers.page(study, "consent"), helpers.signature(study))
    return reading


def shown(client, study, name, **sent) -> str:
    return client.get(helpers.page(study, name), **sent).content.decode()


def test_instructions_change_with_the_amendment(study, consented, owner, api, reader):
    update_experiment(experiment=study, instructions="Something else.", by=owner)
    assert "as you would on your ward" in shown(consented, study, "instructions")
    [row] = api(reader.user).get("/api/v2/studies").json()["results"]
    assert row["instructions"] == "Read each case as you would on your ward."
    amend(experiment=study, by=owner, reason="Better words.", confirmed=CONFIRMED)
    assert "Something else." in shown(consented, study, "instructions")


def test_instructions_that_are_taken_away_are_read_until_the_amendment(study, consented, owner):
    update_experiment(experiment=study, instructions="", by=owner)
    assert consented.get(helpers.page(study, "instructions")).status_code == 200
    protocol = amend(experiment=study, by=owner, reason="None.", confirmed=CONFIRMED)
    assert consented.get(helpers.page(study, "instructions")).status_code == 404
    assert (protocol.instructions, "instructions" in json.loads(protocol.content)) == ("", False)


def test_a_protocol_from_before_follows_the_working_design(study):
    study.protocol.instructions = None
    study.instructions = " As it is now. "
    assert study.instructions_in_force == "As it is now."


def test_another_questionnaire_about_the_reader_is_asked_from_the_amendment_on(study, consented, owner):
    other = factories.make_questionnaire(study, name="Other", questions=OTHER)
    QuestionnaireVersion.objects.filter(pk=other.pk).update(frozen_at=other.questionnaire.experiment.created_at)
    update_experiment(experiment=study, intake_questionnaire=other.questionnaire, by=owner)
    assert "How experienced are you?" in shown(consented, study, "intake")
    amend(experiment=study, by=owner, reason="Other questions.", confirmed=CONFIRMED)
    assert "Your role?" in shown(consented, study, "intake")


def test_a_newer_version_that_something_else_froze_is_not_asked(study, consented, owner):
    version = copy_version(version=study.intake_questionnaire.versions.get(), by=owner)
    set_questions(version=version, questions=OTHER, by=owner)
    QuestionnaireVersion.objects.filter(pk=version.pk).update(frozen_at=study.created_at)
    assert "How experienced are you?" in shown(consented, study, "intake")


def test_no_questionnaire_in_the_working_design_takes_none_away(study, consented, owner):
    update_experiment(experiment=study, intake_questionnaire=None, by=owner)
    assert "How experienced are you?" in shown(consented, study, "intake")
    amend(experiment=study, by=owner, reason="Nothing is asked.", confirmed=CONFIRMED)
    assert consented.get(helpers.page(study, "intake")).status_code == 404


def test_translations_are_those_of_the_protocol(study, consented, owner):
    instructions = source_key("Read each case as you would on your ward.")
    set_languages(experiment=study, languages=["en", "de"], by=owner)
    set_translations(experiment=study, language="de", texts={instructions: "Erste Fassung."}, by=owner)
    assert "as you would on your ward" in shown(consented, study, "instructions", **GERMAN)
    amend(experiment=study, by=owner, reason="In German.", confirmed=CONFIRMED)
    set_translations(experiment=study, language="de", texts={instructions: "Zweite Fassung."}, by=owner)
    assert "Erste Fassung." in shown(consented, study, "instructions", **GERMAN)


def test_so_are_those_of_a_consent_form_that_is_older_than_the_protocol(study, reader, reading, owner):
    set_languages(experiment=study, languages=["en", "de"], by=owner)
    key = source_key(helpers.CONSENT)
    set_translations(experiment=study, language="de", texts={key: "Erste Fassung."}, by=owner)
    assert "Erste Fassung." not in shown(reading, study, "consent", **GERMAN)
    amend(experiment=study, by=owner, reason="In German.", confirmed=CONFIRMED)
    set_translations(experiment=study, language="de", texts={key: "Zweite Fassung."}, by=owner)
    assert "Erste Fassung." in shown(reading, study, "consent", **GERMAN)


def test_the_study_teams_words_on_practice_are_in_force_at_once_in_every_language(study, reader, owner):
    study = set_languages(experiment=study, languages=["en", "de"], by=owner)
    said = study.training_cases.get().feedback
    set_translations(experiment=study, language="de", texts={source_key(said): "Rückmeldung."}, by=owner)
    reader.status = "active"
    reader.save()
    practised = helpers.practice(reader)
    assert practised
    for review in practised:
        open_review(public_id=review.public_id, by=reader.user)
        submit(public_id=review.public_id, answers={"diagnosis": "yes", "risk": "1"}, by=reader.user)
    reviews = list(training_reviews(reader).select_related(*WITH_FEEDBACK))
    with translation.override("de"):
        [one] = feedback(study, reviews, texts_of_study(study))
    assert (one.blocks[0].lines, one.language) == (("Rückmeldung.",), "de")
