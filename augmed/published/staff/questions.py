"""From the contract's questions to this project's. Plain values."""

from __future__ import annotations

from typing import Any

from augmed.published.question_types import CHOICES, TYPES
from experiments.display_configs.written import storable

_NAMES = {
    "Text": "text",
    "Paragraph": "paragraph",
    "SingleChoice": "single choice",
    "MultipleChoice": "multiple choice",
}


class QuestionsRefused(ValueError):
    """A questionnaire that cannot be asked; the message is the contract's where it has one."""


def questions_of(config: Any) -> list[dict[str, Any]]:
    """The questions in order, as mappings of Question's fields without key."""
    if not isinstance(config, list) or not config:
        raise QuestionsRefused("Answer config can not be empty list.")
    questions = [_question(given) for given in config]
    titles: set[str] = set()
    for question in questions:
        # The client keeps answers by title: of two alike it would send one.
        if question["text"] in titles:
            raise QuestionsRefused(f"Two questions have the title {question['text'][:100]!r}; each needs its own.")
        titles.add(question["text"])
    return questions


def _question(given: Any) -> dict[str, Any]:
    kind = given.get("type") if isinstance(given, dict) else None
    if not isinstance(kind, str) or kind not in TYPES:
        raise QuestionsRefused("Type should be Text, Paragraph, SingleChoice or MultipleChoice")
    title = given.get("title")
    if not isinstance(title, str) or not title.strip():
        raise QuestionsRefused(f"A question title is required in {_NAMES[kind]}.")
    if not storable(title):
        raise QuestionsRefused(f"There is a character in the title {title[:100]!r} that cannot be stored.")
    question = {"type": TYPES[kind], "text": title.strip(), "required": _is_true(given.get("required"))}
    if kind in CHOICES:
        question["options"] = _options(given.get("options"), title.strip())
    return question


def _options(options: Any, title: str) -> list[str]:
    if not isinstance(options, list) or len(options) < 2:
        raise QuestionsRefused("Choice question must contain at least 2 options.")
    if not all(isinstance(option, str) and option.strip() and storable(option) for option in options):
        raise QuestionsRefused(f"The options of {title[:100]!r} are texts.")
    stripped = [option.strip() for option in options]
    if len(set(stripped)) < len(stripped):
        raise QuestionsRefused(f"An option of {title[:100]!r} occurs twice.")
    return stripped


def _is_true(value: Any) -> bool:
    """The client takes the text "true" for true, and questions without the word as not required."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")
