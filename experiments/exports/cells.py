"""Columns of the exported tables, and how one value stands in a CSV cell and in a JSON line. Pure."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any, Literal

ColumnType = Literal["text", "integer", "number", "boolean", "date", "datetime", "list", "json"]

SEPARATOR = " | "
"""Between the texts of a list in a CSV cell that is for reading; the JSON lines have the list itself."""

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


class _Echo:
    """What csv.writer writes to, so that writerow returns the line (csv hands on what `write` returns)."""

    def write(self, line: str) -> str:
        return line


_write: Callable[[Iterable[Any]], Any] = csv.writer(_Echo()).writerow


def csv_cells(cells: Iterable[Any]) -> str:
    """Cells as they are, quoted where they must be, without the end of the line. None is an empty cell."""
    line: str = _write(cells)
    return line[:-2]


def csv_header(names: Iterable[str]) -> str:
    return csv_cells(map(unformula, names))


def joined(texts: Iterable[str]) -> str:
    return unformula(SEPARATOR.join(texts))


def _boolean(value: Any) -> str:
    return "true" if value else "false"


def _list_json(value: Sequence[str]) -> str:
    return json.dumps(list(value), ensure_ascii=False)


# Only these need more than str(): most cells are numbers, and every row passes here twice.
_CSV: dict[str, Callable[[Any], str]] = {
    "text": unformula,
    "boolean": _boolean,
    "list": lambda value: unformula(_list_json(value)),
    "json": unformula,
}
_JSON: dict[str, Callable[[Any], str]] = {
    "text": encode_basestring,
    "boolean": _boolean,
    "date": encode_basestring,
    "datetime": encode_basestring,
    "list": _list_json,
}


def csv_encoder(columns: Sequence[Column]) -> Callable[[Sequence[Any]], str]:
    """From one row's values to its CSV cells, without the end of the line."""
    convert = _converter(columns, _CSV)

    def encode(row: Sequence[Any]) -> str:
        return csv_cells(convert(row))

    return encode


def json_encoder(columns: Sequence[Column]) -> Callable[[Sequence[Any]], str]:
    """From one row's values to the members of a JSON object, without its braces."""
    convert = _converter(columns, _JSON)
    template = ",".join(encode_basestring(column.name).replace("%", "%%") + ":%s" for column in columns)

    def encode(row: Sequence[Any]) -> str:
        return template % tuple(["null" if cell is None else cell for cell in convert(row)])

    return encode


def _converter(
    columns: Sequence[Column], by_type: dict[str, Callable[[Any], str]]
) -> Callable[[Sequence[Any]], list[Any]]:
    special = [(place, by_type[column.type]) for place, column in enumerate(columns) if column.type in by_type]

    def convert(row: Sequence[Any]) -> list[Any]:
        cells = list(row)
        for place, change in special:
            value = cells[place]
            if value is not None:
                cells[place] = change(value)
        return cells

    return convert


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
