import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augmed.foundation.canonical import canonical_json
from experiments.answers import AnswerErrors, QuestionDefinition, validate
from experiments.correctness import correctness

RISK = QuestionDefinition(
    "risk", "single_choice", options=("Low", "Middle", "H\u00f6her"), scoring="exact", text="How high is the risk?"
)
SIGNS = QuestionDefinition("signs", "multiple_choice", options=("a", "b", "c"), scoring="set")
AGE = QuestionDefinition(
    "age",
    "number",
    minimum=Decimal(0),
    maximum=Decimal(120),
    decimals=1,
    scoring="tolerance",
    tolerance=Decimal("2.5"),
)
SURE = QuestionDefinition("sure", "scale", minimum=Decimal(1), maximum=Decimal(7), required=False)
CHANCE = QuestionDefinition("chance", "probability", scoring="brier")
WHEN = QuestionDefinition("when", "date", required=False)
NAME = QuestionDefinition("name", "short_text", required=False)
WHY = QuestionDefinition("why", "paragraph", required=False)
ALL = (RISK, SIGNS, AGE, SURE, CHANCE, WHEN, NAME, WHY)
GOOD = {
    "risk": "Low",
    "signs": ["b", "a", "b"],
    "age": "056.50",
    "sure": 7,
    "chance": 12.5,
    "when": "2024-02-29",
    "name": " e\u0301 ",
    "why": "one\r\ntwo\rthree",
}


def one(question, value):
    return validate([question], {question.key: value}).get(question.key)


def problem(question, value):
    with pytest.raises(AnswerErrors) as caught:
        validate([question], {question.key: value})
    assert list(caught.value.errors) == [question.key]
    return caught.value.errors[question.key]


def test_every_type_has_one_canonical_form():
    assert validate(ALL, GOOD) == {
        "risk": "Low",
        "signs": ["a", "b"],
        "age": "56.5",
        "sure": "7",
        "chance": "12.5",
        "when": "2024-02-29",
        "name": "\u00e9",
        "why": "one\ntwo\nthree",
    }


def test_all_errors_are_listed_at_once():
    answers = {"risk": "Hohe", "signs": ["a", "z"], "age": 121, "chance": "x", "when": "29.2.2024", "extra": 1}
    with pytest.raises(AnswerErrors) as caught:
        validate(ALL, answers)
    assert set(caught.value.errors) == {"risk", "signs", "age", "chance", "when", "extra"}
    assert all(isinstance(message, str) and message for message in caught.value.errors.values())


def test_answers_must_be_an_object():
    with pytest.raises(AnswerErrors, match="object"):
        validate(ALL, ["Low"])


@pytest.mark.parametrize("nothing", [None, "", "  \n"])
def test_nothing_is_missing_where_required_and_left_out_elsewhere(nothing):
    for question in (RISK, AGE, CHANCE):
        assert "needs an answer" in problem(question, nothing)
    for question in (SURE, WHEN, NAME, WHY):
        assert validate([question], {question.key: nothing}) == {}


def test_no_choice_at_all_is_no_answer():
    assert "needs an answer" in problem(SIGNS, [])


def test_zero_is_an_answer():
    assert one(AGE, 0) == one(AGE, "-0.0") == "0"
    assert one(CHANCE, 0) == "0"


@pytest.mark.parametrize(
    ("question", "value", "message"),
    [
        (RISK, "low", "options"),
        (RISK, ["Low"], "text"),
        (RISK, 1, "text"),
        (SIGNS, "a", "list"),
        (SIGNS, [1], "list"),
        (SIGNS, {"a": True}, "list"),
        (SIGNS, ["a", "d"], "options"),
        (AGE, "-0.1", "at least 0"),
        (AGE, "120.1", "at most 120"),
        (AGE, "1.25", "at most 1."),
        (AGE, True, "number"),
        (AGE, "1,5", "number"),
        (AGE, float("nan"), "number"),
        (AGE, float("inf"), "number"),
        (AGE, "1e400", "number"),
        (AGE, [1], "number"),
        (SURE, 0, "at least 1"),
        (SURE, 8, "at most 7"),
        (SURE, "3.5", "whole number"),
        (CHANCE, "-1", "at least 0"),
        (CHANCE, "100.01", "at most 100"),
        (CHANCE, "0." + "1" * 40, "digits"),
        (WHEN, "2023-02-29", "YYYY-MM-DD"),
        (WHEN, "20240229", "YYYY-MM-DD"),
        (WHEN, "2024-02-29T00:00:00", "YYYY-MM-DD"),
        (WHEN, 20240229, "text"),
        (NAME, "a\nb", "one line"),
        (NAME, "a" * 1001, "longer"),
        (NAME, "a\x00b", "control"),
        (WHY, "a" * 20_001, "longer"),
        (WHY, "\ud800", "Unicode"),
        (WHY, {"text": "a"}, "text"),
    ],
)
def test_what_is_wrong_is_said(question, value, message):
    assert message in problem(question, value)


def test_an_option_is_found_whatever_its_unicode_form():
    assert one(RISK, unicodedata.normalize("NFD", "H\u00f6her")) == "H\u00f6her"


options = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
numbers = st.integers(0, 1200).map(lambda tenths: Decimal(tenths) / 10)
submissions = st.fixed_dictionaries(
    {
        "risk": st.sampled_from(RISK.options),
        "signs": options,
        "age": numbers,
        "chance": st.integers(0, 100),
    },
    optional={
        "sure": st.integers(1, 7),
        "when": st.dates().map(str),
        "name": texts.filter(lambda text: "\u2028" not in text and "\u2029" not in text),
        "why": texts,
    },
)


@given(submissions)
def test_canonical_answers_are_their_own_canonical_form_and_json(submission):
    canonical = validate(ALL, submission)
    assert validate(ALL, canonical) == canonical
    assert canonical_json(canonical)


@given(submissions, st.randoms(use_true_random=False), st.sampled_from(["\r\n", "\r", "\n"]))
def test_order_form_and_repetition_never_decide(submission, random, line_end):
    submission["why"] = "first\nsecond"
    keys = list(submission)
    random.shuffle(keys)
    other = {key: submission[key] for key in keys}
    other["signs"] = [*reversed(submission["signs"]), submission["signs"][0]]
    other["age"] = f"{submission['age']}000" if "." in str(submission["age"]) else f"{submission['age']}.00"
    other["chance"] = float(submission["chance"])
    other["why"] = unicodedata.normalize("NFD", f" first{line_end}second ")
    questions = list(ALL)
    random.shuffle(questions)
    assert canonical_json(validate(ALL, submission)) == canonical_json(validate(questions, other))


@given(submissions, submissions)
def test_two_submissions_are_equal_only_if_every_answer_means_the_same(first, second):
    def meaning(submission):
        said = dict(submission)
        said["signs"] = frozenset(said["signs"])
        for key in ("name", "why"):
            said[key] = unicodedata.normalize("NFC", said.get(key, "").replace("\u2028", "\n").replace("\u2029", "\n"))
            said[key] = said[key].strip()
        return said

    equal = canonical_json(validate(ALL, first)) == canonical_json(validate(ALL, second))
    assert equal == (meaning(first) == meaning(second))


@given(st.dictionaries(st.sampled_from([*[q.key for q in ALL], "other"]), st.none() | st.integers() | st.floats()
                       | st.text() | st.lists(st.text()) | st.dictionaries(st.text(), st.none())))  # fmt: skip
def test_anything_else_is_refused_by_key_and_never_crashes(answers):
    refused, canonical = {}, {}
    try:
        canonical = validate(ALL, answers)
    except AnswerErrors as error:
        refused = error.errors
    assert refused or canonical.keys() >= {question.key for question in ALL if question.required}
    assert refused.keys() <= {*answers, *(question.key for question in ALL)}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"key": ""}, "key is empty"),
        ({"type": "colour"}, "unknown type"),
        ({"type": "single_choice", "options": ("a",)}, "two options"),
        ({"type": "single_choice", "options": ("a", " a ")}, "twice"),
        ({"type": "single_choice", "options": ("a", " ")}, "not empty"),
        ({"type": "scale", "minimum": Decimal(1)}, "minimum and a maximum"),
        ({"type": "number", "minimum": Decimal(2), "maximum": Decimal(1)}, "above"),
        ({"type": "number", "decimals": -1}, "negative"),
        ({"type": "number", "scoring": "brier"}, "does not suit"),
        ({"type": "number", "scoring": "luck"}, "does not suit"),
        ({"type": "number", "scoring": "tolerance"}, "needs a tolerance"),
    ],
)
def test_a_contradictory_definition_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        QuestionDefinition(**({"key": "q", "type": "number"} | fields))


@pytest.mark.parametrize(
    ("question", "answer", "reference", "expected"),
    [
        (RISK, "Low", "Low", 1),
        (RISK, "Low", "Middle", 0),
        (RISK, "Low", {"distribution": {"Low": "0.75", "Middle": "0.25"}}, "0.75"),
        (RISK, "Low", {"distribution": [["Low", 1], ["Middle", 3]]}, "0.25"),
        (RISK, "Low", None, None),
        (RISK, None, "Low", None),
        (SIGNS, ["a", "b"], ["b", "a"], 1),
        (SIGNS, ["a"], ["b", "a"], 0),
        (SIGNS, ["a"], "a", 1),
        (SIGNS, ["a", "b"], {"distribution": [[["b", "a"], "0.5"], [["a"], "0.5"]]}, "0.5"),
        (AGE, "50", "52.5", 1),
        (AGE, "50", "52.6", 0),
        (AGE, "50", 0, 0),
        (CHANCE, "100", "yes", 0),
        (CHANCE, "0", True, 1),
        (CHANCE, "25", "No", "0.0625"),
        (CHANCE, "25", 0, "0.0625"),
        (CHANCE, "50", {"distribution": {"yes": "0.7", "no": "0.3"}}, "0.04"),
        (WHEN, "2024-01-01", "2024-01-01", None),
    ],
)
def test_correctness(question, answer, reference, expected):
    found = correctness(question, answer, reference)
    assert found == (None if expected is None else Decimal(expected))


def test_exact_numbers_are_compared_as_numbers():
    question = QuestionDefinition("n", "number", scoring="exact")
    assert correctness(question, "1.5", "1.50") == 1
    assert correctness(question, "1.5", "1.51") == 0


@pytest.mark.parametrize(
    ("question", "answer", "reference", "message"),
    [
        (RISK, "Low", "Unknown", "does not fit"),
        (RISK, "Low", {"Low": 1}, "distribution"),
        (RISK, "Low", {"distribution": {"Low": 2, "Middle": -1}}, "negative"),
        (RISK, "Low", {"distribution": {}}, "zero"),
        (RISK, "Low", {"distribution": ["Low"]}, "distribution"),
        (AGE, "50", "old", "not a number"),
        (CHANCE, "50", "perhaps", "not a number"),
        (CHANCE, "50", 2, "neither yes nor no"),
    ],
)
def test_a_reference_that_does_not_fit_is_an_error(question, answer, reference, message):
    with pytest.raises(ValueError, match=message):
        correctness(question, answer, reference)


@given(st.integers(0, 100), st.integers(0, 100))
def test_brier_score_is_proper_bounded_and_lowest_at_the_truth(percent, truth):
    reference = {"distribution": {"yes": truth, "no": 100 - truth}}
    score = correctness(CHANCE, str(percent), reference)
    assert 0 <= score <= 1
    assert score >= correctness(CHANCE, str(truth), reference) == 0
    expected = sum(
        weight * correctness(CHANCE, str(percent), outcome) for weight, outcome in ((truth, 1), (100 - truth, 0))
    )
    best = sum(weight * correctness(CHANCE, str(truth), outcome) for weight, outcome in ((truth, 1), (100 - truth, 0)))
    assert expected >= best


@given(submissions)
def test_what_equals_the_reference_is_right(submission):
    canonical = validate(ALL, submission)
    for question in (RISK, SIGNS, AGE):
        assert correctness(question, canonical[question.key], canonical[question.key]) == 1


@given(numbers, numbers)
def test_tolerance_is_symmetric(first, second):
    there, back = correctness(AGE, str(first), second), correctness(AGE, str(second), first)
    assert there == back == (abs(first - second) <= Decimal("2.5"))
