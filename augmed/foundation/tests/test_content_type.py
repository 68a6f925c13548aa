"""Whatever `Content-Type` says, the application answers, and in JSON under /api/."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from augmed.wsgi import application

pytestmark = pytest.mark.django_db

ODD = (
    *("zlib", "bz2", "hex", "base64", "rot13", "uu", "quopri", "idna", "punycode", "undefined", "utf-16", "nonsense"),
    "\0",
    '"utf-8',
    "",
)


def sent(kind: str, body: bytes = b"{}") -> tuple[int, Any]:
    environ = RequestFactory().generic("POST", "/api/auth/login", body).environ | {"CONTENT_TYPE": kind}
    begun: list[str] = []
    answer = application(environ, lambda status, headers, *_: begun.append(status) or (lambda data: None))
    return int(begun[0][:3]), json.loads(b"".join(answer))


@pytest.mark.parametrize("charset", ODD)
def test_an_odd_charset_is_no_fault(charset):
    for name in ("charset=", "charset*=", "charset*=x''", "charset*0*="):
        status, body = sent(f"application/json; {name}{charset}")
        assert (status, body["error"]["code"]) == (400, 400)


def test_json_is_utf_8_where_the_charset_is_not_known():
    body = '{"email": "Zoë@example.org", "password": "x"}'.encode()
    assert sent("application/json; charset=zlib", body) == sent("application/json", body)


def test_nothing_is_unpacked():
    import zlib

    status, body = sent("application/json; charset=zlib", zlib.compress(b"{}"))
    assert (status, body["error"]["code"]) == (400, 400)


def test_charsets_of_old_clients_are_read():
    body = '{"email": "Zoë@example.org", "password": "x"}'
    assert sent("application/json; charset=ISO-8859-1", body.encode("latin-1")) == sent(
        "application/json", body.encode()
    )


def test_the_boundary_of_a_form_stays():
    status, body = sent("multipart/form-data; boundary=x")
    assert (status, body["error"]["code"]) == (415, 415)


@given(st.text(st.characters(max_codepoint=255), max_size=60))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_parameters_are_answered(text):
    status, _ = sent(f"application/json;{text}")
    assert status in (400, 415, 503)
