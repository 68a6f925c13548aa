"""An upload and an opening at the same moment: what is reported as replaced is what the reader then sees."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from experiments.actions.display_configs import UploadResult, apply
from experiments.actions.reviews import open_review
from experiments.models import Experiment, Review
from experiments.tests import factories
from experiments.tests.test_display_configs import csv
from experiments.tests.test_reviews_at_once import at_once

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

ROUNDS = 8


def test_an_upload_says_truly_what_an_opening_at_that_moment_discloses(clinician: Any) -> None:
    version = factories.make_layout(is_default=True)
    for number in range(1, ROUNDS + 1):
        factories.make_case(layout_version=version, number=number)
    everything = csv(*(f"{clinician.email},{number},Patient.Age,,," for number in range(1, ROUNDS + 1)))
    apply(file=everything, by=None)
    factories.make_questionnaire(Experiment.objects.get(kind="configs"))
    for review in Review.objects.owned_by(clinician).in_order().select_related("assignment__case"):
        number = review.assignment.case.number
        upload = partial(apply, file=csv(f"{clinician.email},{number},Findings.Laboratory,,,"), by=None)
        result, opened = at_once(upload, partial(open_review, public_id=review.public_id, by=clinician))
        assert isinstance(result, UploadResult)
        assert (result.replaced, result.kept_count) in {(1, 0), (0, 1)}
        assert ("Hemoglobin" in opened.disclosed) == (result.replaced == 1)
        assert ("Age" in opened.disclosed) == (result.kept_count == 1)
