"""Made-up readings of the demo's clinicians, so that progress and exports show something. They go through the same
actions as a person's; the numbers are drawn from a fixed seed and mean nothing."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from experiments.actions.events import record_events
from experiments.actions.reviews import open_review, submit
from experiments.models import Enrolment, Review

REVIEWS_TO_ANSWER = 5
MANAGEMENT = (
    "Nothing beyond routine care",
    "Advice on lifestyle, check again in a year",
    "Further tests before deciding",
    "Start or intensify lipid-lowering treatment",
)
FINDINGS = ("Age and sex", "Blood pressure or its treatment", "Lipids", "General impression")


def answer_some_reviews(*, enrolment: Enrolment, count: int = REVIEWS_TO_ANSWER) -> int:
    """Open and answer the enrolment's next reviews; one more is opened and left unanswered."""
    user = enrolment.user
    draw = random.Random(f"demo {enrolment.arrival}")  # noqa: S311  made-up answers, not a draw of the study
    answered = 0
    while answered <= count:
        review = Review.objects.pending_for(user).filter(assignment__enrolment=enrolment).first()
        if review is None:
            break
        opened = open_review(public_id=review.public_id, by=user)
        if answered == count:
            break
        _look_around(review, user, draw)
        submit(
            public_id=review.public_id,
            answers=_answers(draw),
            questionnaire_version=opened.questionnaire_version,
            by=user,
        )
        answered += 1
    return answered


def _look_around(review: Review, user: Any, draw: random.Random) -> None:
    session, begun = uuid.uuid4(), timezone.now()
    seconds = (0, draw.randint(20, 90), draw.randint(100, 240))
    kinds = ("case_opened", "answer_opened", "answer_submitted")
    events = [
        {
            "page_session": session,
            "sequence": number,
            "kind": kind,
            "client_at": begun + timedelta(seconds=after),
            "client_offset_minutes": 0,
        }
        for number, (kind, after) in enumerate(zip(kinds, seconds, strict=True), start=1)
    ]
    record_events(public_id=review.public_id, events=events, by=user)


def _answers(draw: random.Random) -> dict[str, Any]:
    return {
        "cvd_10y": draw.choice((2, 4, 5, 8, 10, 15, 20, 35)),
        "confidence": draw.randint(2, 6),
        "management": draw.choice(MANAGEMENT),
        "findings": draw.sample(FINDINGS, draw.randint(1, 3)),
    }
