"""One cell of AugMed's tables, which all come as text, read into a value. CellError says what is wrong with it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NoReturn

_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_TRUE, _FALSE = frozenset({"true", "t", "1", "yes"}), frozenset({"false", "f", "0", "no"})


class CellError(ValueError):
    """A cell cannot be read. The words name the column and never the value, which may be a person's."""


def moment(column: str, text: str | None) -> datetime:
    """A time; AugMed's times without zone are UTC."""
    if not text:
        raise CellError(f"{column} is empty")
    try:
        read = datetime.fromisoformat(text.strip())
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise CellError(f"{column} is no date and time") from None


def truth(column: str, text: str | None) -> bool:
    """A flag; empty is no."""
    said = (text or "false").strip().lower()
    if said not in _TRUE | _FALSE:
        raise CellError(f"{column} is neither true nor false")
    return said in _TRUE


def whole(column: str, text: str | None) -> int:
    """A whole number that a database can hold."""
    if not _WHOLE.fullmatch((text or "").strip()):
        raise CellError(f"{column} is no whole number of at most 18 digits")
    return int(text or "")


def json_value(column: str, text: str | None) -> Any:
    """A JSON value, its numbers as integers and decimals; empty is null."""
    if not text:
        return None
    try:
        read = json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, ArithmeticError, RecursionError):
        raise CellError(f"{column} is not JSON") from None
    if "\\u" in text and not _is_unicode(read):
        raise CellError(f"{column} holds text that is no Unicode")
    return read


def _is_unicode(value: Any) -> bool:
    """JSON can spell half of a surrogate pair, which no database can store and no export can say."""
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)
