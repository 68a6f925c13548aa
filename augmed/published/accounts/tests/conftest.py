from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

# pytest finds a fixture where it is imported
from participants.tests.conftest import _links_go_to, clock, invitee  # noqa: F401

LOG_IN, SIGN_UP = "/api/auth/login", "/api/auth/signup"
RESET_REQUEST, RESET = "/api/auth/reset-password-request", "/api/auth/reset-password"


@pytest.fixture
def post(api: Callable[..., Any], django_capture_on_commit_callbacks: Any) -> Callable[..., Any]:
    """POST a body, and let mails go out."""

    def send(path: str, *, headers: dict[str, str] | None = None, **body: Any) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return api().post(path, body, headers=headers)

    return send


def refusal(response: Any) -> tuple[int, str]:
    """Status and code of a refusal, which must be one in the envelope."""
    body = response.json()
    assert body["data"] is None
    assert isinstance(body["error"]["message"], str)
    assert body["message"] == body["error"]["message"]
    return response.status_code, body["error"]["code"]


def said(response: Any) -> str:
    return str(response.json()["error"]["message"])
