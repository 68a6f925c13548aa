"""Setting up, using and ending the second factor of an account."""

from __future__ import annotations

import math

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from augmed.foundation import audit
from augmed.foundation.errors import Conflict, Invalid
from participants.actions.epoch import raise_epoch
from participants.models import User
from participants.second_factor import is_of_app, is_on, new_recovery_codes, plain, stored


@transaction.atomic
def begin_second_factor(*, by: User) -> TOTPDevice:
    """A new secret of one's own, which counts once a code of it was shown. One that never was ends."""
    _refuse_where_on(by)
    TOTPDevice.objects.filter(user=by).delete()
    return TOTPDevice.objects.create(user=by, name="app", confirmed=False)


def confirm_second_factor(*, code: str, by: User) -> list[str]:
    """Switch it on by the first code of the app. Every other session and all tokens end.

    Returns the recovery codes, which nobody can be shown again."""
    with transaction.atomic():
        _refuse_where_on(by)
        device = TOTPDevice.objects.select_for_update().filter(user=by, confirmed=False).first()
        if device is None:
            raise Conflict(_("Nothing is being set up. Please begin again."), code="second_factor_not_begun")
        refused = _tried(device, plain(code))
        codes = [] if refused else _switch_on(device, by)
    if refused:  # raised outside, so that the failure is counted
        raise refused
    return codes


def _refuse_where_on(user: User) -> None:
    # The account's row is locked: what two pages set up at the same time would end what one of them switched on.
    User.objects.select_for_update().get(pk=user.pk)
    if is_on(user):
        raise Conflict(_("Your account has a second factor already."), code="second_factor_on")


def _switch_on(device: TOTPDevice, by: User) -> list[str]:
    device.confirmed, device.created_at = True, timezone.now()
    device.save(update_fields=["confirmed", "created_at"])
    codes = _replace_codes(by)
    raise_epoch(by)
    audit.record(action="second_factor_enabled", by=by, target=by)
    return codes


def use_second_factor(*, user: User, code: str) -> None:
    """Take a code of the app, or a recovery code, which then is used up. Invalid (`second_factor_wrong`), or Conflict
    (`second_factor_wait`) for a time that doubles with each wrong code, from wherever these come."""
    code = plain(code)
    with transaction.atomic():
        devices = TOTPDevice.objects if is_of_app(code) else StaticDevice.objects
        device = devices.select_for_update().filter(user=user, confirmed=True).first()
        refused = _tried(device, code if isinstance(device, TOTPDevice) else stored(code))
        if not refused and isinstance(device, StaticDevice):
            audit.record(action="recovery_code_used", by=user, target=user, data={"left": device.token_set.count()})
    if refused:
        raise refused


@transaction.atomic
def renew_recovery_codes(*, by: User) -> list[str]:
    """Ten new ones; those from before end."""
    User.objects.select_for_update().get(pk=by.pk)
    if not is_on(by):
        raise Conflict(_("Your account has no second factor."), code="second_factor_off")
    codes = _replace_codes(by)
    audit.record(action="recovery_codes_renewed", by=by, target=by)
    return codes


@transaction.atomic
def disable_second_factor(*, by: User) -> None:
    """Ask for the password alone again."""
    _remove(by)
    audit.record(action="second_factor_disabled", by=by, target=by)


@transaction.atomic
def reset_second_factor(*, user: User, by: User | None) -> None:
    """Take it from an account whose owner lost app and codes. Every session and token of the account ends."""
    if by is not None and user.pk == by.pk:
        raise Conflict("Switch off your own second factor on your account page.", code="own_account")
    _remove(user)
    raise_epoch(user)
    audit.record(action="second_factor_reset", by=by, target=user)


def _remove(user: User) -> None:
    StaticDevice.objects.filter(user=user).delete()
    if not TOTPDevice.objects.filter(user=user, confirmed=True).delete()[0]:
        raise Conflict(_("The account has no second factor."), code="second_factor_off")


def _replace_codes(user: User) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="recovery codes", confirmed=True)
    codes = new_recovery_codes()
    StaticToken.objects.bulk_create([StaticToken(device=device, token=stored(code)) for code in codes])
    return codes


def _tried(device: TOTPDevice | StaticDevice | None, token: str) -> Invalid | Conflict | None:
    """Why the code does not count, or None. django-otp writes down failures, and that a code was used."""
    if device is None:
        return Invalid(_("This code is wrong."), code="second_factor_wrong")
    allowed, why = device.verify_is_allowed()
    if not allowed:
        seconds = max(1, math.ceil((why["locked_until"] - timezone.now()).total_seconds()))
        message = ngettext(
            "After wrong codes there is a short wait: try again in %(seconds)s second.",
            "After wrong codes there is a short wait: try again in %(seconds)s seconds.",
            seconds,
        )
        return Conflict(message % {"seconds": seconds}, code="second_factor_wait")
    if device.verify_token(token):
        return None
    message = _("This code is wrong. A code of the app counts once and for half a minute: wait for the next one.")
    return Invalid(message, code="second_factor_wrong")
