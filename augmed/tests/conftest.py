from __future__ import annotations

from typing import Any

import pytest

from augmed.tests.cast import make_cast
from experiments.tests import factories


@pytest.fixture
def study(owner: Any, clinician: Any) -> Any:
    """An active study, in which the clinician has opened their first review."""
    from experiments.actions.reviews import open_review
    from experiments.models import Review

    study = factories.make_study(by=owner)
    enrolment = factories.make_enrolment(study, clinician)
    first = Review.objects.filter(assignment__enrolment=enrolment).in_order().first()
    open_review(public_id=first.public_id, by=clinician)
    return study


@pytest.fixture
def cast(
    study: Any,
    make_user: Any,
    owner: Any,
    stranger: Any,
    clinician: Any,
    other_clinician: Any,
    data_staff: Any,
    administrator: Any,
) -> dict[str, Any]:
    return make_cast(
        study,
        make_user,
        clinician=clinician,
        stranger=stranger,
        lead=owner,
        administrator=administrator,
        **{"other clinician": other_clinician, "data staff": data_staff},
    )
