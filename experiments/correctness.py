"""Correctness of an answer against a reference, by the rule of its question. Pure functions."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from experiments.answers import NUMERIC, CanonicalAnswer, QuestionDefinition, WrongAnswer, canonical_answer, decimal_of


def correctness(question: QuestionDefinition, answer: CanonicalAnswer | None, reference: Any) -> Decimal | None:
    """Return how right an answer is by the question's rule, or None when it is not scored, unanswered or unknown.

    `reference` is a JSON value: an answer, or {"distribution": [[answer, weight], ...]} (or an object of answer and
    weight), where the weights are probabilities or counts of readings; they are divided by their sum.

    exact, set: 1 when the answer equals the reference (choices compared as sets: all of them or nothing, which no
    partial credit rule has to explain), else 0. tolerance: 1 when it is at most `tolerance` away, else 0. Against a
    distribution these give the probability of the answers they would accept. brier: (p - o)**2 with p the stated
    percentage / 100 and o 1 or 0 for yes or no, or the probability of yes (Brier, Mon Weather Rev 1950, 78:1): 0 is
    best, 1 worst. ValueError when the reference does not fit the question.
    """
    if question.scoring == "none" or answer is None or reference is None:
        return None
    if question.scoring == "brier":
        assert isinstance(answer, str)
        return (Decimal(answer) / 100 - outcome(reference)) ** 2
    if not isinstance(reference, Mapping):
        return Decimal(_agrees(question, answer, reference))
    return _share(reference, lambda value: _agrees(question, answer, value))


def _agrees(question: QuestionDefinition, answer: CanonicalAnswer, reference: Any) -> bool:
    """Whether the answer is right if the reference is the truth. Bounds do not bind a reference."""
    if question.type in NUMERIC:
        distance = abs(Decimal(str(answer)) - _reference_number(reference))
        return distance <= (question.tolerance or 0 if question.scoring == "tolerance" else 0)
    if question.type == "multiple_choice" and isinstance(reference, str):
        reference = [reference]
    try:
        return answer == canonical_answer(question, reference)
    except WrongAnswer as error:
        raise ValueError(f"question {question.key!r}: the reference {reference!r} does not fit: {error}") from error


def _reference_number(reference: Any) -> Decimal:
    try:
        return decimal_of(reference)
    except WrongAnswer as error:
        raise ValueError(f"the reference {reference!r} is not a number") from error


def outcome(reference: Any) -> Decimal:
    """The truth of a yes-or-no event as 1, 0 or the probability of yes. ValueError when it is none of these."""
    if isinstance(reference, Mapping):
        return _share(reference, lambda value: outcome(value) == 1)
    if isinstance(reference, bool):
        return Decimal(reference)
    if isinstance(reference, str) and reference.strip().casefold() in ("yes", "true", "no", "false"):
        return Decimal(reference.strip().casefold() in ("yes", "true"))
    number = _reference_number(reference)
    if number not in (0, 1):
        raise ValueError(f"the reference {reference!r} is neither yes nor no")
    return number


def _share(reference: Mapping[str, Any], accepted: Callable[[Any], bool]) -> Decimal:
    """The share of a distribution's weight that lies on the accepted answers."""
    pairs = reference.get("distribution")
    pairs = list(pairs.items()) if isinstance(pairs, Mapping) else pairs
    if reference.keys() != {"distribution"} or not isinstance(pairs, list) or not all(map(_is_pair, pairs)):
        raise ValueError('a reference is an answer or {"distribution": [[answer, weight], ...]}')
    weighed = [(value, _reference_number(weight)) for value, weight in pairs]
    total = sum(weight for _, weight in weighed)
    if any(weight < 0 for _, weight in weighed) or not total:
        raise ValueError("the weights of a reference must not be negative, nor all zero")
    return sum((weight for value, weight in weighed if accepted(value)), Decimal(0)) / total


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2
