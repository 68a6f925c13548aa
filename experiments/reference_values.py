"""The one form in which a reference is stored: checked against its question. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from augmed.foundation.canonical import canonical_decimal
from experiments.answers import NUMERIC, CanonicalAnswer, QuestionDefinition, canonical_answer
from experiments.correctness import correctness


def reference_value(question: QuestionDefinition, value: Any) -> Any:
    """Return an answer, or {"distribution": [[answer, weight], …]}, in canonical form; ValueError when it does not fit.

    Numbers are canonical decimal texts, choices sorted sets. The truth of a yes-or-no event, against which a
    probability is scored, is 'yes' or 'no', or a distribution over them. Bounds do not bind a reference."""
    if isinstance(value, Mapping):
        made: Any = {"distribution": [[_single(question, answer), _number(weight)] for answer, weight in _pairs(value)]}
    else:
        made = _single(question, value)
    # The scoring function has the last word on what it can be given.
    rule = question if question.scoring != "none" else replace(question, scoring="exact")
    correctness(rule, _sample(question), made)
    return made


def _pairs(value: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    pairs = value.get("distribution")
    listed = list(pairs.items()) if isinstance(pairs, Mapping) else pairs
    well_formed = isinstance(listed, list) and all(isinstance(p, list | tuple) and len(p) == 2 for p in listed)
    if set(value) != {"distribution"} or not listed or not well_formed:
        raise ValueError('write {"distribution": [[answer, weight], ...]}')
    return [(answer, weight) for answer, weight in listed]


def _single(question: QuestionDefinition, value: Any) -> CanonicalAnswer:
    if question.scoring == "brier":
        return _event(value)
    if question.type in NUMERIC:
        return _number(value)
    if question.type == "multiple_choice" and isinstance(value, str):
        value = [value]
    answer = canonical_answer(question, value)
    if answer is None:
        raise ValueError("it is empty")
    return answer


def _event(value: Any) -> str:
    said = str(value).strip().casefold()
    if said in ("yes", "true", "1", "1.0"):
        return "yes"
    if said in ("no", "false", "0", "0.0"):
        return "no"
    raise ValueError("write yes or no")


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError("a number is needed")
    return canonical_decimal(repr(value) if isinstance(value, float) else _stripped(value))


def _stripped(value: str | int | Decimal) -> str | int | Decimal:
    return value.strip() if isinstance(value, str) else value


def _sample(question: QuestionDefinition) -> CanonicalAnswer:
    if question.options:
        return [question.options[0]] if question.type == "multiple_choice" else question.options[0]
    return {"date": "2000-01-01"}.get(question.type, "0" if question.type in NUMERIC else "a")
