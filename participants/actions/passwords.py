"""Resetting a forgotten password. Nothing here tells whether an address has an account."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import base36_to_int, urlsafe_base64_decode, urlsafe_base64_encode
from django.utils.translation import gettext_lazy

from augmed.foundation import audit
from augmed.foundation.errors import Invalid
from participants import lockout, mail
from participants.actions.new_password import set_new_password
from participants.models import User

_INVALID = gettext_lazy("This link is not valid: it was used, or a newer one was. Ask for a new one.")
_EXPIRED = gettext_lazy("This link is too old. Ask for a new one.")


class _ResetTokens(PasswordResetTokenGenerator):
    """Django's generator; a raised epoch ends outstanding links too."""

    key_salt = "participants.password-reset"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}{user.token_epoch}"

    def expired(self, user: User, token: str) -> bool:
        """Was this a good link, and only its time has run out? (`check_token` says no to that and to a made-up one.)"""
        try:
            made = base36_to_int(token.partition("-")[0])
        except ValueError:
            return False
        if self._num_seconds(self._now()) - made <= settings.PASSWORD_RESET_TIMEOUT:
            return False
        return any(
            constant_time_compare(self._make_token_with_timestamp(user, made, secret), token)
            for secret in (self.secret, *self.secret_fallbacks)
        )


reset_tokens = _ResetTokens()


def reset_uid(user: User) -> str:
    return urlsafe_base64_encode(str(user.pk).encode())


def one_segment_token(user: User) -> str:
    """What a link to the published client's page holds: its route has room for one segment. A number in base64 never
    has the underscore that parts the two."""
    return f"{reset_uid(user)}_{reset_tokens.make_token(user)}"


def two_segments(token: str) -> tuple[str, str]:
    """The uid and the token of `one_segment_token`; of anything else, what no account fits."""
    uid, _, rest = token.partition("_")
    return uid, rest


def request_password_reset(*, email: str) -> None:
    """Mail a link, where the address has an account.

    The look-up happens where mail is sent, after the answer: known and unknown addresses cost the asker the same."""
    mail.send_later("participants.send_password_reset", unseen=True, email=email.strip().lower())


def find_reset(*, uid: str, token: str, lock: bool = False) -> User:
    """The account that this link belongs to. Invalid where it is too old (`link_expired`), or used or made up
    (`link_invalid`)."""
    users = User.objects.select_for_update() if lock else User.objects.all()
    try:
        user = users.filter(pk=int(urlsafe_base64_decode(uid).decode("ascii")), is_active=True).first()
    except (ValueError, OverflowError):
        user = None
    if user is not None and reset_tokens.check_token(user, token):
        return user
    if user is not None and reset_tokens.expired(user, token):
        raise Invalid(str(_EXPIRED), code="link_expired")
    raise Invalid(str(_INVALID), code="link_invalid")


@transaction.atomic
def reset_password(*, uid: str, token: str, password: str) -> User:
    """Set a new password by a mailed link, which works once. Every token and session of the account ends."""
    user = find_reset(uid=uid, token=token, lock=True)
    set_new_password(user=user, password=password)
    user.invitations.open().update(revoked_at=timezone.now())
    lockout.forget_failures(user.email)  # whoever reads the mailbox is no longer the one who guessed
    audit.record(action="password_reset", by=user, target=user)
    return user
