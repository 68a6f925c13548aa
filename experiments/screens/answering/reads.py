"""What comes after an answer."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from experiments.models import Enrolment, Experiment, Review
from experiments.reviewing.previewing import next_of_preview
from experiments.reviewing.review_state import ReviewState
from experiments.screens.home.reads import StudyCard, study_cards


@dataclass(frozen=True, slots=True)
class After:
    """`again`: the same case is read once more; `review`: what can be opened next, that or another case; `card`: the
    study as home shows it, None for a preview; `feedback`: where a case for practice goes on."""

    review: uuid.UUID | None = None
    again: bool = False
    card: StudyCard | None = None
    feedback: str | None = None


def after(state: ReviewState, *, by: Any) -> After:
    """Of an answered review. At most five statements, as many for one study and case as for many."""
    again = _later_stage(state)
    if state.enrolment_kind == Enrolment.Kind.TRAINING:
        return After(review=again, again=True) if again else After(feedback=_practice(state))
    if state.is_preview:
        following = next_of_preview(state.enrolment_id)
        if following is None:
            return After()
        same_case = Review.objects.filter(public_id=following, assignment=state.assignment_id)
        return After(review=following, again=same_case.exists())
    card = next((card for card in study_cards(by) if card.enrolment.pk == state.enrolment_id), None)
    following = card.step.review if card is not None else None
    return After(review=again or following, again=again is not None, card=card)


def _later_stage(state: ReviewState) -> uuid.UUID | None:
    """The next reading of the same case, when it can be opened now."""
    later = Review.objects.filter(assignment=state.assignment_id, stage_position__gt=state.stage_position)
    return later.unanswered().reachable().order_by("stage_position").values_list("public_id", flat=True).first()


def _practice(state: ReviewState) -> str:
    """Where cases to practise on are listed, with the feedback to what was answered."""
    code = Experiment.objects.values_list("code", flat=True).get(pk=state.experiment_id)
    return reverse("study_training", args=[code])
