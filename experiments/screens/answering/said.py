"""Answers, and what is wrong with them, as texts to read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from experiments.answers import NUMERIC, CanonicalAnswer, Problem, QuestionDefinition

Texts = Callable[[str], str]


def said(problem: Problem) -> str:
    """In the language of the page."""
    return _(problem.template) % {name: number_format(Decimal(value)) for name, value in problem.values.items()}


def shown(question: QuestionDefinition, answer: CanonicalAnswer | None, texts: Texts) -> tuple[str, ...]:
    """An answer as texts to read; none where there is none."""
    if answer is None or not answer:
        return ()
    if isinstance(answer, list):
        return tuple(texts(option) for option in question.options if option in answer)
    if question.type == "single_choice":
        return (texts(answer),)
    if question.type == "date":
        return (date_format(date.fromisoformat(answer), "DATE_FORMAT"),)
    if question.type in NUMERIC:
        return (f"{number_format(Decimal(answer))}\u00a0{unit_of(question, texts)}".strip(),)
    return (answer,)


def unit_of(question: QuestionDefinition, texts: Texts) -> str:
    """What is written behind a number."""
    return "%" if question.type == "probability" else texts(question.unit) if question.unit else ""
