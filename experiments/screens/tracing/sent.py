"""What the script of the case page sends: a batch of events as JSON in a form field."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from augmed.foundation.errors import Invalid


def sent_events(text: str) -> list[Any]:
    """The events with their ids and times read; what is wrong with one is for `record_events` to say."""
    try:
        found = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise Invalid("A list of events in JSON is needed.", code="not_events")
    return [_event(event) if isinstance(event, Mapping) else event for event in found]


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
