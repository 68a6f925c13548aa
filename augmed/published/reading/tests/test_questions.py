"""Laws of the questions: the client can ask every one, and what it sends back means what was asked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from augmed.published.envelope import data_body
from augmed.published.reading.questions import answers_by_key, client_questions, quoted
from augmed.published.reading.tests import client_schema
from experiments.answers import QuestionDefinition, canonical_answer, validate

titles = st.sampled_from(("How sure?", "How sure? (2)", "Risk", "")) | st.text(
    st.characters(exclude_categories=("Cs", "Cc")), max_size=8
)
words = st.sampled_from(("", "low", "very high", "5"))
options = st.lists(st.sampled_from(("yes", "no", "1", "0", "a: b", "All of the above")), min_size=2, unique=True)


@st.composite
def questions(draw: st.DrawFn, key: str = "q") -> QuestionDefinition:
    kind = draw(
        st.sampled_from(
            ("short_text", "paragraph", "single_choice", "multiple_choice", "number", "scale", "probability", "date")
        )
    )
    low = Decimal(draw(st.integers(-20, 20))) / draw(st.sampled_from((1, 2)))
    high = low + Decimal(draw(st.integers(0, 30))) / draw(st.sampled_from((1, 2)))
    numeric = kind in ("number", "scale", "probability")
    bounded = kind == "scale" or (kind == "number" and draw(st.booleans()))
    return QuestionDefinition(
        key=key,
        type=kind,
        text=draw(titles),
        help=draw(words),
        required=draw(st.booleans()),
        options=tuple(draw(options)) if kind.endswith("choice") else (),
        minimum=low if bounded else None,
        maximum=high if bounded else None,
        decimals=draw(st.none() | st.integers(0, 2)) if numeric else None,
        unit=draw(words) if numeric else "",
        low_label=draw(words) if kind == "scale" else "",
        high_label=draw(words) if kind == "scale" else "",
    )


questionnaires = st.integers(1, 5).flatmap(lambda count: st.tuples(*(questions(f"q{at}") for at in range(count))))


@given(questionnaires)
def test_every_questionnaire_can_be_asked(asked):
    listed = [question.to_json() for question in client_questions(asked)]
    body = {"id": "0" * 32, "config": listed, "created_timestamp": "2020-01-01T00:00:00"}
    client_schema.ANSWER_CONFIG.validate(data_body(body))
    assert len({question["title"] for question in listed}) == len(asked)
    assert [question["required"] for question in listed] == [question.required for question in asked]


def typed(data: st.DataObject, question: QuestionDefinition) -> Any:
    """A valid answer as one means it."""
    low, high = question.bounds
    if question.type == "single_choice":
        return data.draw(st.sampled_from(question.options))
    if question.type == "multiple_choice":
        return data.draw(st.permutations(question.options))
    if question.type in ("short_text", "paragraph"):
        return data.draw(st.sampled_from(("a", "0", "yes")))
    if question.type == "date":
        return "2020-02-29"
    least = Decimal(-3) if low is None else low
    most = least + 40 if high is None else high
    whole = st.integers(int(least.to_integral_value("ROUND_CEILING")), int(most.to_integral_value("ROUND_FLOOR")))
    assume(least.to_integral_value("ROUND_CEILING") <= most.to_integral_value("ROUND_FLOOR"))
    return str(data.draw(whole))


@given(questionnaires, st.data())
def test_what_is_sent_back_by_title_means_what_was_asked(asked, data):
    shown = client_questions(asked)
    meant = {question.key: typed(data, question) for question in asked}
    sent = {}
    for question in shown:
        value = meant[question.key]
        by_value = {meaning: option for option, meaning in question.values.items()}
        sent[question.title] = by_value[value] if by_value else value
        assert not question.options or question.type == "MultipleChoice" or sent[question.title] in question.options
    assert validate(asked, answers_by_key(shown, sent)) == validate(asked, meant)


@given(questions(), st.data())
def test_every_option_of_a_choice_can_be_taken(asked, data):
    [shown] = client_questions([asked])
    for option in shown.options:
        sent = [option] if shown.type == "MultipleChoice" else option
        found = answers_by_key([shown], {shown.title: sent})
        assert canonical_answer(asked, found["q"]) is not None


def test_what_was_not_asked_is_kept_to_be_refused():
    shown = client_questions([QuestionDefinition(key="risk", type="short_text", text="Title")])
    assert answers_by_key(shown, {"risk": "a", "Title": "b"}) == {quoted("risk"): "a", "risk": "b"}


def test_titles_say_what_a_typed_answer_must_be():
    asked = [
        QuestionDefinition(key="a", type="probability", text="How likely?"),
        QuestionDefinition(key="b", type="number", text="Dose?", minimum=Decimal(0), unit="mg", decimals=2),
        QuestionDefinition(key="c", type="date", text="When?"),
        QuestionDefinition(
            key="d", type="scale", text="Sure?", minimum=Decimal(1), maximum=Decimal(3), low_label="no", unit="points"
        ),
        QuestionDefinition(key="e", type="scale", text="Pain?", minimum=Decimal(0), maximum=Decimal(100)),
        QuestionDefinition(key="f", type="short_text", text="When?", help="Roughly."),
    ]
    assert [question.to_json() for question in client_questions(asked)] == [
        {"type": "Text", "title": "How likely? (number, 0 to 100 %)", "required": True},
        {"type": "Text", "title": "Dose? (number, at least 0 mg, at most 2 decimals)", "required": True},
        {"type": "Text", "title": "When? (date, YYYY-MM-DD)", "required": True},
        {"type": "SingleChoice", "title": "Sure? (points)", "required": True, "options": ["1 – no", "2", "3"]},
        {"type": "Text", "title": "Pain? (whole number, 0 to 100)", "required": True},
        {"type": "Text", "title": "When? Roughly.", "required": True},
    ]
