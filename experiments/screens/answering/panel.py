"""All questions of one form, with where it is sent and what is known of it. No database here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from experiments.answers import CanonicalAnswer, Problem, QuestionDefinition
from experiments.screens.answering.controls import Control, Texts, control
from experiments.screens.answering.written import Value


@dataclass(frozen=True, slots=True)
class AnswerPanel:
    """All questions of one form. Without `draft_url` nothing is saved while typing; without `version` none is sent."""

    controls: tuple[Control, ...]
    action: str = ""
    draft_url: str = ""
    version: str = ""
    revision: int = 0
    page_session: str = ""
    read_only: bool = False
    submitted_at: datetime | None = None
    saved_at: datetime | None = None
    notice: str = ""

    @property
    def wrong(self) -> tuple[Control, ...]:
        return tuple(control for control in self.controls if control.error)

    @property
    def any_required(self) -> bool:
        return any(control.required for control in self.controls)


def answer_panel(
    definitions: Sequence[QuestionDefinition],
    *,
    texts: Texts,
    values: Mapping[str, Value] | None = None,
    errors: Mapping[str, Problem] | None = None,
    first_answers: Mapping[str, CanonicalAnswer] | None = None,
    **panel: Any,
) -> AnswerPanel:
    """`values`: answers or what stands in the form, by question key; `first_answers`: the stage before's, None at the
    first stage. The rest are AnswerPanel's own fields."""
    made = tuple(
        control(
            question,
            texts,
            (values or {}).get(question.key, ""),
            (errors or {}).get(question.key),
            None if first_answers is None else first_answers.get(question.key),
        )
        for question in definitions
    )
    return AnswerPanel(controls=made, **panel)
