"""Made-up feedback to a made-up case: what is right in the study's own training cases, and what its team says of them,
may tell of a patient. Pure, but for the language of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from augmed.foundation.canonical import canonical_decimal
from experiments.answers import NUMERIC, CanonicalAnswer, QuestionDefinition
from experiments.languages.texts import StudyTexts
from experiments.screens.joining.blocks import text_blocks
from experiments.screens.joining.feedback import Feedback, compared

DAY = "2026-03-16"


def made_up_feedback(
    case: int,
    questions: Sequence[QuestionDefinition],
    readings: Sequence[Mapping[str, CanonicalAnswer]],
    texts: StudyTexts,
) -> Feedback:
    """As a reader gets it after the last reading of a case to practise on."""
    references = {question.key: _reference(question) for question in questions if question.scoring != "none"}
    words = _("Made-up feedback. In the study, the study team's own words on the case stand here.")
    return Feedback(case, compared(questions, readings, references, texts), text_blocks(words))


def _reference(question: QuestionDefinition) -> Any:
    """Something that the question takes."""
    if question.scoring == "brier":
        return "yes"
    if question.options:
        return [question.options[0]] if question.type == "multiple_choice" else question.options[0]
    if question.type in NUMERIC:
        low, high = question.bounds
        known = [bound for bound in (low, high) if bound is not None]
        return canonical_decimal(known[0]) if known else "1"
    return DAY if question.type == "date" else _("Made-up entry")
