"""The questions of a form as values: each type's control, what a form sends back, first answers beside new ones."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.formats import date_format
from hypothesis import given
from hypothesis import strategies as st

from experiments.answers import AnswerErrors, Problem, QuestionDefinition, validate
from experiments.screens.answering.controls import Control
from experiments.screens.answering.panel import AnswerPanel, answer_panel
from experiments.screens.answering.said import said
from experiments.screens.answering.tests.questions import ALL_TYPES, ANSWERS, posted
from experiments.screens.answering.written import answers_from_post, number_as_written, values_from_post


def question(**fields: Any) -> QuestionDefinition:
    for bound in ("minimum", "maximum"):
        if fields.get(bound) is not None:
            fields[bound] = Decimal(fields[bound])
    if "options" in fields:
        fields["options"] = tuple(fields["options"])
    return QuestionDefinition(**fields)


DEFINITIONS = tuple(question(**fields) for fields in ALL_TYPES)


def as_written(text: str) -> str:
    return text


def panel(**options: Any) -> AnswerPanel:
    return answer_panel(DEFINITIONS, texts=options.pop("texts", as_written), **options)


def control(key: str, **options: Any) -> Control:
    return next(one for one in panel(**options).controls if one.key == key)


def one(definition: QuestionDefinition, value: Any = "") -> Control:
    return answer_panel([definition], texts=as_written, values={definition.key: value}).controls[0]


def sent(answers: dict[str, Any]) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, value in posted(answers).items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return data


def test_every_type_has_a_control_of_its_own() -> None:
    kinds = {made.key: made.kind for made in panel().controls}
    assert kinds == {
        "diagnosis": "choice",
        "findings": "choices",
        "risk": "slider",
        "sure": "scale",
        "urgency": "slider",
        "dose": "number",
        "seen": "date",
        "next": "text",
        "remarks": "paragraph",
    }


@pytest.mark.parametrize(
    ("low", "high", "decimals", "kind"),
    [
        ("0", "10", None, "scale"),
        ("0", "11", None, "slider"),
        ("-3", "3", None, "scale"),
        ("0", "1", 1, "scale"),
        ("0", "1", 2, "slider"),
        ("0.5", "5", None, "slider"),  # buttons of whole numbers would begin where no whole number is
        ("3", "3", None, "slider"),
    ],
)
def test_a_scale_of_few_steps_is_buttons(low: str, high: str, decimals: int | None, kind: str) -> None:
    assert one(question(key="s", type="scale", minimum=low, maximum=high, decimals=decimals)).kind == kind


def test_the_buttons_of_a_scale_are_its_steps() -> None:
    made = one(question(key="s", type="scale", minimum="0", maximum="1", decimals=1), "0.30")
    assert [choice.value for choice in made.choices][:4] == ["0", "0.1", "0.2", "0.3"]
    assert [choice.value for choice in made.choices if choice.chosen] == ["0.3"]


def test_a_slider_that_was_not_touched_says_so_and_holds_no_answer() -> None:
    html = render_to_string("screens/answering/controls.html", {"panel": panel()})
    assert 'data-slider="q-risk" data-untouched' in html
    assert 'name="q.risk" value=""' in html
    touched = render_to_string("screens/answering/controls.html", {"panel": panel(values={"risk": "0"})})
    assert 'data-slider="q-risk" data-untouched' not in touched


def test_an_optional_radio_can_be_let_go_of() -> None:
    made = one(question(key="c", type="single_choice", options=["a", "b"], required=False))
    assert [(choice.value, choice.label, choice.chosen) for choice in made.choices] == [
        ("a", "a", False),
        ("b", "b", False),
        ("", "No answer", True),
    ]
    required = one(question(key="c", type="single_choice", options=["a", "b"]))
    assert [choice.value for choice in required.choices] == ["a", "b"]


def test_texts_are_translated_and_values_are_not() -> None:
    made = control("diagnosis", texts=str.upper, values={"diagnosis": "Embolism"})
    assert made.text == "WHICH DIAGNOSIS?"
    assert [(choice.value, choice.label, choice.chosen) for choice in made.choices] == [
        ("Pneumonia", "PNEUMONIA", False),
        ("Embolism", "EMBOLISM", True),
    ]
    assert control("sure", texts=str.upper).low_label == "NOT AT ALL"
    assert control("dose", texts=str.upper).unit == "MG"


def test_what_was_answered_is_read_in_words() -> None:
    given_texts = {made.key: made.given for made in panel(values=ANSWERS).controls}
    assert given_texts == {
        "diagnosis": ("Embolism",),
        "findings": ("Cough", "Leg swelling"),
        "risk": ("35\u00a0%",),
        "sure": ("5",),
        "urgency": ("80",),
        "dose": ("7.5\u00a0mg",),
        "seen": (date_format(date(2026, 2, 3), "DATE_FORMAT"),),
        "next": ("CT scan",),
        "remarks": ("Two\nlines",),
    }
    with translation.override("de"):
        assert control("dose", values=ANSWERS).given == ("7,5\u00a0mg",)
        assert control("seen", values=ANSWERS).given == ("3. Februar 2026",)


def test_what_stands_in_inputs_is_never_localized() -> None:
    with translation.override("de"):
        assert control("dose", values={"dose": "7.5"}).value == "7.5"
        assert (control("urgency").low, control("urgency").high, control("urgency").step) == ("0", "100", "1")


def test_first_answers_stand_beside_and_changes_are_marked() -> None:
    first = {"diagnosis": "Embolism", "findings": ["Cough", "Leg swelling"], "risk": "35", "next": "CT scan"}
    now = {"diagnosis": "Pneumonia", "findings": ["Leg swelling", "Cough"], "risk": "35.0"}
    made = {each.key: each for each in panel(values=now, first_answers=first).controls}
    assert made["diagnosis"].first == ("Embolism",)
    assert made["diagnosis"].changed is True
    assert made["findings"].changed is False
    assert made["risk"].changed is False
    assert made["next"].changed is None  # nothing to compare yet
    assert made["remarks"].first is None
    assert json.loads(made["findings"].first_values) == ["Cough", "Leg swelling"]
    assert made["next"].value == ""  # the first answer is shown, not put in


def test_at_a_first_stage_nothing_is_said_of_first_answers() -> None:
    html = render_to_string("screens/answering/controls.html", {"panel": panel(values=ANSWERS)})
    assert "first" not in html
    assert "Changed" not in html


def test_errors_stand_at_their_question_and_in_the_summary() -> None:
    with pytest.raises(AnswerErrors) as refused:
        validate(DEFINITIONS, {"risk": "120", "diagnosis": "Embolism", "findings": ["Cough"], "next": "x"})
    made = panel(values={"risk": "120"}, errors=refused.value.problems)
    assert [(wrong.key, wrong.error) for wrong in made.wrong] == [
        ("risk", "The number must be at most 100."),
        ("sure", "This question needs an answer."),
    ]
    html = render_to_string("screens/answering/panel.html", {"panel": made})
    assert '<a href="#q-risk">How likely is an embolism?</a>' in html
    assert 'aria-invalid="true" aria-describedby="q-risk-help q-risk-error"' in html
    assert 'value="120"' in html


def test_a_problem_is_said_in_the_language_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    german = {"The number must be at most %(most)s.": "Höchstens %(most)s."}
    monkeypatch.setattr("experiments.screens.answering.said._", lambda text: german.get(text, text))
    assert said(Problem("The number must be at most %(most)s.", {"most": "100"})) == "Höchstens 100."


NUMBER = question(key="dose", type="number", decimals=1)
EXACT = question(key="dose", type="number")
SLIDER = question(key="risk", type="probability", decimals=3)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("12.5", "12.5"),
        ("12,5", "12.5"),
        (" 20 % ", "20"),
        ("0,125", "0.125"),
        ("-3,25", "-3.25"),
        ("\u22123", "-3"),
        ("1,2,3", "1,2,3"),
        ("many", "many"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_numbers_are_read_as_people_write_them(written: str, read: str, language: str) -> None:
    with translation.override(language):
        assert number_as_written(NUMBER, written) == read


@pytest.mark.parametrize(
    ("definition", "language", "written", "read"),
    [
        (NUMBER, "en", "1,200", None),
        (NUMBER, "en", "1.200", None),  # no question with one decimal is answered so
        (NUMBER, "de", "1.200", None),
        (NUMBER, "de", "1,200", None),
        (NUMBER, "en", "1e2", None),
        (EXACT, "en", "1.200", "1.200"),
        (EXACT, "en", "1,200", None),
        (EXACT, "de", "1,200", "1.200"),
        (EXACT, "de", "1.200", None),
        (EXACT, "fr", "-45,125", "-45.125"),
        (EXACT, "es", "45.125", None),
        (EXACT, "de", "1.2", "1.2"),
        (SLIDER, "de", "12.345", "12.345"),  # scripts write a point
        (SLIDER, "de", "12,345", "12.345"),
        (SLIDER, "en", "12,345", None),
    ],
)
def test_what_could_part_thousands_is_refused_unless_it_can_only_be_decimals(
    definition: QuestionDefinition, language: str, written: str, read: str | None
) -> None:
    data = sent({definition.key: written})
    with translation.override(language):
        if read is not None:
            assert answers_from_post([definition], data) == {definition.key: read}
            return
        with pytest.raises(AnswerErrors) as refused:
            answers_from_post([definition], data)
        assert refused.value.errors == {definition.key: "A number is needed, without a mark for thousands."}
        assert values_from_post([definition], data) == {definition.key: written}


@pytest.mark.parametrize(("language", "typed"), [("en", "1.234"), ("de", "1,234")])
@pytest.mark.parametrize("definition", [EXACT, SLIDER], ids=["number", "slider"])
def test_a_first_answer_that_is_kept_is_the_same_answer(
    definition: QuestionDefinition, language: str, typed: str
) -> None:
    with translation.override(language):
        first = {definition.key: "1.234"}
        (shown,) = answer_panel([definition], texts=as_written, first_answers=first).controls
        (kept,) = json.loads(shown.first_values)
        assert kept == (typed if definition is EXACT else "1.234")
        assert answers_from_post([definition], sent({definition.key: kept})) == first


def test_a_doubtful_number_does_not_hide_what_else_is_wrong() -> None:
    with pytest.raises(AnswerErrors) as refused:
        answers_from_post([NUMBER, question(key="why", type="short_text")], sent({"dose": "1.200"}))
    assert set(refused.value.errors) == {"dose", "why"}


@pytest.mark.parametrize("language", ["en", "de"])
def test_an_answer_that_is_stored_is_shown_whatever_the_language(language: str) -> None:
    with translation.override(language):
        (shown,) = answer_panel([EXACT], texts=as_written, values={"dose": "1.234"}, read_only=True).controls
        assert shown.given == ("1.234" if language == "en" else "1,234",)


def test_what_is_blank_is_no_answer_and_what_is_unknown_is_left_out() -> None:
    data = sent({"diagnosis": "", "findings": [""], "risk": " ", "next": "  ", "other": "x"})
    assert values_from_post(DEFINITIONS, data) == {}


def test_what_a_form_sends_is_what_was_answered() -> None:
    assert validate(DEFINITIONS, answers_from_post(DEFINITIONS, sent(ANSWERS))) == validate(DEFINITIONS, ANSWERS)


answers = st.fixed_dictionaries(
    {
        "diagnosis": st.sampled_from(["Pneumonia", "Embolism"]),
        "findings": st.lists(st.sampled_from(["Fever", "Cough", "Leg swelling"]), min_size=1, unique=True),
        "risk": st.decimals(0, 100, places=2).map(str),
        "sure": st.integers(1, 7).map(str),
        "next": st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=40).filter(str.strip),
    }
)


@given(answers)
def test_law_what_is_shown_again_and_sent_again_is_the_same_answer(typed: dict[str, Any]) -> None:
    """A form that shows answers sends the same ones: no draft or refused form changes what was typed."""
    try:
        canonical = validate(DEFINITIONS, typed)
    except AnswerErrors:
        return  # white space that is none to Python
    shown = panel(values=values_from_post(DEFINITIONS, sent(typed)))
    again: dict[str, Any] = {}
    for made in shown.controls:
        chosen = [choice.value for choice in made.choices if choice.chosen]
        again[made.key] = (chosen if made.kind == "choices" else "".join(chosen)) if made.is_group else made.value
    assert validate(DEFINITIONS, answers_from_post(DEFINITIONS, sent(again))) == canonical


def test_read_only_shows_no_form() -> None:
    html = render_to_string(
        "screens/answering/panel.html", {"panel": panel(values=ANSWERS, first_answers={"risk": "20"}, read_only=True)}
    )
    assert "<form" not in html
    assert "<input" not in html
    assert html.count("Changed") == 1
    assert "20\u00a0%" in html
