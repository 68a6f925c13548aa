"""For the tests of every route of the published contract that scripts use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from augmed.foundation.permissions import Verb
from participants.actions import create_api_key
from participants.models import User


@pytest.fixture
def by_key() -> Callable[..., APIClient]:
    """A client with an API key of this person, with these scopes."""

    def make(user: User, *scopes: Verb) -> APIClient:
        until = timezone.now() + timedelta(days=1)
        key = create_api_key(owner=user, label="script", scopes=scopes, expires_at=until, by=user)
        client = APIClient()
        client.credentials(HTTP_X_API_KEY=key.secret)
        return client

    return make
