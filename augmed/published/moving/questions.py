"""From an answer_config of AugMed's to questions, and from an answer by titles to answers by key. Plain values only.

AugMed checked little, so both can be odd: what cannot be a question or an answer as it is, is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from augmed.foundation.canonical import nfc
from augmed.published.question_types import CHOICES, TYPES
from experiments.answers import CanonicalAnswer, QuestionDefinition, canonical_answer

NO_TITLE = "(no title)"
LONGEST_OPTION = 500
MOST_QUESTIONS = 200


class NotQuestions(ValueError):
    """It is no list of questions."""


@dataclass
class Converted:
    """`questions`: fields of Question, without key. `remarks`: what had to be changed."""

    questions: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def converted(config: Any) -> Converted:
    """The questions of one answer_config. NotQuestions where there is nothing to ask."""
    config = config.get("config", config) if isinstance(config, Mapping) else config
    if not isinstance(config, list) or not config:
        raise NotQuestions("config is no list of questions")
    if len(config) > MOST_QUESTIONS:
        raise NotQuestions(f"config has more than {MOST_QUESTIONS} questions")
    made = Converted()
    titles: set[str] = set()
    for number, given in enumerate(config, start=1):
        if not isinstance(given, Mapping):
            raise NotQuestions(f"question {number} is no object")
        question = _question(given, number, made.remarks)
        if question["text"] in titles:
            made.remarks.append(f"question {number} has the title of an earlier one, whose answers it shared: left out")
            continue
        titles.add(question["text"])
        made.questions.append(question)
    return made


def text_of(title: Any) -> str:
    """A title as a question's text here."""
    return str(title if title is not None else "").replace("\x00", "").strip() or NO_TITLE


def _question(given: Mapping[str, Any], number: int, remarks: list[str]) -> dict[str, Any]:
    client_type = str(given.get("type"))
    kind = TYPES.get(client_type)
    question: dict[str, Any] = {
        "type": kind or "paragraph",
        "text": text_of(given.get("title")),
        "required": bool(given.get("required")),  # any text is yes, "false" too: so AugMed's client read it
    }
    if kind is None:
        remarks.append(f"question {number} has no type that AugMed's client showed: kept as a paragraph")
    if client_type not in CHOICES:
        return question
    options = _options(given.get("options"))
    if len(options) < 2 or any(len(option) > LONGEST_OPTION for option in options):
        remarks.append(f"question {number} has no options that can be kept: kept as a paragraph")
        return {**question, "type": "paragraph"}
    if len(options) != len(given["options"]):
        remarks.append(f"question {number} has an option twice, or an empty one: kept once")
    return {**question, "options": options}


def _options(given: Any) -> list[str]:
    listed = [str(option).replace("\x00", "").strip() for option in given] if isinstance(given, list) else []
    return list(dict.fromkeys(filter(None, listed)))


@dataclass(frozen=True, slots=True)
class NotTaken:
    """One title whose value is no answer to any question, with the value as it was."""

    title: str
    value: Any
    reason: str


@dataclass
class Given:
    """What somebody answered. `answers` by key, as live answers are stored; `check`: the answer to AugMed's attention
    check; `is_exact`: the answers say everything that AugMed stored, letter by letter."""

    answers: dict[str, CanonicalAnswer] = field(default_factory=dict)
    check: CanonicalAnswer | None = None
    not_taken: list[NotTaken] = field(default_factory=list)
    is_exact: bool = True


def given(
    answer: Mapping[str, Any], questions: Mapping[str, QuestionDefinition], check: QuestionDefinition | None
) -> Given:
    """Read an answer of AugMed's. `questions` by their text. The rules of live answers hold, but for one: what was
    required and not answered was accepted then, and is left unanswered."""
    made = Given()
    for title, value in answer.items():
        text = text_of(title)
        asked = questions.get(text)
        is_check = asked is None and check is not None and nfc_or_same(text) == check.text
        asked = check if is_check else asked
        canonical, reason = _canonical(asked, value)
        if reason:
            made.not_taken.append(NotTaken(title, value, reason))
        elif asked is not None and canonical is not None:
            if is_check:
                made.check = canonical
            elif asked.key in made.answers:
                made.not_taken.append(NotTaken(title, value, "another title means the same question"))
                continue
            else:
                made.answers[asked.key] = canonical
        made.is_exact = made.is_exact and not reason and (canonical == value or not value)
    return made


def _canonical(asked: QuestionDefinition | None, value: Any) -> tuple[CanonicalAnswer | None, str]:
    """The canonical answer (None: none was given), or why it is not taken."""
    if asked is None:
        return None, "there is no question of this title"
    try:
        return canonical_answer(asked, value), ""
    except ValueError as error:
        return None, str(error)


def nfc_or_same(text: str) -> str:
    try:
        return nfc(text)
    except ValueError:
        return text


def by_text(definitions: Sequence[QuestionDefinition]) -> dict[str, QuestionDefinition]:
    return {definition.text: definition for definition in definitions}
