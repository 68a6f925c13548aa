"""What is here after the move."""

from __future__ import annotations

import json
from typing import Any

from augmed.published.models import CameOver
from cases.models import Case
from experiments.models import (
    Answer,
    Assignment,
    Enrolment,
    QuestionnaireVersion,
    Review,
    ReviewEvent,
    Submission,
)
from participants.models import User

KEPT = (Answer, Assignment, CameOver, Case, Enrolment, QuestionnaireVersion, Review, ReviewEvent, Submission, User)


def rows() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in KEPT}


def review_of(task: str) -> Review:
    return Review.objects.get(pk=CameOver.objects.get(kind="display_config", key=task).target_pk)


def answers_of(review: Review) -> dict[str, Any]:
    found = Answer.objects.filter(submission__review=review).select_related("question")
    return {answer.question.text: json.loads(answer.value) for answer in found}
