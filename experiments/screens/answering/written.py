"""What a form sends back: values by question key as they were filled in, and the answers that are meant by them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.http import QueryDict
from django.utils.formats import get_format

from experiments.answers import (
    NUMERIC,
    AnswerErrors,
    Problem,
    QuestionDefinition,
    WrongAnswer,
    gettext_noop,
    validate,
)

Value = str | Sequence[str]

PREFIX = "q."
_DECIMAL_COMMA = re.compile(r"([+-]?\d*),(\d+)", re.ASCII)
_POWER_OF_TEN = re.compile(r"[+-]?[\d.,]+[eE][+-]?\d+", re.ASCII)
_MAY_PART_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}([.,])\d{3}", re.ASCII)


def values_from_post(definitions: Sequence[QuestionDefinition], posted: QueryDict) -> dict[str, Value]:
    """What was filled in, by question key and letter by letter, to be kept and shown again. What is blank is left
    out."""
    values: dict[str, Value] = {}
    for question in definitions:
        name = PREFIX + question.key
        multiple = question.type == "multiple_choice"
        value: Value = [item for item in posted.getlist(name) if item] if multiple else posted.get(name, "")
        if value and (not isinstance(value, str) or value.strip()):
            values[question.key] = value
    return values


def answers_from_post(definitions: Sequence[QuestionDefinition], posted: QueryDict) -> dict[str, Value]:
    """The same as `answers.validate` takes it. AnswerErrors, with all that is wrong in the form, where a number can be
    read in two ways."""
    values = values_from_post(definitions, posted)
    doubtful: dict[str, Problem] = {}
    for question in definitions:
        value = values.get(question.key)
        if question.type in NUMERIC and isinstance(value, str):
            try:
                values[question.key] = number_as_written(question, value)
            except WrongAnswer as wrong:
                doubtful[question.key] = wrong.problem
    if not doubtful:
        return values
    try:
        validate(definitions, values)
    except AnswerErrors as wrong:
        raise AnswerErrors(wrong.problems | doubtful) from None
    raise AnswerErrors(doubtful)


def number_as_written(question: QuestionDefinition, text: str) -> str:
    """A number as people write it, with a point: `12,5` and `20 %` are understood. What is no number is left.

    WrongAnswer for a point or comma that could as well part thousands: nobody's answer becomes another number unseen.
    Where three decimals can be meant, the mark of the page's language is a decimal one, and the other is refused."""
    text = text.strip().removesuffix("%").rstrip().replace("\u2212", "-")
    found = _MAY_PART_THOUSANDS.fullmatch(text)
    if _POWER_OF_TEN.fullmatch(text) or (found and not _is_decimal(question, found[1])):
        raise WrongAnswer(gettext_noop("A number is needed, without a mark for thousands."))
    written = _DECIMAL_COMMA.fullmatch(text)
    return f"{written[1]}.{written[2]}" if written else text


def _is_decimal(question: QuestionDefinition, mark: str) -> bool:
    """Whether this mark before three digits begins decimals."""
    if question.places is not None and question.places < 3:
        return False
    by_slider = question.type != "number" and mark == "."  # scripts write a point
    return by_slider or mark == get_format("DECIMAL_SEPARATOR")
