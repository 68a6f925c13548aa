"""What tests of the API start from: the standing cast with their roles in `study`, and what is in it."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.actions.roles import grant_role
from experiments.models import Review
from experiments.tests.conftest import *  # noqa: F403  the fixtures of studies


@pytest.fixture
def cast(
    study: Any,
    make_user: Any,
    administrator: Any,
    data_staff: Any,
    lead: Any,
    stranger: Any,
    clinician: Any,
    other_clinician: Any,
    enrolled: Any,
) -> dict[str, Any]:
    """Everybody, by name. The clinician takes part in `study`, the other clinician in nothing."""
    from experiments.tests import factories

    people = {
        "anonymous": None,
        "clinician": clinician,
        "other clinician": other_clinician,
        "stranger": stranger,
        "lead": lead,
        "data staff": data_staff,
        "administrator": administrator,
    }
    for role in ("coordinator", "blinded_analyst", "unblinded_analyst", "adjudicator"):
        person = make_user(f"{role}@example.org")
        grant_role(user=person, experiment=study, role=role, by=None)
        people[role.replace("_", " ")] = person
    factories.make_study(by=stranger, name="The study of the stranger", cases=1)
    for person in people.values():
        if person is not None:
            person.refresh_from_db()
    return people


@pytest.fixture
def first_review(enrolled: Any) -> Review:
    return Review.objects.filter(assignment__enrolment=enrolled).in_order().first()


@pytest.fixture
def base(study: Any) -> str:
    """The address of `study`."""
    return f"/api/v2/experiments/{study.code}"
