"""/api/v2/auth/: tokens, the doors without a token, and one's own profile."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from augmed.foundation.parsers import SmallJSONParser
from augmed.foundation.permissions import Anyone, SignedIn
from participants import tokens
from participants.actions import (
    accept_invitation,
    change_profile,
    request_password_reset,
    reset_password,
    sign_out_everywhere,
)
from participants.api.serializers import (
    AcceptInvitationSerializer,
    LogInSerializer,
    MeSerializer,
    MessageSerializer,
    PasswordResetConfirmSerializer,
    PasswordResetSerializer,
    ProfileChangesSerializer,
    RefreshSerializer,
    TokenPairSerializer,
)
from participants.models import User
from participants.throttles import ACCOUNT_THROTTLES

_RESET_ASKED = "If the address has an account, a link to set a new password is on its way."


def _checked(serializer_class: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _who(request: Request) -> User:
    assert isinstance(request.user, User)  # SignedIn has seen to it
    return request.user


def _pair_response(pair: tokens.TokenPair) -> Response:
    return Response(TokenPairSerializer(pair).data, headers={"Cache-Control": "no-store"})


class _Door(APIView):
    """A view for those who are not signed in. A token that is sent along is not looked at."""

    permission_classes = [Anyone]
    authentication_classes = []
    parser_classes = [SmallJSONParser]

    def get_authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'  # so that a refused log-in is a 401, not DRF's 403


class LogInView(_Door):
    throttle_classes = ACCOUNT_THROTTLES
    extra_refusals = (401,)

    @extend_schema(request=LogInSerializer, responses={200: TokenPairSerializer}, operation_id="auth_log_in")
    def post(self, request: Request) -> Response:
        """Log in: the first pair of tokens. 401 for a wrong address or password, 429 after too many of them.

        An account with a second factor is answered 401 with the code `second_factor_needed`: send the same again with
        `second_factor`. A wrong one is `second_factor_wrong`; `second_factor_wait` asks to wait first."""
        return _pair_response(tokens.log_in(request=request, **_checked(LogInSerializer, request)))


class RefreshView(_Door):
    extra_refusals = (401,)

    @extend_schema(request=RefreshSerializer, responses={200: TokenPairSerializer}, operation_id="auth_refresh")
    def post(self, request: Request) -> Response:
        """The next pair. A token works once; again within 30 s it still gives a pair, later it ends the log-in."""
        return _pair_response(tokens.refresh(refresh_token=_checked(RefreshSerializer, request)["refresh"]))


class SignOutEverywhereView(APIView):
    permission_classes = [SignedIn]

    @extend_schema(request=None, responses={204: None}, operation_id="auth_sign_out_everywhere")
    def post(self, request: Request) -> Response:
        """End every token and every session of one's own account, this one too."""
        user = _who(request)
        sign_out_everywhere(user=user, by=user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class AcceptInvitationView(_Door):
    throttle_classes = ACCOUNT_THROTTLES

    @extend_schema(request=AcceptInvitationSerializer, responses={204: None}, operation_id="auth_accept_invitation")
    def post(self, request: Request) -> Response:
        """Set the first password by a mailed invitation, which works once."""
        accept_invitation(**_checked(AcceptInvitationSerializer, request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordResetView(_Door):
    throttle_classes = ACCOUNT_THROTTLES

    @extend_schema(
        request=PasswordResetSerializer, responses={202: MessageSerializer}, operation_id="auth_password_reset"
    )
    def post(self, request: Request) -> Response:
        """Ask for a link to set a new password. The answer is the same whether the address is known or not."""
        request_password_reset(**_checked(PasswordResetSerializer, request))
        return Response({"detail": _RESET_ASKED}, status=status.HTTP_202_ACCEPTED)


class PasswordResetConfirmView(_Door):
    throttle_classes = ACCOUNT_THROTTLES

    @extend_schema(
        request=PasswordResetConfirmSerializer, responses={204: None}, operation_id="auth_password_reset_confirm"
    )
    def post(self, request: Request) -> Response:
        """Set a new password by a mailed link, which works once. All tokens and sessions of the account end."""
        reset_password(**_checked(PasswordResetConfirmSerializer, request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(APIView):
    permission_classes = [SignedIn]

    @extend_schema(responses={200: MeSerializer}, operation_id="auth_me")
    def get(self, request: Request) -> Response:
        """One's own account and profile."""
        return Response(MeSerializer(_who(request)).data)

    @extend_schema(
        request=ProfileChangesSerializer, responses={200: MeSerializer}, operation_id="auth_change_own_profile"
    )
    def patch(self, request: Request) -> Response:
        """Change one's own profile."""
        user = _who(request)
        change_profile(user=user, by=user, **_checked(ProfileChangesSerializer, request))
        return Response(MeSerializer(user).data)
