"""Who asks: one query per request finds the account and checks that the token, or the key, still counts."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken
from rest_framework_simplejwt.tokens import Token

from augmed.foundation.canonical import sha256_hex
from participants.models import ApiKey, User

KEY_HEADER = "X-API-Key"
USE_IS_NOTED_EVERY = timedelta(hours=1)  # a write per request would cost more than it tells


class TokenAuthentication(JWTAuthentication):
    """A signed access token, whose epoch must be the account's: raising it signs out everywhere."""

    def get_user(self, validated_token: Token) -> User:  # type: ignore[override]  # a type variable there
        try:
            user_id, epoch = int(validated_token["user_id"]), int(validated_token["epoch"])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidToken("The token names no account.") from error
        user = User.objects.filter(pk=user_id, token_epoch=epoch, is_active=True).first()
        if user is None:
            raise AuthenticationFailed("The token is no longer valid.", code="token_revoked")
        return user


class ApiKeyAuthentication(BaseAuthentication):
    """A key in the header X-API-Key. The account that it gives is limited to the key's scopes.

    It stands last in a view's list: who is not known by now has shown neither token nor key, and is told so."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey]:
        # Looked up by the secret's hash: how long that takes tells nothing of the secret.
        presented = request.headers.get(KEY_HEADER, "").strip()
        usable = ApiKey.objects.usable().select_related("owner")
        key = usable.filter(secret_hash=sha256_hex(presented.encode("utf-8", "replace"))).first() if presented else None
        if key is None:
            raise exceptions.AuthenticationFailed("Invalid or missing API key", code="api_key_invalid")
        _note_use(key)
        key.owner.limit_to(key.verbs, api_key_id=key.pk)
        return key.owner, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at >= USE_IS_NOTED_EVERY:
        due = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_IS_NOTED_EVERY)
        ApiKey.objects.filter(due, pk=key.pk).update(last_used_at=now)


# For views that serve people's tokens and scripts' keys alike. A view that does not name it takes tokens only.
STAFF_AUTHENTICATION: list[type[BaseAuthentication]] = [TokenAuthentication, ApiKeyAuthentication]
