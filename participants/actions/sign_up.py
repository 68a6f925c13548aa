"""Signing up as the published client does it: with an address that the study team has put on the roster.

Unlike in `passwords`, the asker is told whether the address has an account: that client's contract says so."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from augmed.foundation import audit
from augmed.foundation.errors import Conflict, NotFound
from participants import lockout, mail
from participants.actions.new_password import check_new_password, set_new_password
from participants.models import User
from participants.verbs import holds_a_role


def on_roster(email: str, *, lock: bool = False) -> User:
    """The active account of an address. NotFound (`not_on_roster`) where there is none."""
    users = User.objects.select_for_update() if lock else User.objects.all()
    user = users.filter(email=email.strip().lower(), is_active=True).first()
    if user is None:
        raise NotFound("The address is not on the roster.", code="not_on_roster")
    return user


def signs_up_by_link(user: User) -> bool:
    """Must the person show that the mailbox is theirs? Always for an account that may more than a participant."""
    return not settings.ROSTER_SIGNUP or holds_a_role(user)


@transaction.atomic
def sign_up(*, email: str, password: str) -> User:
    """Set the first password of an account, or mail a link to set it.

    At once only where knowing an address is enough. Else nothing of the typed password is kept: whoever typed it has
    not shown that the mailbox is theirs."""
    check_new_password(user=User(email=email.strip().lower()), password=password)
    user = on_roster(email, lock=True)
    if user.has_usable_password():
        raise Conflict("The address is signed up.", code="already_signed_up")
    if signs_up_by_link(user):
        _mail_client_link(user)
        return user
    set_new_password(user=user, password=password)
    user.invitations.open().update(revoked_at=timezone.now())
    lockout.forget_failures(user.email)
    audit.record(action="signed_up", by=user, target=user)
    return user


@transaction.atomic
def request_client_link(*, email: str) -> str:
    """Mail a link to set a new password. Returns the id that the mail will carry.

    Who was mailed a link to sign up gets it once more: it may be lost, or too old. Others without a password are
    refused (`not_signed_up`), or asking would go around what signing up demands."""
    user = on_roster(email)
    if not user.has_usable_password() and not (signs_up_by_link(user) and user.was_mailed_link()):
        raise Conflict("The address has not signed up.", code="not_signed_up")
    return _mail_client_link(user)


def _mail_client_link(user: User) -> str:
    mail_id = uuid.uuid4().hex
    mail.send_later("participants.send_client_link", email=user.email, mail_id=mail_id)
    action = "password_reset_requested" if user.has_usable_password() else "sign_up_requested"
    audit.record(action=action, by=None, target=user)
    return mail_id
