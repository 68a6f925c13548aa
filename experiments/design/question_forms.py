"""From what a researcher writes to questions: every field checked, every error by its place, all at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError

from augmed.foundation.canonical import canonical_decimal, digest
from augmed.foundation.errors import Invalid
from experiments.answers import CHOICES, NUMERIC, SCORED_TYPES, QuestionDefinition
from experiments.attention import CHECK_KEY
from experiments.models import Question

TEXTS = ("key", "type", "text", "help", "unit", "low_label", "high_label", "scoring")
NUMBERS = ("minimum", "maximum", "tolerance")
QUESTION_FIELDS = (*TEXTS, *NUMBERS, "required", "options", "decimals")
LONGEST_OPTION = 500
MOST_QUESTIONS = 200
_ONLY_FOR = {
    "options": CHOICES,
    "minimum": NUMERIC,
    "maximum": NUMERIC,
    "decimals": NUMERIC,
    "low_label": ("scale",),
    "high_label": ("scale",),
}

Errors = dict[str, list[str]]


def definition(question: Question) -> QuestionDefinition:
    """The plain value that answers are checked against (experiments.answers)."""
    return QuestionDefinition(
        key=question.key,
        type=question.type,  # type: ignore[arg-type]  # the database knows only these
        text=question.text,
        help=question.help,
        required=question.required,
        options=tuple(question.options),
        minimum=question.minimum,
        maximum=question.maximum,
        decimals=question.decimals,
        unit=question.unit,
        low_label=question.low_label,
        high_label=question.high_label,
        scoring=question.scoring,  # type: ignore[arg-type]
        tolerance=question.tolerance,
    )


def questions_sha256(questions: Iterable[Question]) -> str:
    """The digest of a version's questions: every field of each, in their order."""
    ordered = sorted(questions, key=lambda question: question.position)
    return digest([[question.position, *(getattr(question, name) for name in QUESTION_FIELDS)] for question in ordered])


def read_questions(
    questions: Sequence[Mapping[str, Any]], *, types_elsewhere: Mapping[str, str] | None = None
) -> list[Question]:
    """Unsaved questions, in order. `types_elsewhere`: the types that keys already have in the study."""
    if not isinstance(questions, list | tuple) or not questions or len(questions) > MOST_QUESTIONS:
        message = f"A list of 1 to {MOST_QUESTIONS} questions is needed."
        raise Invalid(message, errors={"questions": [message]})
    errors: Errors = {}
    made: list[Question] = []
    keys: set[str] = set()
    for index, given in enumerate(questions):
        question, found = _read_question(given)
        if question.key and question.key in keys:
            found.setdefault("key", []).append(f"The key {question.key!r} is used twice.")
        keys.add(question.key)
        if question.key == CHECK_KEY:
            found.setdefault("key", []).append(f"The key {CHECK_KEY!r} is reserved. Take another one.")
        type_before = (types_elsewhere or {}).get(question.key)
        if type_before and question.type in SCORED_TYPES["none"] and type_before != question.type:
            found.setdefault("type", []).append(
                f"In this study {question.key!r} has the type {type_before}. Keep it, or take another key."
            )
        errors.update({f"questions.{index}.{name}" if name else f"questions.{index}": m for name, m in found.items()})
        made.append(question)
    if errors:
        count = len(errors)
        raise Invalid(f"The questions were not accepted: {count} error{'s' if count > 1 else ''}.", errors=errors)
    return made


def _read_question(given: Any) -> tuple[Question, Errors]:
    """One question and what is wrong with it, by field; '' for the question as a whole."""
    if not isinstance(given, Mapping):
        return Question(), {"": ["A question is an object of fields."]}
    errors: Errors = {str(name): ["There is no such field."] for name in given if name not in QUESTION_FIELDS}
    question = Question()
    for name in QUESTION_FIELDS:
        if name in given and given[name] is not None:
            try:
                setattr(question, name, _read_field(name, given[name]))
            except ValueError as error:
                errors[name] = [str(error)]
    try:
        question.clean_fields(exclude={"version", "position", *errors})
    except ValidationError as error:
        errors.update(error.message_dict)
    if not errors:
        errors = _contradictions(question)
    return question, errors


def _read_field(name: str, value: Any) -> Any:
    if name in TEXTS:
        if not isinstance(value, str):
            raise ValueError("A text is needed.")
        if "\x00" in value:
            raise ValueError("The text contains a NUL character.")
        return value.strip()
    if name in NUMBERS:
        return _number(value)
    if name == "options":
        return _options(value)
    if name == "required":
        if not isinstance(value, bool):
            raise ValueError("true or false is needed.")
        return value
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 4:
        raise ValueError("A whole number from 0 to 4 is needed.")
    return value


def _number(value: Any) -> Decimal:
    try:
        return Decimal(canonical_decimal(repr(value) if isinstance(value, float) else value))
    except (TypeError, ValueError):
        raise ValueError("A number is needed.") from None


def _options(value: Any) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(o, str) and "\x00" not in o for o in value):
        raise ValueError("A list of texts is needed.")
    options = [option.strip() for option in value]
    if not all(options) or any(len(option) > LONGEST_OPTION for option in options):
        raise ValueError(f"An option has 1 to {LONGEST_OPTION} characters.")
    return options


def _contradictions(question: Question) -> Errors:
    """What suits neither the type nor the rest of the question. Nothing given is ignored in silence."""
    errors: Errors = {
        name: [f"A question of type {question.type} has no {name.replace('_', ' ')}."]
        for name, types in _ONLY_FOR.items()
        if getattr(question, name) not in (None, "", []) and question.type not in types
    }
    if question.tolerance is not None and question.scoring != Question.Scoring.TOLERANCE:
        errors["tolerance"] = ["Only for scoring by tolerance."]
    if question.type not in SCORED_TYPES[question.scoring]:
        errors["scoring"] = [f"Scoring {question.scoring!r} does not suit the type {question.type}."]
    if question.type in CHOICES and len(question.options) < 2:
        errors["options"] = ["A choice needs at least two options."]
    elif len(set(question.options)) < len(question.options):
        errors["options"] = ["An option occurs twice."]
    if not errors:
        try:
            definition(question)
        except ValueError as error:
            errors[""] = [str(error)]
    return errors
