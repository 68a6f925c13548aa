from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from experiments.models import Enrolment, Experiment
from experiments.screens.joining.tests import helpers
from experiments.tests import factories


@pytest.fixture
def study(owner: Any) -> Experiment:
    return helpers.joining_study(owner)


@pytest.fixture
def reader(study: Experiment, clinician: Any) -> Enrolment:
    return factories.make_enrolment(study, clinician)


@pytest.fixture
def reading(client: Client, reader: Enrolment) -> Client:
    """The reader's browser."""
    client.force_login(reader.user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def reading_of() -> Any:
    """`reading_of(user)`: that user's browser."""

    def browser(user: Any) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return browser
