from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404
from rest_framework import exceptions, serializers
from rest_framework.permissions import AllowAny
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from augmed.foundation.errors import Conflict, Forbidden, Invalid, NotFound


def answer(error):
    class Raises(APIView):
        permission_classes = [AllowAny]
        authentication_classes = []

        def get(self, request):
            raise error

    response = Raises.as_view()(APIRequestFactory().get("/"))
    response.render()
    return response


@pytest.mark.parametrize(
    ("error", "status", "code", "errors"),
    [
        (Invalid("No.", errors={"a": ["b"]}), 422, "invalid", {"a": ["b"]}),
        (Invalid("No.", code="special"), 422, "special", {}),
        (Conflict("No."), 409, "conflict", {}),
        (Forbidden("No."), 403, "forbidden", {}),
        (NotFound("No."), 404, "not_found", {}),
        (Http404(), 404, "not_found", {}),
        (PermissionDenied(), 403, "permission_denied", {}),
        (ValidationError({"a": ["b"]}), 422, "invalid", {"a": ["b"]}),
        (ValidationError("b"), 422, "invalid", {"non_field_errors": ["b"]}),
        (serializers.ValidationError({"a": {"b": ["c"]}}), 422, "invalid", {"a.b": ["c"]}),
        (serializers.ValidationError([{}, {"b": ["c"]}]), 422, "invalid", {"1.b": ["c"]}),
        (exceptions.ParseError(), 400, "parse_error", {}),
        (exceptions.MethodNotAllowed("GET"), 405, "method_not_allowed", {}),
        (exceptions.UnsupportedMediaType("x"), 415, "unsupported_media_type", {}),
    ],
)
def test_every_refusal_has_the_one_form(error, status, code, errors):
    response = answer(error)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert set(response.data) == {"type", "title", "status", "code", "detail", "errors"}
    assert (response.data["status"], response.data["code"], response.data["errors"]) == (status, code, errors)
    assert response.data["detail"]
    assert response.data["title"] != "Error"


def test_says_when_to_come_back():
    response = answer(exceptions.Throttled(wait=7))
    assert (response.status_code, response.headers["Retry-After"]) == (429, "7")


def test_a_fault_of_ours_is_not_dressed_up():
    with pytest.raises(KeyError):
        answer(KeyError("x"))
