"""The questions about display configs: keys from words, one questionnaire, whose newest version counts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augmed.foundation.errors import Forbidden, Invalid
from experiments.actions.display_config_questions import ask_about_display_configs
from experiments.attention import CHECK_KEY, TEXT
from experiments.display_configs.question_keys import keys_for
from experiments.models import Experiment, Questionnaire, QuestionnaireVersion
from experiments.tests import factories

asked = st.lists(
    st.tuples(st.text(max_size=120), st.sampled_from(["short_text", "single_choice"])), unique=True, max_size=8
)


@given(asked, asked)
def test_keys_are_valid_differ_and_stay(first: list[tuple[str, str]], second: list[tuple[str, str]]) -> None:
    keys = keys_for(first, [])
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,79}", key) and key != CHECK_KEY for key in keys)
    known = [(*question, key) for question, key in zip(first, keys, strict=True)]
    later = dict(zip(second, keys_for(second, known), strict=True))
    assert all(later.get(question, key) == key for question, key in zip(first, keys, strict=True))
    assert not {key for question, key in later.items() if question not in first} & set(keys)


def test_a_key_can_be_read() -> None:
    questions = [("How would you assess the patient's risk?", "single_choice"), ("Größe (cm)", "short_text")]
    assert keys_for(questions, []) == ["how-would-you-assess-the-patient-s-risk", "groe-cm"]
    assert keys_for([("One more", "short_text"), ("?", "short_text")], []) == ["one-more-2", "question"]


QUESTIONS: list[dict[str, Any]] = [
    {"type": "single_choice", "text": "Risk?", "required": True, "options": ["low", "high"]},
    {"type": "paragraph", "text": "Remarks", "required": False},
]


@pytest.fixture
def layout(db: None) -> Any:
    return factories.make_layout(is_default=True)


def test_the_first_questions_begin_the_study(layout: Any, administrator: Any) -> None:
    version = ask_about_display_configs(questions=QUESTIONS, by=administrator)
    assert version.questionnaire.experiment == Experiment.objects.get(kind="configs")
    assert list(version.questions.values_list("key", "required")) == [("risk", True), ("remarks", False)]


def test_changed_questions_are_a_new_version_and_the_same_ones_are_not(layout: Any, administrator: Any) -> None:
    first = ask_about_display_configs(questions=QUESTIONS, by=administrator)
    assert ask_about_display_configs(questions=QUESTIONS, by=administrator) == first
    second = ask_about_display_configs(questions=QUESTIONS[::-1], by=administrator)
    assert (second.number, Questionnaire.objects.count(), QuestionnaireVersion.objects.count()) == (2, 1, 2)
    assert list(second.questions.values_list("key", flat=True)) == ["remarks", "risk"]
    assert list(first.questions.values_list("key", flat=True)) == ["risk", "remarks"]


def test_a_question_of_another_type_is_another_question(layout: Any, administrator: Any) -> None:
    ask_about_display_configs(questions=QUESTIONS, by=administrator)
    version = ask_about_display_configs(questions=[{"type": "paragraph", "text": "Risk?"}], by=administrator)
    assert version.questions.get().key == "risk-2"


def test_who_may_not_design_changes_nothing(layout: Any, administrator: Any, stranger: Any) -> None:
    with pytest.raises(Forbidden):
        ask_about_display_configs(questions=QUESTIONS, by=stranger)
    ask_about_display_configs(questions=QUESTIONS, by=administrator)
    with pytest.raises(Forbidden):
        ask_about_display_configs(questions=QUESTIONS[:1], by=stranger)
    assert QuestionnaireVersion.objects.count() == 1


def test_questions_that_are_refused_leave_no_study(layout: Any, administrator: Any) -> None:
    wrong = [{"type": "single_choice", "text": "Risk?", "options": ["low"]}]
    with pytest.raises(Invalid):
        ask_about_display_configs(questions=wrong, by=administrator)
    assert not Experiment.objects.exists()


def test_the_words_of_the_attention_check_are_taken(layout: Any, administrator: Any) -> None:
    with pytest.raises(Invalid, match="attention check"):
        ask_about_display_configs(questions=[{"type": "paragraph", "text": TEXT}], by=administrator)
