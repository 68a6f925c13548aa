"""Ending every token and session of an account."""

from __future__ import annotations

from django.db.models import F

from participants.models import User


def raise_epoch(user: User) -> None:
    """End all tokens and sessions of the account: each carries the epoch. Call inside the action's transaction."""
    User.objects.filter(pk=user.pk).update(token_epoch=F("token_epoch") + 1)
    user.refresh_from_db(fields=["token_epoch"])
