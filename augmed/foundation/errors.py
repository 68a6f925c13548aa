"""One error format: problem details (RFC 9457) with errors by field, for every endpoint under /api/v2/.

Actions raise the exceptions below; they know nothing of HTTP. Views and the admin show `detail` and `errors`.
"""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

FieldErrors = Mapping[str, list[str]]


class DomainError(Exception):
    """An action refused. `code` is for programs, `detail` for people, `errors` says what and where."""

    status_code: int = status.HTTP_422_UNPROCESSABLE_ENTITY
    code = "invalid"

    def __init__(self, detail: str, *, code: str | None = None, errors: FieldErrors | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.errors = dict(errors or {})


class Invalid(DomainError):
    """The input is well formed but cannot be accepted."""


class Conflict(DomainError):
    """The present state does not allow it, or something else is already recorded."""

    status_code = status.HTTP_409_CONFLICT
    code = "conflict"


class Forbidden(DomainError):
    """The person may see the thing but not do this to it."""

    status_code = status.HTTP_403_FORBIDDEN
    code = "forbidden"


class NotFound(DomainError):
    """There is no such thing, or not for this person: the two look alike."""

    status_code = status.HTTP_404_NOT_FOUND
    code = "not_found"


TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Invalid",
    429: "Too many requests",
}


def problem(*, status_code: int, code: str, detail: str, errors: FieldErrors | None = None) -> dict[str, Any]:
    """The body of an error answer."""
    return {
        "type": "about:blank",
        "title": TITLES.get(status_code, "Error"),
        "status": status_code,
        "code": code,
        "detail": detail,
        "errors": {sayable(field): [sayable(text) for text in texts] for field, texts in (errors or {}).items()},
    }


def sayable(text: Any) -> str:
    """Fields are named as the sender named them, who may have sent half a surrogate pair, which UTF-8 cannot say."""
    return str(text).encode("utf-8", "replace").decode()


def problem_response(*, status_code: int, code: str, detail: str, errors: FieldErrors | None = None) -> Response:
    body = problem(status_code=status_code, code=code, detail=detail, errors=errors)
    return Response(body, status=status_code, content_type="application/problem+json")


def _flatten(detail: Any, path: str = "") -> dict[str, list[str]]:
    if isinstance(detail, Mapping):
        flat: dict[str, list[str]] = {}
        for key, value in detail.items():
            flat.update(_flatten(value, f"{path}.{key}" if path else str(key)))
        return flat
    if isinstance(detail, list):
        if all(isinstance(item, str) for item in detail):
            return {path or "non_field_errors": [str(item) for item in detail]}
        flat = {}
        for index, item in enumerate(detail):
            if item:
                flat.update(_flatten(item, f"{path}.{index}" if path else str(index)))
        return flat
    return {path or "non_field_errors": [str(detail)]}


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Give every refusal the one error format; anything else is a fault of ours and goes on to Django."""
    if isinstance(exc, DomainError):
        return problem_response(status_code=exc.status_code, code=exc.code, detail=exc.detail, errors=exc.errors)
    if isinstance(exc, ValidationError):
        found = exc.message_dict if hasattr(exc, "error_dict") else {"non_field_errors": exc.messages}
        return problem_response(status_code=422, code="invalid", detail="The input was not accepted.", errors=found)
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    response = drf_exception_handler(exc, context)
    if response is None or not isinstance(exc, exceptions.APIException):
        return response
    status_code = response.status_code
    errors: dict[str, list[str]] = {}
    if isinstance(exc, exceptions.ValidationError):
        status_code, code, detail = 422, "invalid", "The input was not accepted."
        errors = _flatten(exc.detail)
    else:
        codes = exc.get_codes()
        code = codes if isinstance(codes, str) else str(exc.default_code)
        flat = _flatten(exc.detail)
        detail = flat.get("detail", flat.get("non_field_errors", [str(exc)]))[0]
    answer = problem_response(status_code=status_code, code=code, detail=detail, errors=errors)
    for header in ("WWW-Authenticate", "Retry-After"):
        if header in response.headers:
            answer.headers[header] = response.headers[header]
    return answer
