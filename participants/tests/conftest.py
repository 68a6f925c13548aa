from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from participants.models import User

PASSWORD = "a long Passphrase 1!"  # what conftest.make_user sets
NEW_PASSWORD = "another long Passphrase 2!"


@pytest.fixture(autouse=True)
def _links_go_to(settings: Any) -> None:
    settings.PUBLIC_URL = "https://study.example.org"


class Clock:
    def __init__(self) -> None:
        self.offset = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(tz=timezone.get_default_timezone()) + self.offset

    def forward(self, **passed: float) -> None:
        self.offset += timedelta(**passed)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """`clock.forward(minutes=20)`: time passes without waiting."""
    made = Clock()
    monkeypatch.setattr(timezone, "now", made)
    monkeypatch.setattr("axes.handlers.proxy.now", made)
    return made


@pytest.fixture
def invitee(make_user: Callable[..., Any]) -> User:
    """An account whose owner has not set a password yet."""
    user = make_user("invitee@example.org")
    user.set_unusable_password()
    user.save()
    return user


def link_in(text: str) -> str:
    """The path of the one link in a mail, besides the address for later sign-ins."""
    (link,) = re.findall(r"https://study\.example\.org(/(?!sign-in/\n)\S+)", text)
    return link
