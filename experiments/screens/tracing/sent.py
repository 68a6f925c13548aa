"""What the script of the case page sends: a batch of events as JSON in a form field."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from augmed.foundation.errors import Invalid

LARGEST_COUNT = 10**9
"""Eleven days in milliseconds, and more of anything else than there is."""
_COUNTS = frozenset({"active", "ms", "visit", "places"})
_MARKS = frozenset({"tab"})


def sent_events(text: str) -> list[Any]:
    """The events with their ids and times read; what is wrong with one is for `record_events` to say."""
    try:
        found = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise Invalid("A list of events in JSON is needed.", code="not_events")
    _refuse_words(found)
    return [_event(event) if isinstance(event, Mapping) else event for event in found]


def _refuse_words(events: list[Any]) -> None:
    """Events hold keys and times: whatever else a page sends beside them could be somebody's data."""
    wrong = [at for at, event in enumerate(events) if isinstance(event, Mapping) and not _is_counted(event.get("data"))]
    if wrong:
        message = "Only what the page counts is taken."
        raise Invalid(message, errors={f"events.{at}.data": [message] for at in wrong}, code="not_counted")


def _is_counted(data: Any) -> bool:
    if data is None:
        return True
    return isinstance(data, Mapping) and all(
        isinstance(value, bool)
        if name in _MARKS
        else name in _COUNTS and isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT
        for name, value in data.items()
    )


def _event(sent: Mapping[str, Any]) -> dict[str, Any]:
    event = dict(sent)
    for name, read in (("page_session", _uuid), ("client_at", _moment)):
        if isinstance(event.get(name), str):
            event[name] = read(event[name])
    return event


def _uuid(text: str) -> uuid.UUID | str:
    try:
        return uuid.UUID(text)
    except ValueError:
        return text


def _moment(text: str) -> datetime | str:
    try:
        return parse_datetime(text) or text
    except ValueError:
        return text


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
