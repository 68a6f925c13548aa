"""How the published contract refuses: the one place that decides status, code and message.

The client shows a server's message only from 500 on; it logs its user out at 401 and 403, and shows nothing of other
4xx but their number. So whatever a person is to read is a 500 with code and message, 401 is for tokens alone, and a
lack of rights is never a 403. (The API under /api/v2/ answers with the proper 4xx.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from augmed.foundation.errors import DomainError, NotFound
from augmed.published.envelope import error_body

BUSINESS_STATUS = 500
BUSY_STATUS = 503  # throttled: the client shows the message, and monitors can tell it from a fault


@dataclass(frozen=True, slots=True)
class Refused:
    """One line of the contract's catalogue. `{contact}` is the setting SUPPORT_CONTACT, `{address}` is PUBLIC_URL."""

    code: str
    message: str


PASSWORD_INVALID = Refused(
    "1001",
    "Passwords must have at least 8 characters and contain at least a letter, a number and a symbol. Please try again.",
)
NOT_ON_ROSTER = Refused("1002", "It seems that you are not invited to the user group. Please contact {contact}")
ALREADY_SIGNED_UP = Refused("1003", "Email is already sign up, please log in.")
NOT_SIGNED_UP = Refused("1004", "Email hasn't sign up, please sign up.")
PASSWORD_INCORRECT = Refused("1005", "Incorrect password. Please try again.")
CONFIG_FILE_INCORRECT = Refused("1006", "Error while processing csv file, please check again.")
INVALID_FILE_EXTENSION = Refused("1007", "Invalid file extension. Only .csv are allowed.")
NO_FILE_PART = Refused("1008", "No file part in the request.")
NO_ACCESS = Refused("1010", "No access to review case.")
INVALID_USER_EMAIL = Refused("1011", "Invalid user email in config file.")
INVALID_CASE_ID = Refused("1012", "Invalid case id in config file.")
INVALID_ANSWER_CONFIG = Refused("1020", "Invalid answer config.")
NO_ANSWER_CONFIG = Refused("1021", "No answer config available. Please configure it first.")
RESET_TOKEN_INVALID = Refused(
    "1022", "Failed to reset password due to invalid token. Please resend reset password request."
)
RESET_TOKEN_EXPIRED = Refused(
    "1023", "Failed to reset password due to expired token. Please resend reset password request."
)
RENDER_ERROR = Refused("1030", "Template render error.")
MAIL_FAILED = Refused(
    "1040", "Email failed to send. Please try again. If the problem persists, contact {contact} for support."
)
# Beyond the original's catalogue.
REFUSED = Refused("1100", "This is not possible now.")
NOT_ALLOWED = Refused("1103", "Your role does not allow this.")
ALREADY_ANSWERED = Refused("1109", "Your first answer to this case is saved and cannot be changed.")
ANSWER_NOT_ACCEPTED = Refused("1122", "Some answers were not accepted.")
SECOND_FACTOR = Refused(
    "1106", "Your account has a second factor, which this client cannot ask for. Sign in at {address} instead."
)
TOO_MANY_REQUESTS = Refused("1129", "Too many attempts. Please wait a little and try again.")


class PublishedError(Exception):
    """A refusal in the contract's own words. `detail` is appended as the original did, `message` replaces its text."""

    def __init__(self, refused: Refused, *, detail: str = "", message: str = "", status: int = BUSINESS_STATUS) -> None:
        text = message or refused.message.format(contact=settings.SUPPORT_CONTACT, address=settings.PUBLIC_URL)
        self.code = refused.code
        self.message = f"{text} Error:{detail}" if detail else text
        self.status = status
        super().__init__(self.message)


# Refusals of actions, by their code, that have a line of their own in the catalogue.
BY_DOMAIN_CODE = {
    "already_answered": ALREADY_ANSWERED,
    "no_questionnaire": NO_ANSWER_CONFIG,
    "forbidden": NOT_ALLOWED,
}


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Every refusal as the client can show it; what is not a refusal is a fault of ours and goes on to Django."""
    if isinstance(exc, PublishedError):
        return Response(error_body(exc.code, exc.message), status=exc.status)
    if isinstance(exc, NotFound | Http404):
        return Response(error_body(404, _words(exc) if isinstance(exc, NotFound) else "Not found."), status=404)
    if isinstance(exc, DomainError):
        refused = BY_DOMAIN_CODE.get(exc.code, REFUSED)
        return Response(error_body(refused.code, domain_message(exc)), status=BUSINESS_STATUS)
    if isinstance(exc, PermissionDenied | exceptions.PermissionDenied):
        return Response(error_body(NOT_ALLOWED.code, NOT_ALLOWED.message), status=BUSINESS_STATUS)
    if isinstance(exc, exceptions.Throttled):
        response = Response(error_body(TOO_MANY_REQUESTS.code, _throttled(exc)), status=BUSY_STATUS)
        wait = getattr(exc, "wait", None)
        if wait is not None:
            response.headers["Retry-After"] = str(max(1, round(wait)))
        return response
    if isinstance(exc, exceptions.AuthenticationFailed | exceptions.NotAuthenticated):
        response = Response({**error_body(401, _words(exc)), "msg": _words(exc)}, status=401)
        response.headers["WWW-Authenticate"] = getattr(exc, "auth_header", "Bearer")  # the view's, put there by DRF
        return response
    if isinstance(exc, ValidationError):
        return Response(error_body(400, " ".join(exc.messages)), status=400)
    if isinstance(exc, SuspiciousOperation):  # a form of too many fields or files
        return Response(error_body(400, "The request could not be read."), status=400)
    if isinstance(exc, exceptions.ValidationError):
        return Response(error_body(400, first_error(exc.detail)), status=400)
    if isinstance(exc, exceptions.APIException):
        return Response(error_body(exc.status_code, _words(exc)), status=exc.status_code)
    return None


def domain_message(exc: DomainError) -> str:
    """What the action says and, where it names places (questions, rows), the first few of them."""
    places = [f"{place}: {' '.join(texts)}" for place, texts in list(exc.errors.items())[:3]]
    return " ".join([exc.detail, *places]) if places else exc.detail


def _throttled(exc: exceptions.Throttled) -> str:
    said = _words(exc)
    return said if exc.get_codes() != "throttled" else TOO_MANY_REQUESTS.message


def first_error(detail: Any, place: str = "") -> str:
    """The first thing that is wrong with a body, and where: `users.3.email: …`."""
    if isinstance(detail, dict):
        name, below = next(iter(detail.items()))
        return first_error(below, f"{place}.{name}" if place else str(name))
    if isinstance(detail, list):
        index, below = next((at, item) for at, item in enumerate(detail) if item)
        return first_error(below, f"{place}.{index}" if isinstance(below, dict | list) else place)
    return f"{place}: {detail}" if place else str(detail)


def _words(exc: Exception) -> str:
    detail = getattr(exc, "detail", None)
    while isinstance(detail, dict | list):
        values = list(detail.values()) if isinstance(detail, dict) else detail
        detail = values[0] if values else ""
    return str(detail if detail is not None else exc)
