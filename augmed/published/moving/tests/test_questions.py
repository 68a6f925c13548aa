"""Laws of turning AugMed's questions and answers into ours: nothing is lost, and nothing unfit becomes an answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augmed.published.moving import questions as science
from augmed.published.moving.questions import NotQuestions, by_text, converted, text_of
from experiments.answers import canonical_answer
from experiments.attention import CHECK_KEY, OPTIONS, RIGHT_ANSWER, TEXT, Check
from experiments.design.question_forms import definition, read_questions
from experiments.display_configs.question_keys import keys_for

CHECK = Check(1, None, TEXT, OPTIONS, RIGHT_ANSWER).question
words = st.text(max_size=30)
options = st.lists(words, max_size=4)
question = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["Text", "Paragraph", "SingleChoice", "MultipleChoice", "Slider", None]),
        "title": st.one_of(words, st.none()),
        "required": st.sampled_from([True, False, "true", "", None]),
        "options": st.one_of(options, words, st.none()),
    },
)
configs = st.lists(question, min_size=1, max_size=6)
values = st.one_of(words, st.lists(words, max_size=3), st.none(), st.integers(), st.decimals(allow_nan=False))


def keyed(config: list[Any], before: list[tuple[str, str, str]]) -> list[dict[str, Any]]:
    made = converted(config).questions
    keys = keys_for([(one["text"], one["type"]) for one in made], before)
    return [{**one, "key": key} for one, key in zip(made, keys, strict=True)]


def definitions_of(config: list[Any]) -> dict[str, Any]:
    return by_text([definition(one) for one in read_questions(keyed(config, []))])


@given(configs)
def test_every_list_of_questions_becomes_questions_that_are_accepted(config):
    read = read_questions(keyed(config, []))  # the check that every live questionnaire passes
    assert {one.text for one in read} == {text_of(one.get("title")) for one in config}
    assert CHECK_KEY not in {one.key for one in read}
    assert len(config) == len(read) + sum("left out" in remark for remark in converted(config).remarks)


@given(configs, configs)
def test_a_key_has_one_type_in_all_versions(config, other):
    first = keyed(config, [])
    second = keyed(other, [(one["text"], one["type"], one["key"]) for one in first])
    read_questions(second, types_elsewhere={one["key"]: one["type"] for one in first})


@given(configs, st.data())
def test_no_value_is_lost(config, data):
    """Each title is answered, or it is told why not; then all of it is kept as it was."""
    asked = definitions_of(config)
    titles = st.one_of(st.sampled_from(sorted(asked)), words, st.just(TEXT))
    answer = data.draw(st.dictionaries(titles, values, max_size=6))
    made = science.given(answer, asked, CHECK)
    not_taken = {one.title for one in made.not_taken}
    assert {one.title: one.value for one in made.not_taken} == {title: answer[title] for title in not_taken}
    for title, value in answer.items():
        if title in not_taken:
            assert not made.is_exact
            continue
        known = asked.get(text_of(title), CHECK)
        stored = made.check if known is CHECK else made.answers.get(known.key)
        canonical = canonical_answer(known, value)
        if canonical is not None:  # else this title is blank, and another may mean the same question
            assert stored == canonical
        if made.is_exact and value:
            assert stored == value


@given(configs, st.data())
def test_an_answer_is_what_a_live_answer_could_be(config, data):
    asked = definitions_of(config)
    answer = data.draw(st.dictionaries(st.sampled_from(sorted(asked)), values, max_size=6))
    made = science.given(answer, asked, CHECK)
    by_key = {one.key: one for one in asked.values()}
    for key, stored in made.answers.items():
        assert canonical_answer(by_key[key], stored) == stored


def test_an_empty_title_and_a_missing_type_are_kept():
    made = converted([{"title": ""}, {"title": " Why? ", "type": "Text"}])
    assert [(one["text"], one["type"]) for one in made.questions] == [
        ("(no title)", "paragraph"),
        ("Why?", "short_text"),
    ]
    assert "no type" in made.remarks[0]


def test_a_title_twice_is_one_question():
    made = converted([{"title": "A", "type": "Text"}, {"title": "A ", "type": "Paragraph"}])
    assert [one["type"] for one in made.questions] == ["short_text"]
    assert "question 2 has the title of an earlier one" in made.remarks[0]


def test_required_is_read_as_the_client_read_it():
    said = zip("abc", ("false", "", None), strict=True)
    made = converted([{"title": title, "type": "Text", "required": required} for title, required in said])
    assert [one["required"] for one in made.questions] == [True, False, False]


@pytest.mark.parametrize("config", [None, [], {}, {"config": []}, "x", ["x"], [{"title": str(n)} for n in range(201)]])
def test_what_is_no_list_of_questions(config):
    with pytest.raises(NotQuestions):
        converted(config)


def test_numbers_are_no_text():
    asked = by_text([definition(one) for one in read_questions([{"key": "a", "type": "paragraph", "text": "A"}])])
    made = science.given({"A": Decimal("1.5")}, asked, CHECK)
    assert [(one.title, one.value) for one in made.not_taken] == [("A", Decimal("1.5"))]
