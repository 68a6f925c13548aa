"""Signing up, logging in, and a forgotten password, as the published client asks for them."""

from __future__ import annotations

from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.parsers import SmallJSONParser
from augmed.foundation.permissions import Anyone
from augmed.published.accounts.refusals import (
    failed_mail_is_told,
    in_contract_words,
    needs_second_factor,
    why_no_log_in,
)
from augmed.published.accounts.serializers import (
    AddressSerializer,
    CredentialsSerializer,
    NewPasswordSerializer,
    checked,
)
from augmed.published.base import PublishedView, answer
from participants import actions, tokens
from participants.actions.passwords import two_segments
from participants.throttles import ACCOUNT_THROTTLES


class Door(PublishedView):
    """A view for those who are not logged in. A token that is sent along (the client sends its old one) is not looked
    at: an ended one must not keep its owner from logging in."""

    permission_classes = [Anyone]
    authentication_classes = []
    parser_classes = [SmallJSONParser]
    throttle_classes = ACCOUNT_THROTTLES

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(in_contract_words(exc))


class LogInView(Door):
    def post(self, request: Request) -> Response:
        """The token is in the header alone. A failed attempt is counted and audited before its reason is looked up."""
        given = checked(CredentialsSerializer, request)
        try:
            token = tokens.sliding_log_in(request=request, **given)
        except tokens.SecondFactorNeeded as error:
            raise needs_second_factor(error) from error
        except AuthenticationFailed as error:
            raise why_no_log_in(given["email"]) from error
        return Response({"message": "Login Successfully"}, headers={"Authorization": f"Bearer {token}"})


class SignUpView(Door):
    def post(self, request: Request) -> Response:
        """The same answer whether the password was set or a link was mailed: the client has one text for both."""
        given = checked(CredentialsSerializer, request)
        with failed_mail_is_told():
            actions.sign_up(**given)
        return answer("Sign up successfully", status=201)


class ResetRequestView(Door):
    def post(self, request: Request) -> Response:
        """The id is that of the mail (its Message-ID)."""
        given = checked(AddressSerializer, request)
        with failed_mail_is_told():
            return answer({"id": actions.request_client_link(**given)})


class ResetView(Door):
    def post(self, request: Request) -> Response:
        given = checked(NewPasswordSerializer, request)
        uid, token = two_segments(given["resetToken"])
        actions.reset_password(uid=uid, token=token, password=given["password"])
        return answer("password updated")
