"""Who asks: one query per request finds the account and checks that the token still counts."""

from __future__ import annotations

from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken
from rest_framework_simplejwt.tokens import Token

from participants.models import User


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
