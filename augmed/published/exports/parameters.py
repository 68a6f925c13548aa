"""What a request for an export asks for, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from rest_framework.exceptions import NotFound, ParseError

DEFAULT_LIMIT, MOST = 1000, 10_000
FARTHEST = 2**31 - 1
_CODE = re.compile(r"[A-Za-z0-9_-]{0,64}")
_OFFSET = re.compile(r" (\d\d:?\d\d)$")  # a '+' that nobody encoded arrives as a space


@dataclass(frozen=True, slots=True)
class Asked:
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    since: datetime | None = None
    code: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str], *, dated: bool) -> Asked:
        """ParseError (400) says what is wrong, NotFound of a study that cannot be. `since` counts only where rows are
        dated."""
        return cls(
            limit=_number(query, "limit", DEFAULT_LIMIT, least=1, most=MOST),
            offset=_number(query, "offset", 0, least=0, most=FARTHEST),
            since=_moment(query.get("since", "")) if dated else None,
            code=_code(query.get("experiment_id", "").strip()),
        )


def _code(text: str) -> str:
    if not _CODE.fullmatch(text):
        raise NotFound("There is no such study.")
    return text


def _number(query: Mapping[str, str], name: str, default: int, *, least: int, most: int) -> int:
    text = query.get(name, "").strip()
    if not text:
        return default
    if re.fullmatch(r"\d{1,10}", text, re.ASCII) and least <= int(text) <= most:
        return int(text)
    raise ParseError(f"'{name}' must be a whole number from {least} to {most}.")


def _moment(text: str) -> datetime | None:
    """ISO 8601, a date alone too; without an offset it is UTC."""
    written = _OFFSET.sub(r"+\1", text.strip())
    if not written:
        return None
    try:
        found = datetime.fromisoformat(written)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ParseError("'since' must be a date or a moment in ISO 8601, for example 2026-11-20T15:04:57Z.") from error
