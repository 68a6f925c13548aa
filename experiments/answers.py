"""Answers to questions: validation and the canonical form.

Pure functions. Two submissions are equal if and only if their canonical forms are: choices are sorted sets, numbers
canonical decimal texts, dates ISO, texts in NFC with line ends as line feeds and no white space around them. Neither
the order of keys nor anything a client says of time or display enters.
"""

import datetime
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from augmed.foundation.canonical import canonical_decimal, nfc

QuestionType = Literal[
    "short_text", "paragraph", "single_choice", "multiple_choice", "number", "scale", "probability", "date"
]
Scoring = Literal["none", "exact", "set", "tolerance", "brier"]
CanonicalAnswer = str | list[str]

TYPES = ("short_text", "paragraph", "single_choice", "multiple_choice", "number", "scale", "probability", "date")
NUMERIC = ("number", "scale", "probability")
CHOICES = ("single_choice", "multiple_choice")
SCORED_TYPES: dict[str, tuple[str, ...]] = {
    "none": TYPES,
    "exact": TYPES,
    "set": ("multiple_choice",),
    "tolerance": NUMERIC,
    "brier": ("probability",),
}
LONGEST_TEXT = {"short_text": 1_000, "paragraph": 20_000}
LONGEST_NUMBER = 30
LARGEST_PERCENTAGE = Decimal(100)
# Postgres text cannot hold NUL, and the other control characters are no one's answer.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_ENDS = re.compile(r"\r\n|[\r\n\u0085\u2028\u2029]")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def gettext_noop(template: str) -> str:
    """Django's extraction of messages looks for this name; the translation is made where the message is shown."""
    return template


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one answer, for the participant: a template in English, which can be translated, and what
    stands in its places. As text it is the English message."""

    template: str
    values: Mapping[str, str | int] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template % self.values


class AnswerErrors(ValueError):
    """Everything wrong with a submission: `problems` maps each question key to what is wrong, `errors` the same to its
    English message."""

    def __init__(self, problems: Mapping[str, Problem]) -> None:
        self.problems = dict(problems)
        self.errors = {key: str(problem) for key, problem in self.problems.items()}
        super().__init__("; ".join(f"{key}: {message}" for key, message in self.errors.items()))


class WrongAnswer(ValueError):
    """One answer cannot be accepted."""

    def __init__(self, template: str, **values: str | int) -> None:
        self.problem = Problem(template, values)
        super().__init__(str(self.problem))


@dataclass(frozen=True, slots=True)
class QuestionDefinition:
    """One question. `key` is the same in all versions and stages.

    A scale needs both bounds and takes whole numbers unless `decimals` says otherwise. A probability is a percentage
    from 0 to 100, within the bounds if given. `decimals` is the most places allowed (0: whole numbers; None: any).
    ValueError when a definition contradicts itself.
    """

    key: str
    type: QuestionType
    text: str = ""
    help: str = ""
    required: bool = True
    options: tuple[str, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    decimals: int | None = None
    unit: str = ""
    low_label: str = ""
    high_label: str = ""
    scoring: Scoring = "none"
    tolerance: Decimal | None = None

    def __post_init__(self) -> None:
        if problem := _problem(self):
            raise ValueError(f"question {self.key!r}: {problem}")

    @property
    def places(self) -> int | None:
        return 0 if self.type == "scale" and self.decimals is None else self.decimals

    @property
    def bounds(self) -> tuple[Decimal | None, Decimal | None]:
        """The lowest and the highest number accepted."""
        if self.type != "probability":
            return self.minimum, self.maximum
        low = Decimal(0) if self.minimum is None else max(self.minimum, Decimal(0))
        high = LARGEST_PERCENTAGE if self.maximum is None else min(self.maximum, LARGEST_PERCENTAGE)
        return low, high


def validate(questions: Sequence[QuestionDefinition], answers_by_key: Mapping[str, Any]) -> dict[str, CanonicalAnswer]:
    """Return the canonical answers by question key, in the questions' order, unanswered ones left out.

    None, blank text and an empty list are no answer. AnswerErrors lists everything that is wrong.
    """
    if not isinstance(answers_by_key, Mapping):
        message = gettext_noop("Answers must be an object with one value for each question key.")
        raise AnswerErrors({"": Problem(message)})
    known = {question.key for question in questions}
    unknown = Problem(gettext_noop("There is no such question."))
    problems = {str(key): unknown for key in answers_by_key if key not in known}
    canonical: dict[str, CanonicalAnswer] = {}
    for question in questions:
        try:
            answer = canonical_answer(question, answers_by_key.get(question.key))
        except WrongAnswer as error:
            problems[question.key] = error.problem
            continue
        if answer is not None:
            canonical[question.key] = answer
        elif question.required:
            problems[question.key] = Problem(gettext_noop("This question needs an answer."))
    if problems:
        raise AnswerErrors(problems)
    return canonical


def canonical_answer(question: QuestionDefinition, value: Any) -> CanonicalAnswer | None:
    """Return one answer's canonical form, or None for no answer; ValueError with a message for the participant."""
    if value is None:
        return None
    if question.type == "multiple_choice":
        return _choices(question, value) or None
    if question.type in NUMERIC:
        return _number(question, value)
    if not isinstance(value, str):
        raise WrongAnswer(gettext_noop("A text is needed."))
    text = _text(value)
    if question.type in LONGEST_TEXT:
        return _limited(question, text)
    if not text.strip():
        return None
    return _date(text.strip()) if question.type == "date" else _option(question, text)


def from_stored(rows: Iterable[tuple[str, str]]) -> dict[str, CanonicalAnswer]:
    """Of question keys and answers as they are stored: canonical JSON, blank where erased."""
    return {key: json.loads(value) for key, value in rows if value}


def _problem(question: QuestionDefinition) -> str | None:
    """What contradicts itself in a definition, if anything."""
    low, high = question.minimum, question.maximum
    if not question.key:
        return "the key is empty"
    if question.type not in TYPES:
        return f"unknown type {question.type!r}"
    if question.type in CHOICES and len(question.options) < 2:
        return "a choice needs at least two options"
    if not all(isinstance(option, str) and option.strip() for option in question.options):
        return "every option is a text that is not empty"
    if len({_text(option).strip() for option in question.options}) < len(question.options):
        return "an option occurs twice"
    if question.type == "scale" and (low is None or high is None):
        return "a scale needs a minimum and a maximum"
    if low is not None and high is not None and low > high:
        return "the minimum is above the maximum"
    if question.decimals is not None and question.decimals < 0:
        return "decimals cannot be negative"
    if question.type not in SCORED_TYPES.get(question.scoring, ()):
        return f"scoring {question.scoring!r} does not suit the type {question.type}"
    if question.scoring == "tolerance" and (question.tolerance is None or question.tolerance < 0):
        return "scoring by tolerance needs a tolerance of at least 0"
    return None


def _text(value: str) -> str:
    """The text in NFC with line feeds as line ends."""
    try:
        return nfc(_LINE_ENDS.sub("\n", value))
    except ValueError:
        raise WrongAnswer(gettext_noop("The text is not valid Unicode.")) from None


def _limited(question: QuestionDefinition, text: str) -> str | None:
    if _CONTROL.search(text):
        raise WrongAnswer(gettext_noop("The text contains control characters."))
    if question.type == "short_text" and "\n" in text.strip():
        raise WrongAnswer(gettext_noop("The answer must be on one line."))
    if len(text) > LONGEST_TEXT[question.type]:
        longest = LONGEST_TEXT[question.type]
        raise WrongAnswer(gettext_noop("The text is longer than %(longest)s characters."), longest=longest)
    return text.strip() or None


def _option(question: QuestionDefinition, text: str) -> str:
    for option in question.options:
        if _text(option).strip() == text.strip():
            return _text(option).strip()
    raise WrongAnswer(gettext_noop("This is not one of the options."))


def _choices(question: QuestionDefinition, value: Any) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise WrongAnswer(gettext_noop("A list of options is needed."))
    return sorted({_option(question, _text(item)) for item in value})


def _number(question: QuestionDefinition, value: Any) -> str | None:
    if isinstance(value, str) and not value.strip():
        return None
    number = decimal_of(value)
    low, high = question.bounds
    if low is not None and number < low:
        raise WrongAnswer(gettext_noop("The number must be at least %(least)s."), least=canonical_decimal(low))
    if high is not None and number > high:
        raise WrongAnswer(gettext_noop("The number must be at most %(most)s."), most=canonical_decimal(high))
    text = canonical_decimal(number)
    if len(text) > LONGEST_NUMBER:
        raise WrongAnswer(gettext_noop("The number has too many digits."))
    if question.places is not None and len(text.partition(".")[2]) > question.places:
        if question.places == 0:
            raise WrongAnswer(gettext_noop("A whole number is needed."))
        raise WrongAnswer(gettext_noop("Too many decimals: at most %(places)s."), places=question.places)
    return text


def decimal_of(value: Any) -> Decimal:
    """Numbers come as JSON numbers or texts; a float is read as the shortest text that means it."""
    if isinstance(value, float):
        value = repr(value)
    try:
        return Decimal(canonical_decimal(value.strip() if isinstance(value, str) else value))
    except (TypeError, ValueError):
        raise WrongAnswer(gettext_noop("A number is needed, without a mark for thousands.")) from None


def _date(text: str) -> str:
    if _DATE.fullmatch(text):
        try:
            return datetime.date.fromisoformat(text).isoformat()
        except ValueError:
            pass
    raise WrongAnswer(gettext_noop("A date is needed, written YYYY-MM-DD."))
