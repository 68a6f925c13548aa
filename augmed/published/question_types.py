"""The four types of questions that the published client knows, by its names, and what they are called here."""

from __future__ import annotations

from collections.abc import Mapping

TYPES: Mapping[str, str] = {
    "Text": "short_text",
    "Paragraph": "paragraph",
    "SingleChoice": "single_choice",
    "MultipleChoice": "multiple_choice",
}
CHOICES = frozenset({"SingleChoice", "MultipleChoice"})
