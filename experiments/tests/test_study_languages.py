"""A study's texts in other languages: what can be translated, what is missing, what a protocol keeps of it."""

from __future__ import annotations

import json

import pytest
from django.utils import translation

from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.models import AuditEvent
from experiments.actions.attention_checks import set_attention_check
from experiments.actions.lifecycle import activate, activation_problems, amend
from experiments.actions.translations import import_translations, set_languages, set_translations
from experiments.languages.missing import language_states
from experiments.languages.sources import source_key, study_sources
from experiments.languages.texts import StudyTexts, texts_of_design, texts_of_protocol, texts_of_review
from experiments.models import ConsentDocument, Experiment, StudyTranslation, TrainingCase
from experiments.tests import factories

QUESTIONS = [
    {
        "key": "severity",
        "type": "scale",
        "text": "How severe is it?",
        "help": "As you see it now.",
        "minimum": 1,
        "maximum": 5,
        "low_label": "mild",
        "high_label": "severe",
    },
    {"key": "size", "type": "number", "text": "How large?", "unit": "centimetres"},
    {"key": "grade", "type": "single_choice", "text": "Which grade?", "options": ["1", "2", "none"]},
]
GERMAN = {"Which grade?": "Welcher Grad?", "none": "keiner", "How severe is it?": "Wie schwer ist es?"}


@pytest.fixture
def draft(lead):
    return factories.make_study(by=lead, active=False, questions=QUESTIONS, name="Reading lungs", instructions="Read.")


@pytest.fixture
def german(draft, lead):
    """The draft in English and German, three of its texts translated."""
    study = set_languages(experiment=draft, languages=["en", "de"], by=lead)
    set_translations(experiment=study, language="de", texts=by_key(GERMAN), by=lead)
    return study


def by_key(texts):
    return {source_key(source): text for source, text in texts.items()}


def sources(experiment):
    return {source.text: source.places for source in study_sources(experiment)}


def test_every_text_that_a_reader_meets_is_listed_once_with_its_places(draft):
    ConsentDocument.objects.create(experiment=draft, number=1, title="Old", text="Old words")
    ConsentDocument.objects.create(experiment=draft, number=2, title="Consent", text="We ask you.\r\n\r\nYes?")
    draft.intake_questionnaire = factories.make_questionnaire(
        draft, questions=[{"key": "years", "type": "number", "text": "How many years?", "unit": "years"}]
    ).questionnaire
    draft.save()
    case = draft.study_cases.first().case
    TrainingCase.objects.create(experiment=draft, case=case, feedback="It was benign.")
    found = sources(draft)
    assert found["Reading lungs"] == ("Name of the study",)
    assert found["We ask you.\n\nYes?"] == ("Consent",)
    assert found["How many years?"] == ("About the reader: years",)
    assert found["years"] == ("About the reader: years, unit",)
    assert found["It was benign."] == ("Training case 1, feedback",)
    assert found["severe"] == ("Question: severity, high label",)
    assert found["centimetres"] == ("Question: size, unit",)
    assert found["none"] == ("Question: grade, option",)
    assert found["Laboratory"] == ("Case page, category",)
    assert found["All of the above"] == ("Attention check, option",)
    assert not {"Old", "Old words", "1", "2", "Laboratory value", "Hemoglobin"} & found.keys()
    assert list(found)[:3] == ["Reading lungs", "Consent", "We ask you.\n\nYes?"]


def test_a_text_used_twice_is_translated_once(draft):
    questions = [{**QUESTIONS[2], "key": "again", "text": "And now?"}]
    draft.intake_questionnaire = factories.make_questionnaire(draft, questions=questions).questionnaire
    draft.save()
    assert sources(draft)["none"] == ("About the reader: again, option", "Question: grade, option")


def test_a_check_that_is_off_asks_for_no_translation(draft, lead):
    set_attention_check(experiment=draft, every=None, by=lead)
    assert "All of the above" not in sources(draft)


def test_the_number_of_statements_is_the_same_for_many_texts(draft, lead, django_assert_max_num_queries):
    many = [{"key": f"q{at}", "type": "paragraph", "text": f"Question {at}?"} for at in range(60)]
    draft.intake_questionnaire = factories.make_questionnaire(draft, questions=many).questionnaire
    draft.save()
    study = set_languages(experiment=draft, languages=["en", "de", "fr"], by=lead)
    with django_assert_max_num_queries(10):
        assert len(language_states(Experiment.objects.select_related("layout").get(pk=study.pk))) == 2


def test_what_is_translated_is_shown_and_what_is_not_stays(german):
    with translation.override("de"):
        texts = texts_of_design(german)
    assert texts.language == "de"
    assert texts("Which grade?") == "Welcher Grad?"
    assert texts("How large?") == "How large?"


def test_line_ends_and_unicode_forms_make_no_other_text():
    texts = StudyTexts("de", {"Gr\u00f6sse\nund Form?": "x"})
    assert texts("Gro\u0308sse\r\nund Form? ") == "x"


@pytest.mark.parametrize("page", ["fr", "en"])
def test_a_language_that_the_study_lacks_shows_its_own(german, page, django_assert_num_queries):
    with translation.override(page), django_assert_num_queries(0):
        texts = texts_of_design(german)
        assert (texts.language, texts("none")) == ("en", "none")


def test_missing_texts_are_counted_before_activation_and_can_be_confirmed(german, lead):
    total = len(study_sources(german))
    [problem] = [one for one in activation_problems(german) if one.code == "missing_translations"]
    assert problem.confirmable
    assert f"German {total - 3} of {total} texts" in problem.message
    with pytest.raises(Invalid) as refused:
        activate(experiment=german, by=lead, confirmed={"later_stage_hides"})
    assert refused.value.code == "needs_confirmation"
    activate(experiment=german, by=lead, confirmed={"later_stage_hides", "missing_translations"})


def test_a_study_that_is_wholly_translated_has_nothing_to_confirm(german, lead):
    set_translations(
        experiment=german, language="de", texts={one.key: f"DE {one.text}" for one in study_sources(german)}, by=lead
    )
    assert "missing_translations" not in {one.code for one in activation_problems(german)}


def test_a_text_that_changes_is_missing_again(german, lead):
    [before] = language_states(german)
    german.questionnaires.get().versions.get().questions.filter(key="grade").update(text="Which grade now?")
    [after] = language_states(german)
    assert (before.done, after.done) == (3, 2)


def activated(study, lead):
    return activate(experiment=study, by=lead, confirmed={"later_stage_hides", "missing_translations"})


def test_a_study_in_english_alone_freezes_what_it_always_froze(draft, lead):
    content = json.loads(activated(draft, lead).protocol.content)
    assert not {"languages", "translations"} & content.keys()


def test_a_protocol_keeps_the_words_of_its_activation(german, lead, django_assert_num_queries):
    protocol = activated(german, lead).protocol
    set_translations(experiment=german, language="de", texts=by_key({"none": "nichts"}), by=lead)
    with translation.override("de-at"):
        assert texts_of_protocol(protocol.pk)("none") == "keiner"
        assert texts_of_design(german)("none") == "nichts"
        amended = amend(experiment=german, by=lead, reason="words", confirmed={"missing_translations"})
        assert texts_of_protocol(amended.pk)("none") == "nichts"
        assert texts_of_protocol(protocol.pk)("none") == "keiner"
        with django_assert_num_queries(0):
            texts_of_review(protocol_id=protocol.pk, experiment_id=german.pk)


def test_only_texts_in_use_are_frozen(german, lead):
    german.questionnaires.get().versions.get().questions.filter(key="grade").update(text="Which grade now?")
    content = json.loads(activated(german, lead).protocol.content)
    assert content["languages"] == ["en", "de"]
    assert content["translations"] == {"de": {"none": "keiner", "How severe is it?": "Wie schwer ist es?"}}


def test_a_study_written_in_german_says_so_in_its_protocol(draft, lead):
    set_languages(experiment=draft, languages=["de"], by=lead)
    protocol = activated(Experiment.objects.get(pk=draft.pk), lead).protocol
    assert texts_of_protocol(protocol.pk).language == "de"


def test_a_review_without_protocol_goes_by_the_working_design(german):
    with translation.override("de"):
        assert texts_of_review(protocol_id=None, experiment_id=german.pk)("none") == "keiner"


def test_an_empty_translation_takes_it_away_and_the_old_words_stay_in_the_audit_trail(german, lead):
    done = set_translations(
        experiment=german, language="de", texts=by_key({"none": " ", "Which grade?": "Welcher Grad?"}), by=lead
    )
    assert (done.written, done.removed, done.kept) == (0, 1, 1)
    event = AuditEvent.objects.filter(action="translations_changed").latest("pk")
    assert json.loads(event.data) == {
        "language": "de",
        "written": 0,
        "removed": 1,
        "replaced": {source_key("none"): "keiner"},
    }


def test_the_same_again_writes_nothing(german, lead):
    before = AuditEvent.objects.count(), list(StudyTranslation.objects.values())
    set_translations(experiment=german, language="de", texts=by_key(GERMAN), by=lead)
    set_languages(experiment=german, languages=["en", "de"], by=lead)
    assert (AuditEvent.objects.count(), list(StudyTranslation.objects.values())) == before


@pytest.mark.parametrize(
    ("language", "texts"),
    [("fr", {}), ("en", {}), ("de", {"0" * 64: "x"}), ("de", by_key({"none": "a\x00"}))],
)
def test_what_does_not_belong_to_the_study_is_refused(german, lead, language, texts):
    with pytest.raises(Invalid):
        set_translations(experiment=german, language=language, texts=texts, by=lead)
    assert StudyTranslation.objects.count() == 3


@pytest.mark.parametrize("languages", [[], ["en", "en"], ["it"], ["en", "xx"]])
def test_languages_are_those_that_the_screens_have(draft, lead, languages):
    with pytest.raises(Invalid):
        set_languages(experiment=draft, languages=languages, by=lead)


def test_a_study_that_is_over_keeps_its_words(german, lead):
    Experiment.objects.filter(pk=german.pk).update(status=Experiment.Status.COMPLETED)
    with pytest.raises(Conflict):
        set_translations(experiment=german, language="de", texts=by_key({"none": "x"}), by=lead)
    with pytest.raises(Conflict):
        set_languages(experiment=german, languages=["en"], by=lead)


def test_a_language_taken_out_and_back_has_its_texts_still(german, lead):
    set_languages(experiment=german, languages=["en"], by=lead)
    assert language_states(Experiment.objects.get(pk=german.pk)) == []
    study = set_languages(experiment=german, languages=["en", "de"], by=lead)
    assert language_states(study)[0].done == 3


def test_a_list_is_taken_in(german, lead):
    content = 'place;source;translation\r\nx;"How large?";"Wie groß?"\r\n;none;keine\r\n;mild;\r\n'
    done = import_translations(experiment=german, language="de", content=content.encode("utf-8-sig"), by=lead)
    assert (done.written, done.removed, done.kept) == (2, 0, 0)
    assert StudyTranslation.objects.get(source="none").text == "keine"


def test_a_list_with_a_wrong_row_changes_nothing(german, lead):
    content = "source,translation\nHow large?,a\nHow wide?,b\nHow large?,c\n"
    with pytest.raises(Invalid) as refused:
        import_translations(experiment=german, language="de", content=content, by=lead)
    assert sorted(refused.value.errors) == ["line 3", "line 4"]
    assert StudyTranslation.objects.count() == 3
