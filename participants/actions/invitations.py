"""Invitations: a signed link, mailed once, that lets its owner set the first password."""

from __future__ import annotations

from django.conf import settings
from django.core.signing import Signer
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy

from augmed.foundation import audit
from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import Conflict, Invalid
from participants import mail
from participants.actions.new_password import set_new_password
from participants.models import Invitation, User

_INVALID = gettext_lazy("This invitation is not valid: it was used, withdrawn or is too old. Ask for a new one.")


def invitation_token(invitation: Invitation) -> str:
    """The secret of the link. It is made from the row and the secret key, so that no one has to keep or pass it."""
    return Signer(salt="participants.invitation", sep=".").sign(invitation.pk.hex)


@transaction.atomic
def invite(*, user: User, by: User | None, study_name: str = "") -> Invitation:
    """Mail a link with which the person sets a password. Earlier links end. For accounts without a password only.

    `study_name`, in the person's language, where the invitation is to a study: the mail names it."""
    user_row = User.objects.select_for_update().get(pk=user.pk)
    if not user_row.is_active:
        raise Conflict("The account is not active.", code="not_active")
    if user_row.has_usable_password():
        raise Conflict("The person has set a password already.", code="already_accepted")
    now = timezone.now()
    user.invitations.open().update(revoked_at=now)
    invitation = Invitation(user=user, created_by=by, created_at=now, expires_at=now + settings.INVITATION_LIFETIME)
    invitation.secret_hash = sha256_hex(invitation_token(invitation))
    invitation.save(force_insert=True)
    mail.send_later("participants.send_invitation", invitation_id=str(invitation.pk), study_name=study_name)
    audit.record(action="invited", by=by, target=user, data={"invitation": str(invitation.pk)})
    return invitation


@transaction.atomic
def revoke_invitation(*, invitation: Invitation, by: User | None) -> None:
    """End the link. One that was accepted or revoked stays as it is."""
    now = timezone.now()
    if not Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None).update(revoked_at=now):
        raise Conflict("The invitation is no longer open.", code="not_open")
    invitation.revoked_at = now
    audit.record(action="invitation_revoked", by=by, target=invitation.user, data={"invitation": str(invitation.pk)})


def find_invitation(token: str) -> Invitation:
    """The open invitation that this link belongs to; Invalid where there is none. Changes nothing."""
    invitation = (
        Invitation.objects.open()
        .filter(secret_hash=sha256_hex(token), user__is_active=True)
        .select_related("user")
        .first()
    )
    if invitation is None:
        raise Invalid(str(_INVALID), code="invitation_invalid")
    return invitation


@transaction.atomic
def accept_invitation(*, token: str, password: str) -> User:
    """Set the first password. The link works once: the account's row is locked while it is used."""
    user = User.objects.select_for_update().get(pk=find_invitation(token).user_id)
    invitation = find_invitation(token)  # again, now that nobody else can use it
    set_new_password(user=user, password=password)
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    audit.record(action="invitation_accepted", by=user, target=user, data={"invitation": str(invitation.pk)})
    return user
