from __future__ import annotations

from typing import Any

import pytest

from experiments.actions.reviews import open_review, submit
from experiments.models import (
    Enrolment,
    Review,
)


@pytest.fixture
def answered(study: Any, enrolled: Enrolment, clinician: Any) -> Review:
    """A review of the study that was answered."""
    review = Review.objects.pending_for(clinician).first()
    opened = open_review(public_id=review.public_id, by=clinician)
    submit(
        public_id=review.public_id,
        answers={"diagnosis": "yes", "risk": 66.6, "remarks": "a remark"},
        questionnaire_version=opened.questionnaire_version,
        by=clinician,
    )
    return review
