"""A refused upload is read to its end, so that its answer reaches the client through a proxy."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.permissions import Anyone
from augmed.published import base
from augmed.published.base import PublishedView


class Refusing(PublishedView):
    permission_classes = [Anyone]
    authentication_classes = []

    def post(self, request: Request) -> Response:
        raise NotAuthenticated


class Gone(BytesIO):
    def read(self, *args: Any) -> bytes:
        raise OSError("connection reset")


def send(stream: BytesIO, length: int) -> int:
    request = RequestFactory().generic("POST", "/", b"", content_type="text/csv")
    request.environ |= {"wsgi.input": stream, "CONTENT_LENGTH": str(length)}
    return Refusing.as_view()(type(request)(request.environ)).status_code


@pytest.mark.parametrize("length", [0, 1, 2**16, 300_001])
def test_a_refused_body_is_read_to_its_end(length):
    stream = BytesIO(b"x" * length)
    assert send(stream, length) == 401
    assert stream.tell() == length


def test_no_more_is_read_than_the_largest_upload(monkeypatch):
    monkeypatch.setattr(base, "LARGEST_UPLOAD", 2**17)
    stream = BytesIO(b"x" * 2**20)
    assert send(stream, 2**20) == 401
    assert stream.tell() == 2**17


def test_who_has_gone_is_refused_all_the_same():
    assert send(Gone(), 10) == 401
