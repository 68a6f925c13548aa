"""Making, ending and changing accounts. Each is audited; none stores a personal field in the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from augmed.foundation import audit
from augmed.foundation.errors import Conflict, Invalid
from participants.actions.api_keys import revoke_all_api_keys
from participants.actions.epoch import raise_epoch
from participants.actions.invitations import accept_invitation, invite, revoke_invitation
from participants.actions.new_password import set_new_password
from participants.identifying import identifying_problem
from participants.models import Profile, User

__all__ = [
    "accept_invitation",
    "change_address",
    "change_global_role",
    "change_password",
    "change_profile",
    "create_account",
    "deactivate",
    "invite",
    "raise_epoch",
    "reactivate",
    "revoke_invitation",
    "sign_out_everywhere",
]

OWN_FIELDS = ("name", "position", "employer", "area_of_clinical_experience")
PROFILE_FIELDS = (*OWN_FIELDS, "intake")


@transaction.atomic
def create_account(
    *,
    email: str,
    by: User | None,
    password: str | None = None,
    is_superuser: bool = False,
    is_data_staff: bool = False,
    is_staff: bool = False,
    profile: Mapping[str, Any] | None = None,
    send_invitation: bool = True,
) -> User:
    """An account with its profile. Without a password its owner is invited, unless `send_invitation` is False."""
    try:
        if password is not None:
            validate_password(password, User(email=email))
        user = User.objects.create_user(
            email,
            password,
            is_superuser=is_superuser,
            is_data_staff=is_data_staff,
            is_staff=is_staff or is_superuser or is_data_staff,
        )
    except ValidationError as error:
        errors = error.message_dict if hasattr(error, "error_dict") else {"password": error.messages}
        raise Invalid("The account was not created.", errors=errors) from error
    Profile.objects.create(user=user, **dict(profile or {}))
    if password is None and send_invitation:
        invite(user=user, by=by)
    audit.record(
        action="account_created",
        by=by,
        target=user,
        data={"is_superuser": is_superuser, "is_data_staff": is_data_staff, "is_staff": user.is_staff},
    )
    return user


@transaction.atomic
def change_profile(*, user: User, by: User | None, **fields: Any) -> Profile:
    """Set fields of the profile. The audit trail learns which ones changed, not their values."""
    profile = Profile.objects.select_for_update().filter(user=user).first() or Profile(user=user)
    changed = sorted(name for name in fields if name in PROFILE_FIELDS and getattr(profile, name) != fields[name])
    if unknown := sorted(set(fields) - set(PROFILE_FIELDS)):
        raise Invalid("A profile has no such field.", errors={name: ["There is no such field."] for name in unknown})
    if "intake" in changed and isinstance(fields["intake"], Mapping):
        _refuse_identifying(set(fields["intake"]) - set(profile.intake))
    for name in changed:
        setattr(profile, name, fields[name])
    try:
        profile.full_clean(exclude=["user"])
    except ValidationError as error:
        raise Invalid("The profile was not changed.", errors=error.message_dict) from error
    if changed or profile.pk is None:
        profile.save()
        user.profile = profile
        audit.record(action="profile_changed", by=by, target=user, data=dict.fromkeys(changed, "changed"))
    return profile


@transaction.atomic
def change_address(*, user: User, email: str, by: User | None) -> None:
    """Set the address that the person signs in with. Links mailed to the old one end, and so do all tokens."""
    email = email.strip().lower()
    if User.objects.filter(email=email).exclude(pk=user.pk).exists():
        raise Invalid("The address was not changed.", errors={"email": ["This address has an account."]})
    user.email = email
    try:
        user.full_clean(exclude=["password"])
    except ValidationError as error:
        raise Invalid("The address was not changed.", errors=error.message_dict) from error
    User.objects.filter(pk=user.pk).update(email=email)
    for invitation in user.invitations.open():
        revoke_invitation(invitation=invitation, by=by)
    raise_epoch(user)
    audit.record(action="address_changed", by=by, target=user, data={"email": "changed"})


@transaction.atomic
def deactivate(*, user: User, by: User | None) -> None:
    """End all access at once, API keys for good. What the person did stays."""
    if by is not None and by.pk == user.pk:
        raise Conflict("You cannot deactivate your own account.", code="own_account")
    _refuse_without_administrator(without=user)
    if not User.objects.filter(pk=user.pk, is_active=True).update(is_active=False):
        raise Conflict("The account is not active.", code="not_active")
    user.is_active = False
    _forget_verbs(user)
    for invitation in user.invitations.open():
        revoke_invitation(invitation=invitation, by=by)
    raise_epoch(user)
    keys = revoke_all_api_keys(owner=user)
    audit.record(action="account_deactivated", by=by, target=user, data={"api_keys_revoked": keys} if keys else {})


@transaction.atomic
def reactivate(*, user: User, by: User | None) -> None:
    """Give access again; earlier tokens stay ended."""
    if not User.objects.filter(pk=user.pk, is_active=False).update(is_active=True):
        raise Conflict("The account is active.", code="active")
    user.is_active = True
    _forget_verbs(user)
    audit.record(action="account_reactivated", by=by, target=user)


@transaction.atomic
def sign_out_everywhere(*, user: User, by: User | None) -> None:
    """End every token and every admin session of the account."""
    raise_epoch(user)
    audit.record(action="signed_out_everywhere", by=by, target=user)


@transaction.atomic
def change_global_role(
    *, user: User, is_superuser: bool, is_data_staff: bool, by: User | None, is_staff: bool | None = None
) -> None:
    """Make or unmake an administrator or data staff; both open the admin.

    `is_staff` opens or closes the admin for the others; None leaves it, as a role in a study may need it."""
    wanted = {
        "is_superuser": is_superuser,
        "is_data_staff": is_data_staff,
        "is_staff": is_superuser or is_data_staff or (user.is_staff if is_staff is None else is_staff),
    }
    current = User.objects.select_for_update().values(*wanted).get(pk=user.pk)
    changes = {name: value for name, value in wanted.items() if current[name] != value}
    for name, value in wanted.items():
        setattr(user, name, value)
    if not changes:
        return
    if changes.get("is_superuser") is False:
        _refuse_without_administrator(without=user)
    User.objects.filter(pk=user.pk).update(**changes)
    _forget_verbs(user)
    raise_epoch(user)
    audit.record(action="global_role_changed", by=by, target=user, data=changes)


@transaction.atomic
def change_password(*, user: User, password: str, by: User | None) -> None:
    """Set a new password for somebody who is signed in; every other token and session ends."""
    set_new_password(user=user, password=password)
    audit.record(action="password_changed", by=by, target=user)


def _refuse_without_administrator(*, without: User) -> None:
    # The rows are locked, so that two administrators cannot remove each other at the same time.
    administrators = User.objects.select_for_update().filter(is_superuser=True, is_active=True)
    keys = set(administrators.order_by("pk").values_list("pk", flat=True))
    if keys == {without.pk}:
        raise Conflict("This is the last active administrator.", code="last_administrator")


def _forget_verbs(user: User) -> None:
    user.__dict__.pop("global_verbs", None)


def _refuse_identifying(added: set[str]) -> None:
    """Attributes go into exports beside the pseudonym."""
    if problems := [problem for name in sorted(added) if (problem := identifying_problem(name))]:
        raise Invalid("The profile was not changed.", errors={"intake": problems})
