"""Clients signed in by session, and data staff who may look but not import."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from augmed.foundation.permissions import Verb


@pytest.fixture
def signed_in() -> Callable[[Any], Client]:
    """`signed_in(user)` is a client with that user's session."""

    def client(user: Any) -> Client:
        made = Client()
        made.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return made

    return client


@pytest.fixture
def staff(signed_in: Any, data_staff: Any) -> Client:
    return signed_in(data_staff)


@pytest.fixture
def only_looks(signed_in: Any, data_staff: Any, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Data staff without the verb import_omop. No role is like that today; the pages must not lean on it."""
    may = type(data_staff).may
    monkeypatch.setattr(type(data_staff), "may", lambda user, verb: verb != Verb.IMPORT_OMOP and may(user, verb))
    return signed_in(data_staff)
