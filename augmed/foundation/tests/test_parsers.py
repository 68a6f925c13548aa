from __future__ import annotations

import json
from io import BytesIO

import pytest
from django.urls import get_resolver
from rest_framework.exceptions import ParseError
from rest_framework.views import APIView

from augmed.foundation.parsers import BoundedJSONParser, SmallJSONParser, TooLarge
from augmed.foundation.permissions import Anyone

SIZES = [(BoundedJSONParser, 20 * 2**20), (SmallJSONParser, 2**16)]


def text_of(length: int) -> bytes:
    return b'"' + b"x" * (length - 2) + b'"'


@pytest.mark.parametrize(("parser", "largest"), SIZES)
def test_a_body_of_the_largest_size_is_read_and_no_larger(parser, largest):
    assert len(parser().parse(BytesIO(text_of(largest)))) == largest - 2
    with pytest.raises(TooLarge):
        parser().parse(BytesIO(text_of(largest + 1)))


def test_no_more_is_read_than_it_takes_to_refuse():
    stream = BytesIO(text_of(2**20))
    with pytest.raises(TooLarge):
        SmallJSONParser().parse(stream)
    assert stream.tell() == SmallJSONParser.largest + 1


def test_what_is_nested_too_deeply_is_refused():
    with pytest.raises(ParseError):
        BoundedJSONParser().parse(BytesIO(b"[" * 100_000))


def views_for_anyone() -> list[type[APIView]]:
    def walk(patterns):
        for pattern in patterns:
            yield from walk(pattern.url_patterns) if hasattr(pattern, "url_patterns") else [pattern.callback]

    classes = [getattr(view, "cls", None) for view in walk(get_resolver().url_patterns)]
    posts = [one for one in classes if one and issubclass(one, APIView) and hasattr(one, "post")]
    return [one for one in posts if Anyone in one.permission_classes]


def test_whoever_is_not_signed_in_can_send_little():
    views = views_for_anyone()
    assert len(views) > 6
    for view in views:
        assert view.parser_classes == [SmallJSONParser], view


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/auth/login", "/api/v2/auth/token"])
def test_the_refusal_says_why(path, api):
    response = api().post(path, {"email": "x" * 2**16, "password": "x"}, format="json")
    assert response.status_code == 413
    assert "too large" in json.dumps(response.json())
