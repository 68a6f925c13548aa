"""The form of an opened review, and what stands in it: a draft, or answers; and those of the stage before."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from experiments.answers import CanonicalAnswer, Problem, from_stored
from experiments.models import Answer, ReviewDraft
from experiments.reviewing.reading import OpenedReview, asked_of, given_in
from experiments.screens.answering.controls import Texts
from experiments.screens.answering.panel import AnswerPanel, answer_panel
from experiments.screens.answering.written import Value


@dataclass(frozen=True, slots=True)
class Typed:
    """What a form sent that is shown again: not accepted, or behind another page's draft."""

    values: Mapping[str, Value]
    revision: int
    errors: Mapping[str, Problem] | None = None
    notice: str = ""


def panel_of(opened: OpenedReview, *, texts: Texts, typed: Typed | None = None) -> AnswerPanel:
    """At most two statements beside the questions, which are kept in memory; one at a first stage."""
    definitions = asked_of(opened).definitions
    first = None if opened.stage_position == 1 else first_answers(opened)
    if opened.submitted_at is not None:
        return answer_panel(
            definitions,
            texts=texts,
            values=from_stored(given_in(opened.review)),
            first_answers=first,
            read_only=True,
            submitted_at=opened.submitted_at,
        )
    fields: dict[str, Any] = _of_draft(opened.review) if typed is None else _as_typed(typed)
    return answer_panel(
        definitions,
        texts=texts,
        first_answers=first,
        action=reverse("review_answer", args=[opened.public_id]),
        draft_url=reverse("review_draft", args=[opened.public_id]),
        version=str(opened.questionnaire_version),
        page_session=str(uuid.uuid4()),
        **fields,
    )


def first_answers(opened: OpenedReview) -> dict[str, CanonicalAnswer]:
    """What was answered at the stage before, by question key. One statement."""
    before = Answer.objects.filter(
        submission__review__assignment__reviews=opened.review,
        submission__review__stage_position__lt=opened.stage_position,
    )
    return from_stored(before.order_by("submission__review__stage_position").values_list("question_key", "value"))


def _of_draft(review: int) -> dict[str, Any]:
    row = ReviewDraft.objects.filter(pk=review).values_list("answers", "revision", "saved_at").first()
    if row is None:
        return {}
    answers, revision, saved_at = row
    return {"values": json.loads(answers), "revision": revision, "saved_at": saved_at}


def _as_typed(typed: Typed) -> dict[str, Any]:
    return {"values": typed.values, "revision": typed.revision, "errors": typed.errors, "notice": typed.notice}
