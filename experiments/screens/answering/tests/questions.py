"""One question of each type, and answers to all of them."""

from __future__ import annotations

from typing import Any

ALL_TYPES: list[dict[str, Any]] = [
    {"key": "diagnosis", "type": "single_choice", "text": "Which diagnosis?", "options": ["Pneumonia", "Embolism"]},
    {
        "key": "findings",
        "type": "multiple_choice",
        "text": "Which findings led you to it?",
        "help": "All that apply.",
        "options": ["Fever", "Cough", "Leg swelling"],
    },
    {"key": "risk", "type": "probability", "text": "How likely is an embolism?", "help": "0 % is never."},
    {
        "key": "sure",
        "type": "scale",
        "text": "How sure are you?",
        "minimum": 1,
        "maximum": 7,
        "low_label": "not at all",
        "high_label": "completely",
    },
    {
        "key": "urgency",
        "type": "scale",
        "text": "How urgent is it?",
        "minimum": 0,
        "maximum": 100,
        "low_label": "can wait",
        "high_label": "now",
        "required": False,
    },
    {
        "key": "dose",
        "type": "number",
        "text": "Which dose?",
        "unit": "mg",
        "minimum": 0,
        "maximum": 500,
        "decimals": 1,
        "required": False,
    },
    {"key": "seen", "type": "date", "text": "When should they be seen again?", "required": False},
    {"key": "next", "type": "short_text", "text": "What would you do next?"},
    {"key": "remarks", "type": "paragraph", "text": "Anything else?", "required": False},
]

ANSWERS: dict[str, Any] = {
    "diagnosis": "Embolism",
    "findings": ["Leg swelling", "Cough"],
    "risk": "35",
    "sure": "5",
    "urgency": "80",
    "dose": "7.5",
    "seen": "2026-02-03",
    "next": "CT scan",
    "remarks": "Two\nlines",
}


def posted(answers: dict[str, Any] = ANSWERS, **more: str) -> dict[str, Any]:
    """As a form sends them."""
    return {f"q.{key}": value for key, value in answers.items()} | more
