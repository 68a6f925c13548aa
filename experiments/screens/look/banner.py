"""What stands above a page that is read as a preview or for practice: that nothing counts; of a preview the ways back
and to the start."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from experiments.models import Enrolment
from experiments.reviewing.review_state import ReviewState


@dataclass(frozen=True, slots=True)
class PreviewBanner:
    """`back`: the study's previews; `again`: where a POST begins the same preview anew; `is_practice`: a participant's
    practice, which has neither."""

    back: str = ""
    again: str = ""
    is_practice: bool = False


def preview_banner(state: ReviewState) -> PreviewBanner | None:
    """None where the review counts. No statement."""
    if state.enrolment_kind == Enrolment.Kind.TRAINING:
        return PreviewBanner(is_practice=True)
    if not state.is_preview:
        return None
    return PreviewBanner(
        back=reverse("admin:experiments_experiment_previews", args=[state.experiment_id]),
        again=reverse("admin:experiments_experiment_preview_again", args=[state.experiment_id, state.enrolment_id]),
    )
