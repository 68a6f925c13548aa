"""Setting a study's attention check: by versions, audited, and off where nobody set one."""

from __future__ import annotations

import json
from unicodedata import normalize

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.models import AuditEvent
from experiments.actions.attention_checks import set_attention_check
from experiments.actions.design import create_experiment
from experiments.actions.lifecycle import complete
from experiments.actions.questionnaires import create_questionnaire
from experiments.answers import QuestionDefinition, canonical_answer
from experiments.attention import CHECK_KEY, TEXT, Check, has_passed, is_due, with_check
from experiments.models import AttentionCheck, Experiment, Question
from experiments.tests import factories


@pytest.fixture
def experiment(layout_version, owner):
    return create_experiment(name="A study", by=owner, layout=layout_version.layout)


def test_a_new_study_begins_with_augmeds_check(experiment, owner):
    check = AttentionCheck.objects.current(experiment)
    assert (check.number, check.every, check.place, check.created_by) == (1, 10, None, owner)
    assert check.text == "Attention Check \N{EN DASH} please read carefully and select 'All of the above' below"
    assert check.options == [
        "I wasn\N{RIGHT SINGLE QUOTATION MARK}t really reading",
        "I\N{RIGHT SINGLE QUOTATION MARK}m just clicking through",
        "I prefer not to answer",
        "All of the above",
    ]
    assert check.right_answer == check.options[-1]


def test_each_change_is_a_version_and_is_audited(experiment, owner):
    check = set_attention_check(experiment=experiment, by=owner, every=5, place=1)
    assert (check.number, check.every, check.place) == (2, 5, 1)
    assert check.text == AttentionCheck.objects.get(number=1).text
    event = AuditEvent.objects.filter(action="attention_check_changed").get()
    assert json.loads(event.data) == {"number": 2, "every": 5, "place": 1}
    off = set_attention_check(experiment=experiment, by=owner, every=None)
    assert (off.number, off.every, off.place) == (3, None, 1)


def test_setting_what_is_set_makes_no_version(experiment, owner):
    assert set_attention_check(experiment=experiment, by=owner, every=10).number == 1
    assert not AuditEvent.objects.filter(action="attention_check_changed").exists()


def test_a_study_without_one_gets_its_first_version(experiment, owner):
    study = Experiment.objects.create(name="From before", layout=experiment.layout)
    assert AttentionCheck.objects.current(study) is None
    check = set_attention_check(
        experiment=study, by=owner, text="  Choose blue. ", options=["red", "blue"], right_answer="blue"
    )
    assert (check.number, check.every, check.text) == (1, None, "Choose blue.")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"every": 0}, "every"),
        ({"every": True}, "every"),
        ({"every": 2**31}, "every"),
        ({"place": -1}, "place"),
        ({"text": " "}, "text"),
        ({"text": "a\x00"}, "text"),
        ({"options": ["only one"]}, "options"),
        ({"options": ["twice", "twice"]}, "options"),
        ({"options": "red"}, "options"),
        ({"options": ["red", "blue"]}, "right_answer"),
        ({"right_answer": "none of them"}, "right_answer"),
        ({"number": 4}, "number"),
    ],
)
def test_what_contradicts_itself_is_refused(experiment, owner, fields, wrong):
    with pytest.raises(Invalid) as refused:
        set_attention_check(experiment=experiment, by=owner, **fields)
    assert wrong in refused.value.errors
    assert AttentionCheck.objects.get().number == 1


def test_a_study_that_is_over_keeps_its_check(study, owner):
    complete(experiment=study, by=owner, reason="done")
    with pytest.raises(Conflict):
        set_attention_check(experiment=study, by=owner, every=3)


def test_no_question_takes_the_key_of_the_check(experiment, owner):
    questions = [{"key": CHECK_KEY, "type": "short_text", "text": "Well?"}]
    with pytest.raises(Invalid) as refused:
        create_questionnaire(experiment=experiment, name="Asked", questions=questions, by=owner)
    assert list(refused.value.errors) == ["questions.0.key"]


def test_where_a_question_has_the_key_from_before_no_check_is_switched_on(experiment, owner):
    set_attention_check(experiment=experiment, by=owner, every=None)
    version = factories.make_questionnaire(experiment)
    Question.objects.filter(version=version, position=1).update(key=CHECK_KEY)
    with pytest.raises(Invalid) as refused:
        set_attention_check(experiment=experiment, by=owner, every=2)
    assert list(refused.value.errors) == ["every"]
    assert set_attention_check(experiment=experiment, by=owner, place=2).number == 3


def test_no_question_and_check_of_a_study_have_the_same_words(experiment, owner):
    questions = [{"key": "diagnosis", "type": "short_text", "text": "Which diagnosis?"}]
    create_questionnaire(experiment=experiment, name="Asked", questions=questions, by=owner)
    with pytest.raises(Invalid) as refused:
        set_attention_check(experiment=experiment, by=owner, text="Which diagnosis?")
    assert list(refused.value.errors) == ["text"]
    said = [{**questions[0], "text": TEXT}]
    with pytest.raises(Invalid) as refused:
        create_questionnaire(experiment=experiment, name="Another", questions=said, by=owner)
    assert list(refused.value.errors) == ["questions.0.text"]
    set_attention_check(experiment=experiment, by=owner, every=None)
    assert create_questionnaire(experiment=experiment, name="Another", questions=said, by=owner).number == 1


def test_the_key_does_not_tell_what_it_is():
    assert not {"attention", "check"} & set(CHECK_KEY.split("-"))


OPTION = st.text(min_size=1, max_size=20).filter(str.strip)
CHECKS = st.lists(OPTION, min_size=2, max_size=5, unique_by=str.strip).flatmap(
    lambda options: st.builds(
        Check,
        st.just(1),
        st.none() | st.integers(1, 12),
        st.just("Which?"),
        st.just(tuple(options)),
        st.sampled_from(options),
    )
)


@given(CHECKS, st.integers(0, 8))
def test_every_question_stays_in_its_order_and_the_check_is_there_once(check, count):
    questions = [QuestionDefinition(key=f"q{number}", type="short_text") for number in range(count)]
    asked = with_check(questions, check)
    assert [question for question in asked if question.key != CHECK_KEY] == questions
    place = [question.key for question in asked].index(CHECK_KEY) + 1
    assert place == (count + 1 if check.place is None else min(check.place, count + 1))


@given(st.integers(1, 50), st.integers(1, 500), st.integers(1, 3))
def test_one_of_n_assignments_asks_at_its_first_stage(every, position, stage):
    due = is_due(every, position=position, stage_position=stage)
    assert due == (stage == 1 and position in range(every, position + 1, every))
    assert not is_due(None, position=position, stage_position=stage)


@given(CHECKS)
def test_exactly_one_option_passes(check):
    assume(len({normalize("NFC", option.strip()) for option in check.options}) == len(check.options))
    answers = [canonical_answer(check.question, option) for option in check.options]
    assert sum(has_passed(check, answer) for answer in answers) == 1
