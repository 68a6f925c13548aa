"""Questions as the published client can ask them, and its answers back. Pure functions.

It knows four types, and answers by the question's title. Numbers, probabilities and dates are asked as text, with what
they must be in the title; a short scale of whole numbers is a choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from augmed.foundation.canonical import canonical_decimal
from augmed.published.question_types import CHOICES, TYPES
from cases.value_text import range_text
from experiments.answers import NUMERIC, QuestionDefinition

CLIENT_TYPES = {ours: client_type for client_type, ours in TYPES.items()}
LONGEST_CHOSEN_SCALE = 11
LONGEST_QUOTED = 200


@dataclass(frozen=True, slots=True)
class ClientQuestion:
    """`title` is unlike all others of its questionnaire. `values`: what options stand for, where not for themselves."""

    key: str
    type: str
    title: str
    required: bool
    options: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        made: dict[str, Any] = {"type": self.type, "title": self.title, "required": self.required}
        return {**made, "options": list(self.options)} if self.options else made


def client_questions(definitions: Sequence[QuestionDefinition]) -> tuple[ClientQuestion, ...]:
    """The questions in order."""
    titles = _unlike(map(_title, definitions))
    return tuple(_client_question(asked, title) for asked, title in zip(definitions, titles, strict=True))


def answers_by_key(questions: Iterable[ClientQuestion], by_title: Mapping[str, Any]) -> dict[str, Any]:
    """The client's answers by question key. What was not asked stays, under a name that no question has as its key, so
    that it is refused and not lost."""
    asked = {question.title: question for question in questions}
    found: dict[str, Any] = {}
    for title, value in by_title.items():
        question = asked.get(title)
        if question is None:
            found[quoted(title)] = value
        else:
            found[question.key] = question.values.get(value, value) if isinstance(value, str) else value
    return found


def quoted(title: str) -> str:
    return f"“{title if len(title) <= LONGEST_QUOTED else title[: LONGEST_QUOTED - 1] + '…'}”"


def _client_question(asked: QuestionDefinition, title: str) -> ClientQuestion:
    values = _points(asked)
    if values:
        return ClientQuestion(asked.key, "SingleChoice", title, asked.required, tuple(values), values)
    client_type = CLIENT_TYPES.get(asked.type, "Text")
    options = asked.options if client_type in CHOICES else ()
    return ClientQuestion(asked.key, client_type, title, asked.required, tuple(options))


def _points(asked: QuestionDefinition) -> dict[str, str]:
    """The points of a short scale of whole numbers, as they are shown and what they mean."""
    low, high = asked.bounds
    if asked.type != "scale" or asked.places != 0 or low is None or high is None:
        return {}
    if low != low.to_integral_value() or high != high.to_integral_value():
        return {}
    if not 1 <= high - low < LONGEST_CHOSEN_SCALE:
        return {}
    labels = {int(low): asked.low_label, int(high): asked.high_label}
    points = range(int(low), int(high) + 1)
    return {f"{at} – {labels[at]}" if labels.get(at) else str(at): str(at) for at in points}


def _title(asked: QuestionDefinition) -> str:
    hint = _hint(asked)
    parts = (asked.text.strip(), asked.help.strip(), f"({hint})" if hint else "")
    return " ".join(filter(None, parts)) or asked.key


def _hint(asked: QuestionDefinition) -> str:
    """What a typed answer must be. A scale that is a choice says it by its points, but for the unit."""
    if asked.type == "date":
        return "date, YYYY-MM-DD"
    if asked.type not in NUMERIC:
        return ""
    if _points(asked):
        return asked.unit
    unit = asked.unit or ("%" if asked.type == "probability" else "")
    low, high = (None if bound is None else canonical_decimal(bound) for bound in asked.bounds)
    places = "" if not asked.places else f"at most {asked.places} decimals"
    ends = (_end(asked.minimum, asked.low_label), _end(asked.maximum, asked.high_label))
    kind = "whole number" if asked.places == 0 else "number"
    return ", ".join(filter(None, (kind, range_text(low, high, unit) or unit, places, *ends)))


def _end(bound: Decimal | None, label: str) -> str:
    return f"{canonical_decimal(bound)} = {label}" if label and bound is not None else ""


def _unlike(titles: Iterable[str]) -> list[str]:
    """The client tells questions apart by their titles alone: equal ones are numbered."""
    listed = list(titles)
    taken = set(listed)
    seen: set[str] = set()
    made = []
    for title in listed:
        name, number = title, 2
        while name in seen or (name != title and name in taken):
            name, number = f"{title} ({number})", number + 1
        seen.add(name)
        made.append(name)
    return made
