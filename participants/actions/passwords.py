"""Resetting a forgotten password. Nothing here tells whether an address has an account."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from augmed.foundation import audit
from augmed.foundation.errors import Invalid
from participants import lockout, mail
from participants.actions.epoch import raise_epoch
from participants.models import User

_INVALID = "This link is not valid: it was used or is too old. Ask for a new one."


class _ResetTokens(PasswordResetTokenGenerator):
    """Django's generator; a raised epoch ends outstanding links too."""

    key_salt = "participants.password-reset"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}{user.token_epoch}"


reset_tokens = _ResetTokens()


def reset_uid(user: User) -> str:
    return urlsafe_base64_encode(str(user.pk).encode())


def request_password_reset(*, email: str) -> None:
    """Mail a link, where the address has an account.

    The look-up happens where mail is sent, after the answer: known and unknown addresses cost the asker the same."""
    mail.send_later("participants.send_password_reset", unseen=True, email=email.strip().lower())


def find_reset(*, uid: str, token: str, lock: bool = False) -> User:
    """The account that this link belongs to; Invalid where it is used, too old or made up."""
    users = User.objects.select_for_update() if lock else User.objects.all()
    try:
        user = users.filter(pk=int(urlsafe_base64_decode(uid).decode("ascii")), is_active=True).first()
    except (ValueError, OverflowError):
        user = None
    if user is None or not reset_tokens.check_token(user, token):
        raise Invalid(_INVALID, code="link_invalid")
    return user


@transaction.atomic
def reset_password(*, uid: str, token: str, password: str) -> User:
    """Set a new password by a mailed link, which works once. Every token and session of the account ends."""
    user = find_reset(uid=uid, token=token, lock=True)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid("The password was not accepted.", errors={"password": error.messages}) from error
    user.set_password(password)
    user.save(update_fields=["password"])
    user.invitations.open().update(revoked_at=timezone.now())
    raise_epoch(user)
    lockout.forget_failures(user.email)  # whoever reads the mailbox is no longer the one who guessed
    audit.record(action="password_reset", by=user, target=user)
    return user
