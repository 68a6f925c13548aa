"""Rows on the wire: the JSON and the CSV of the published contract, streamed. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from experiments.exports.cells import csv_cells, unformula

_AT_ONCE = 100  # rows gathered before they are sent: a write for each would cost more than the row


def json_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]], pagination: dict[str, Any]) -> Iterator[str]:
    """{"data": [...], "pagination": {...}}: no `error` beside them, and a space in moments, as the contract has it."""
    between = '{"data":['
    for row in rows:
        yield between + json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, default=_spoken)
        between = ","
    yield f'{"]" if between == "," else between + "]"},"pagination":{json.dumps(pagination)}}}'


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """With a header even when there is no row."""
    yield csv_cells(columns) + "\r\n"
    for row in rows:
        yield csv_cells(map(_cell, row)) + "\r\n"


def gathered(lines: Iterable[str]) -> Iterator[bytes]:
    waiting: list[str] = []
    for line in lines:
        waiting.append(line)
        if len(waiting) >= _AT_ONCE:
            yield "".join(waiting).encode()
            waiting.clear()
    yield "".join(waiting).encode()


def _spoken(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _cell(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict | list):
        return unformula(json.dumps(value, ensure_ascii=False))
    return unformula(value) if isinstance(value, str) else value
