"""Ending every token and session of an account."""

from __future__ import annotations

from django.db.models import F

from participants.models import User


def raise_epoch(user: User) -> None:
    """End all tokens, sessions and mailed links of the account: each carries the epoch. Call inside the action's
    transaction."""
    User.objects.filter(pk=user.pk).update(token_epoch=F("token_epoch") + 1, password_link_mailed_at=None)
    user.refresh_from_db(fields=["token_epoch", "password_link_mailed_at"])
