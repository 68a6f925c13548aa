"""Canonical JSON: one text, and so one SHA-256, for one value, on every database and Python.

Rules: UTF-8 text without spaces; strings and keys in Unicode NFC; object keys sorted by code point; order
that matters is kept in lists; decimals as JSON *strings* without exponent or trailing zeros; integers as JSON
integers; no floats (two databases may print one double differently), so also no NaN and no infinity.
"""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

MAXIMUM_DECIMAL_PLACES = 400
"""A decimal whose plain form needs more digits than this is refused: '1e999999' must not fill the memory."""


def nfc(text: str) -> str:
    """Return the text in Unicode NFC; ValueError when it cannot be written as UTF-8 (a lone surrogate)."""
    if text.isascii():
        return text
    normal = unicodedata.normalize("NFC", text)
    try:
        normal.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"text is not valid Unicode: {text!r}") from error
    return normal


def canonical_decimal(value: Decimal | int | str) -> str:
    """Return the plain decimal text: no exponent, no trailing zeros, '0' for any zero.

    TypeError for floats and booleans; ValueError for text that is no finite decimal number and for an extreme
    exponent.
    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise TypeError(f"not a decimal, an integer or a text: {value!r}")
    number = _decimal(value)
    sign, digits, exponent = number.as_tuple()
    if not any(digits):
        return "0"
    assert isinstance(exponent, int)
    if len(digits) + abs(exponent) > MAXIMUM_DECIMAL_PLACES:
        raise ValueError(f"number has too many digits: {str(value)[:40]!r}")
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    unsigned = text.lstrip("-").lstrip("0")
    if unsigned.startswith(".") or not unsigned:
        unsigned = "0" + unsigned
    return ("-" if sign else "") + unsigned


def canonical_json(value: Any) -> str:
    """Return the canonical JSON of None, booleans, integers, decimals, strings, lists, tuples and mappings.

    TypeError names the path of a float, of another type or of a key that is not a string; ValueError the path
    of a non-finite decimal, of invalid Unicode or of two keys that are one after normalisation.
    """
    return json.dumps(_canonical(value, None), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def sha256_hex(content: str | bytes) -> str:
    """Return the SHA-256 of bytes, or of the UTF-8 form of a text, as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(content.encode("utf-8") if isinstance(content, str) else content).hexdigest()


def digest(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON of a value."""
    return sha256_hex(canonical_json(value))


def _decimal(value: Decimal | int | str) -> Decimal:
    # Decimal("1_000") and full-width digits are legal in Python but are no one's clinical notation.
    if isinstance(value, str) and (not value.isascii() or "_" in value):
        raise ValueError(f"not a decimal number: {value!r}")
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise ValueError(f"not a decimal number: {value!r}") from error
    if not number.is_finite():
        raise ValueError(f"not a finite number: {value!r}")
    return number


# Where a value stands: the place above it, and its key or index. Made into text only for an error, because every
# opening of a review canonicalises some thousand values.
_Place = tuple["_Place | None", str | int] | None


def _canonical(value: Any, place: _Place) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, place)
    if isinstance(value, int):
        return int(value)
    # dict before Mapping: asking an abstract class is ten times slower.
    if isinstance(value, (dict, Mapping)):
        return _object(value, place)
    if isinstance(value, (list, tuple)):
        return [_canonical(item, (place, index)) for index, item in enumerate(value)]
    if isinstance(value, Decimal):
        try:
            return canonical_decimal(value)
        except ValueError as error:
            raise ValueError(f"{_path(place)}: {error}") from error
    if isinstance(value, float):
        raise TypeError(f"{_path(place)}: floats are not allowed, use a decimal: {value!r}")
    raise TypeError(f"{_path(place)}: {type(value).__name__} has no canonical JSON form")


def _object(value: Mapping[Any, Any], place: _Place) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise TypeError(f"{_path(place)}: key {key!r} is not a string")
        name = _text(key, place)
        if name in found:
            raise ValueError(f"{_path(place)}: key {name!r} occurs twice after normalisation")
        # Most values are nothing or plain text: these need no call of their own.
        plain = item is None or (type(item) is str and item.isascii())
        found[name] = item if plain else _canonical(item, (place, name))
    return {name: found[name] for name in sorted(found)}


def _text(value: str, place: _Place) -> str:
    if value.isascii():
        return value
    try:
        return nfc(value)
    except ValueError as error:
        raise ValueError(f"{_path(place)}: {error}") from error


def _path(place: _Place) -> str:
    steps: list[str] = []
    while place is not None:
        place, step = place
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step}")
    return "$" + "".join(reversed(steps))
