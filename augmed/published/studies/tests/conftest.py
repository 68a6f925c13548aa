"""A study and its standing cast, seen through the published contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from experiments.actions.roles import grant_role
from experiments.tests import factories


@pytest.fixture
def study(owner: Any, clinician: Any) -> Any:
    """Active, of four cases and three arms; the owner leads it, one clinician takes part."""
    made = factories.make_study(by=owner)
    factories.make_enrolment(made, clinician)
    made.refresh_from_db()
    return made


@pytest.fixture
def holder(make_user: Callable[..., Any], study: Any) -> Callable[[str], Any]:
    """Somebody new who holds this role in the study."""

    def make(role: str) -> Any:
        user = make_user(f"{role}@example.org", is_staff=True)
        grant_role(user=user, experiment=study, role=role, by=None)
        return user

    return make
