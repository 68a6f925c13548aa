"""What every way to set a password shares."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from augmed.foundation.errors import Invalid
from participants.actions.epoch import raise_epoch
from participants.models import User


def check_new_password(*, user: User, password: str) -> None:
    """Invalid, with the validators' words under `password`, where these refuse it."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid("The password was not accepted.", errors={"password": error.messages}) from error


def set_new_password(*, user: User, password: str) -> None:
    """Store it, and end every token and session. Inside the action's transaction."""
    check_new_password(user=user, password=password)
    user.set_password(password)
    user.save(update_fields=["password"])
    raise_epoch(user)
