"""Access and refresh tokens: what is in them, and the rules of their renewal."""

from __future__ import annotations

from rest_framework_simplejwt.tokens import AccessToken

from participants.models import User


def access_token_for(user: User) -> str:
    """A signed access token for 15 minutes; `epoch` ends it early when the account's is raised."""
    token = AccessToken()
    token["user_id"] = str(user.pk)
    token["epoch"] = user.token_epoch
    return str(token)
