"""Columns of the exported tables, and how one value stands in a CSV cell and in a JSON line. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any, Literal

ColumnType = Literal["text", "integer", "number", "boolean", "date", "datetime", "list", "json"]

SEPARATOR = " | "
"""Between the texts of a list in a CSV cell that is for reading; the JSON lines have the list itself."""

_SPECIAL = re.compile(r'[",\r\n]')
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_FORMULA_STARTS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of one table. Values: text, date, datetime: str; integer: int; number: a decimal text or a float;
    boolean: bool; list: a list of str; json: JSON text. None is an empty cell and null."""

    name: str
    type: ColumnType
    meaning: str
    unit: str = ""
    allowed: tuple[str, ...] = ()
    label: str = ""


def unformula(text: str) -> str:
    """The text, with a ' before it where a spreadsheet would take it for a formula. A plain number stays one."""
    if text and text[0] in _FORMULA_STARTS and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def csv_text(text: str) -> str:
    """One CSV cell of a text, quoted where it must be."""
    if text.isalnum():
        return text  # most cells: nothing to guard against
    text = unformula(text)
    return '"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text


def joined(texts: Iterable[str]) -> str:
    return SEPARATOR.join(texts)


def _plain(value: Any) -> str:
    return str(value)


def _boolean(value: Any) -> str:
    return "true" if value else "false"


def _number(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _list_cell(value: Sequence[str]) -> str:
    return csv_text(json.dumps(list(value), ensure_ascii=False))


def _list_json(value: Sequence[str]) -> str:
    return json.dumps(list(value), ensure_ascii=False)


# Times and dates are ours, ISO 8601: nothing in them needs quotes.
_CSV: dict[str, Callable[[Any], str]] = {
    "text": csv_text,
    "integer": _plain,
    "number": _number,
    "boolean": _boolean,
    "date": _plain,
    "datetime": _plain,
    "list": _list_cell,
    "json": csv_text,
}
_JSON: dict[str, Callable[[Any], str]] = {
    "text": encode_basestring,
    "integer": _plain,
    "number": _number,
    "boolean": _boolean,
    "date": encode_basestring,
    "datetime": encode_basestring,
    "list": _list_json,
    "json": _plain,
}


def csv_header(names: Iterable[str]) -> str:
    return ",".join(csv_text(name) for name in names)


def csv_encoder(columns: Sequence[Column]) -> Callable[[Sequence[Any]], str]:
    """From one row's values to its CSV cells, without the end of the line."""
    encoders = [_CSV[column.type] for column in columns]

    def encode(row: Sequence[Any]) -> str:
        return ",".join(["" if value is None else write(value) for write, value in zip(encoders, row, strict=True)])

    return encode


def json_encoder(columns: Sequence[Column]) -> Callable[[Sequence[Any]], str]:
    """From one row's values to the members of a JSON object, without its braces."""
    encoders = [(encode_basestring(column.name) + ":", _JSON[column.type]) for column in columns]

    def encode(row: Sequence[Any]) -> str:
        return ",".join(
            [
                name + ("null" if value is None else write(value))
                for (name, write), value in zip(encoders, row, strict=True)
            ]
        )

    return encode


_SCHEMA_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": ["string", "null"]},
    "integer": {"type": ["integer", "null"]},
    "number": {"type": ["number", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "date": {"type": ["string", "null"], "format": "date"},
    "datetime": {"type": ["string", "null"], "format": "date-time"},
    "list": {"type": ["array", "null"], "items": {"type": "string"}},
    "json": {},
}


def json_schema(columns: Sequence[Column]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one JSON line of a table."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {column.name: _property(column) for column in columns},
        "required": [column.name for column in columns],
        "additionalProperties": False,
    }


def _property(column: Column) -> dict[str, Any]:
    made = dict(_SCHEMA_TYPES[column.type])
    if column.allowed and column.type == "text":
        made["enum"] = [*column.allowed, None]
    elif column.allowed and column.type == "list":
        made["items"] = {"type": "string", "enum": list(column.allowed)}
    return made
