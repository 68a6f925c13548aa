from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from experiments.models import Review
from experiments.reviewing.own_reviews import own_reviews
from experiments.screens.answering.tests.questions import ALL_TYPES
from experiments.tests import factories


@pytest.fixture
def two_stages(owner: Any) -> Any:
    """An active study of one arm with two stages, which asks one question of each type."""
    arms = {"Advice afterwards": factories.ARMS["Advice afterwards"]}
    return factories.make_study(by=owner, arms=arms, cases=3, case_order="fixed", questions=ALL_TYPES)


@pytest.fixture
def enrolled(two_stages: Any, clinician: Any) -> Any:
    return factories.make_enrolment(two_stages, clinician)


@pytest.fixture
def review(enrolled: Any, clinician: Any) -> Review:
    """The clinician's first one, not opened."""
    found = own_reviews(clinician).first()
    assert found is not None
    return found


@pytest.fixture
def signed_in() -> Callable[[Any], Client]:
    def client(user: Any) -> Client:
        made = Client()
        made.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return made

    return client


@pytest.fixture
def client(signed_in: Callable[[Any], Client], clinician: Any) -> Client:
    return signed_in(clinician)
