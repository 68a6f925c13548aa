"""The bodies of the published contract. An answer holds what was asked for, or an error, never both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from augmed.foundation.errors import sayable

Body = dict[str, Any]


def body_of(data: Any) -> Mapping[str, Any]:
    """The object that was sent; anything else has none of the fields that are asked for."""
    return data if isinstance(data, Mapping) else {}


def data_body(payload: Any) -> Body:
    return {"data": payload, "error": None}


def error_body(code: str | int, message: str) -> Body:
    """`code` is a text for refusals of ours, the HTTP status as a number for all else. Some screens of the client show
    a `message` beside `error` where the status is below 500, and curl users see it first, so it stands there too."""
    said = sayable(message)
    return {"data": None, "error": {"code": code, "message": said}, "message": said}
