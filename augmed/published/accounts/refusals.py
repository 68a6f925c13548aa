"""Refusals of accounts in the words of the contract's catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kombu.exceptions import OperationalError as BrokerError
from rest_framework.exceptions import AuthenticationFailed

from augmed.foundation.errors import DomainError, NotFound
from augmed.published.errors import (
    ALREADY_SIGNED_UP,
    MAIL_FAILED,
    NOT_ON_ROSTER,
    NOT_SIGNED_UP,
    PASSWORD_INCORRECT,
    PASSWORD_INVALID,
    RESET_TOKEN_EXPIRED,
    RESET_TOKEN_INVALID,
    SECOND_FACTOR,
    PublishedError,
)
from participants.actions import on_roster, signs_up_by_link
from participants.models import User

_BY_CODE = {
    "not_on_roster": NOT_ON_ROSTER,
    "already_signed_up": ALREADY_SIGNED_UP,
    "not_signed_up": NOT_SIGNED_UP,
    "link_invalid": RESET_TOKEN_INVALID,
    "link_expired": RESET_TOKEN_EXPIRED,
}
_LINK_IS_MAILED = (
    "A link to set your password was mailed to you. Please open it, then log in. To get a new one, reset your password."
)


def in_contract_words(exc: Exception) -> Exception:
    """The catalogue's refusal for what an action raised, or the exception itself where it has none."""
    if not isinstance(exc, DomainError):
        return exc
    if "password" in exc.errors:
        # Our rules are not the original's, so the validators' own words stand in place of its text.
        return PublishedError(PASSWORD_INVALID, message=" ".join(exc.errors["password"]))
    refused = _BY_CODE.get(exc.code)
    return exc if refused is None else PublishedError(refused)


@contextmanager
def failed_mail_is_told() -> Iterator[None]:
    """A mail that could not be handed over. Where one is sent after the answer, its failure comes too late for this."""
    try:
        yield
    except (OSError, BrokerError) as error:  # smtplib's errors are OSErrors
        raise PublishedError(MAIL_FAILED) from error


def why_no_log_in(email: str) -> PublishedError:
    """The refusal of a log-in that failed: the address is not on the roster, has no password yet, or it was wrong."""
    try:
        user = on_roster(email)
    except NotFound:
        return PublishedError(NOT_ON_ROSTER)
    return PublishedError(PASSWORD_INCORRECT) if user.has_usable_password() else _not_signed_up(user)


def needs_second_factor(error: AuthenticationFailed) -> PublishedError:
    """The password was right, and this client has no field for a code."""
    not_set_up = error.get_codes() == "second_factor_not_set_up"
    return PublishedError(SECOND_FACTOR, message=str(error.detail) if not_set_up else "")


def _not_signed_up(user: User) -> PublishedError:
    """Whom a link was mailed need not sign up again."""
    waits_for_link = signs_up_by_link(user) and user.has_mailed_link()
    return PublishedError(NOT_SIGNED_UP, message=_LINK_IS_MAILED if waits_for_link else "")
