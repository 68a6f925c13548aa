"""The second factor of an account: codes of an authenticator app, and recovery codes for when that is lost.

Secrets and codes are in django-otp's tables. Recovery codes are kept there as keyed hashes: who reads the database can
sign in with none. The secret of an app cannot be hashed, since codes are computed from it."""

from __future__ import annotations

import re
import secrets
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django_otp.plugins.otp_totp.models import TOTPDevice

from participants.models import User

RECOVERY_CODES = 10
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that is read as another
_LENGTH = 10  # of 31 letters: 49 bits, which no throttled guessing reaches
_SHOWN = "second_factor_shown"


@dataclass(frozen=True)
class SecondFactor:
    since: datetime
    codes_left: int


def is_on(user: User) -> bool:
    """Is a code asked for after the password? One query."""
    return TOTPDevice.objects.filter(user_id=user.pk, confirmed=True).exists()


def second_factor_of(user: User) -> SecondFactor | None:
    """What the account's page tells, in one query; None where it is off."""
    left = Count("user__staticdevice__token_set", filter=Q(user__staticdevice__confirmed=True))
    devices = TOTPDevice.objects.filter(user_id=user.pk, confirmed=True).annotate(codes_left=left)
    found = devices.values_list("created_at", "codes_left").first()
    return None if found is None else SecondFactor(since=found[0], codes_left=found[1])


def is_demanded_of(user: User) -> bool:
    """Does this server want one of the account? (SECOND_FACTOR_FOR_STAFF)"""
    return settings.SECOND_FACTOR_FOR_STAFF == "required" and (user.is_staff or user.is_superuser)


def note_shown(request: HttpRequest, *, shown: bool = True) -> None:
    """Whether it was shown in this session is in the session, so that asking costs no query."""
    request.session[_SHOWN] = shown


def was_shown(request: HttpRequest) -> bool:
    return bool(request.session.get(_SHOWN))


def plain(code: str) -> str:
    """A code as it is compared: however it was grouped, spaced or capitalised."""
    return re.sub(r"[\s-]", "", code).lower()


def is_of_app(code: str) -> bool:
    """Six digits come from an app; a recovery code is longer. `code` as `plain` gives it."""
    return len(code) == 6 and code.isascii() and code.isdecimal()


def new_recovery_codes() -> list[str]:
    """As they are shown to their owner, once: two groups of five."""
    drawn = ["".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)) for _ in range(RECOVERY_CODES)]
    return [f"{code[:5]}-{code[5:]}" for code in drawn]


def stored(code: str) -> str:
    """What is kept of a recovery code: 80 bits of a keyed hash, as much as django-otp's column takes."""
    digest = salted_hmac("participants.recovery-code", plain(code), algorithm="sha256").digest()
    return b32encode(digest).decode()[:16]
