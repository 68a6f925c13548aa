"""An answer beside what is held to be right, as texts. No database."""

from decimal import Decimal

import pytest

from experiments.answers import QuestionDefinition
from experiments.languages.texts import StudyTexts
from experiments.screens.joining.feedback import compared, reference_text

TEXTS = StudyTexts("en")
CHOICE = QuestionDefinition("dx", "single_choice", "Diagnosis?", options=("yes", "no"), scoring="exact")
SEVERAL = QuestionDefinition("all", "multiple_choice", "Which?", options=("b", "a", "c"), scoring="set")
RISK = QuestionDefinition("risk", "probability", "How likely?", scoring="brier")
DOSE = QuestionDefinition(
    "dose", "number", "Dose?", unit="mg", scoring="tolerance", tolerance=Decimal(5), maximum=Decimal(50)
)
FREE = QuestionDefinition("why", "paragraph", "Why?")


@pytest.mark.parametrize(
    ("question", "reference", "text"),
    [
        (CHOICE, "yes", "yes"),
        (CHOICE, None, ""),
        (CHOICE, {"distribution": [["yes", 3], ["no", 1]]}, "yes (75\u00a0%), no (25\u00a0%)"),
        (CHOICE, {"distribution": {"yes": "0.5", "no": "0.5"}}, "yes (50\u00a0%), no (50\u00a0%)"),
        (CHOICE, "an option of before", "an option of before"),
        (SEVERAL, ["a", "b"], "b, a"),
        (RISK, "yes", "Yes"),
        (RISK, False, "No"),
        (RISK, 1, "Yes"),
        (RISK, {"distribution": [["yes", 1], ["no", 3]]}, "Yes (25\u00a0%), No (75\u00a0%)"),
        (DOSE, "20", "20\u00a0mg"),
        (DOSE, "70", "70"),
    ],
)
def test_what_is_held_to_be_right_as_a_text(question, reference, text):
    assert reference_text(question, reference, TEXTS) == text


@pytest.mark.parametrize(
    ("question", "answer", "reference", "agrees"),
    [
        (CHOICE, "yes", "yes", True),
        (CHOICE, "no", "yes", False),
        (CHOICE, "no", None, None),
        (CHOICE, None, "yes", None),
        (CHOICE, "no", {"distribution": [["yes", 1]]}, None),
        (SEVERAL, ["a", "b"], ["b", "a"], True),
        (DOSE, "24", "20", True),
        (DOSE, "26", "20", False),
        (RISK, "90", "yes", None),
        (FREE, "So.", "So.", None),
    ],
)
def test_whether_it_agrees(question, answer, reference, agrees):
    given = {} if answer is None else {question.key: answer}
    [row] = compared([question], [given], {} if reference is None else {question.key: reference}, TEXTS)
    assert row.agrees is agrees


def test_every_reading_is_shown_in_the_language_of_the_page():
    german = StudyTexts("de", {"Diagnosis?": "Diagnose?", "yes": "ja", "no": "nein"})
    [row] = compared([CHOICE], [{"dx": "no"}, {"dx": "yes"}], {"dx": "yes"}, german)
    assert (row.question, row.answers, row.reference, row.agrees) == ("Diagnose?", ("nein", "ja"), "ja", True)


def test_the_ends_of_a_scale_stand_beside_the_answer():
    sure = QuestionDefinition(
        "sure",
        "scale",
        "How sure?",
        minimum=Decimal(0),
        maximum=Decimal(10),
        low_label="not at all",
        high_label="wholly",
    )
    german = StudyTexts("de", {"not at all": "gar nicht", "wholly": "ganz"})
    [row] = compared([sure], [{"sure": "7"}], {}, german)
    assert row.ends == "0 = gar nicht, 10 = ganz"
    assert compared([FREE], [{}], {}, TEXTS)[0].ends == ""


def test_what_was_not_answered_is_blank():
    [row] = compared([FREE], [{}], {}, TEXTS)
    assert row.answers == ("",)
