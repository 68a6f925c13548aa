"""What the tests of second factors share: an app on a phone whose clock they turn."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from participants import actions
from participants.models import User

STEP = 30


@dataclass
class Phone:
    """Shows codes of whatever secret the account has, and is on time with the server."""

    user: User
    at: float = 1_800_000_000.0

    def code(self) -> str:
        """A fresh one: half a minute goes by, since a code counts once."""
        self.at += STEP
        totp = TOTP(TOTPDevice.objects.get(user=self.user).bin_key)
        totp.time = self.at
        return f"{totp.token():06d}"

    def wrong_code(self) -> str:
        """Of six digits that are none of those that count about now."""
        totp = TOTP(TOTPDevice.objects.get(user=self.user).bin_key)
        near = set()
        for steps in range(-2, 4):
            totp.time = self.at + steps * STEP
            near.add(totp.token())
        return next(f"{number:06d}" for number in range(10) if number not in near)


def phone_of(user: User, monkeypatch: pytest.MonkeyPatch) -> Phone:
    phone = Phone(user)
    monkeypatch.setattr("django_otp.plugins.otp_totp.models.time", SimpleNamespace(time=lambda: phone.at))
    return phone


def switch_on(user: User, phone: Phone) -> list[str]:
    """The recovery codes."""
    actions.begin_second_factor(by=user)
    codes: list[str] = actions.confirm_second_factor(code=phone.code(), by=user)
    return codes


def wait(clock: Any) -> None:
    """As long as one wrong code asks for."""
    clock.forward(seconds=2)
