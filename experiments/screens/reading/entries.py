"""One entry of a disclosed feature as the case page shows it. Pure: nothing is added to what the tree says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

Flag = Literal["", "high", "low"]
LONGEST_ABBREVIATION = 3


@dataclass(frozen=True, slots=True)
class ShownSource:
    """Where a piece of advice comes from. Without a model the study supplied it."""

    model: str = ""
    version: str = ""
    produced_at: date | str = ""
    caveat: str = ""

    @property
    def has_day(self) -> bool:
        """`produced_at` is whatever was written where it is no date."""
        return isinstance(self.produced_at, date)


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """One value. `value` and `unit` are `text` in two, where it ends in its unit; `flag` tells what is outside its
    range for certain; `date` is a datetime where the time is known."""

    text: str
    value: str
    unit: str
    flag: Flag
    reference: str
    date: date | None
    number: Decimal | None
    low: Decimal | None
    high: Decimal | None
    source: ShownSource | None = None

    @property
    def is_capitals(self) -> bool:
        """Long words in capitals, as some sources write all they know. They are data and stay; they are set smaller."""
        return self.text.isupper() and any(len(word) > LONGEST_ABBREVIATION for word in self.text.split())

    @property
    def has_time(self) -> bool:
        return isinstance(self.date, datetime)


def shown_entry(entry: Mapping[str, Any]) -> ShownEntry:
    """One entry of the disclosed tree's JSON."""
    text, unit = entry["text"], entry.get("unit") or ""
    split = bool(unit) and text.endswith(f" {unit}")
    number, low, high = (_decimal(entry.get(name)) for name in ("number", "low", "high"))
    model = entry.get("model")
    return ShownEntry(
        text=text,
        value=text.removesuffix(f" {unit}") if split else text,
        unit=unit if split else "",
        flag=flag(number, low, high, entry.get("operator") or ""),
        reference=reference(entry.get("low"), entry.get("high")),
        date=moment(entry.get("date")),
        number=number,
        low=low,
        high=high,
        source=None if model is None else _source(model),
    )


def flag(number: Decimal | None, low: Decimal | None, high: Decimal | None, operator: str = "") -> Flag:
    """Outside the range for certain: 'less than 5' is below a range that begins at 5 and not known to be below one
    that begins at 3."""
    if number is None:
        return ""
    upwards, downwards = operator in (">", ">=", "≥"), operator in ("<", "<=", "≤")
    beyond = operator in (">", "<")
    if high is not None and not downwards and (number > high or (beyond and number == high)):
        return "high"
    if low is not None and not upwards and (number < low or (beyond and number == low)):
        return "low"
    return ""


def reference(low: str | None, high: str | None) -> str:
    """A range in figures, the same in all languages: 3.5-5, ≥ 3.5, ≤ 5, or nothing. A dash beside a minus has room."""
    if low is not None and high is not None:
        room = "\N{NO-BREAK SPACE}" if "-" in low + high else ""
        return f"{low}{room}\N{EN DASH}{room}{high}"
    if low is not None:
        return f"\N{GREATER-THAN OR EQUAL TO}\N{NO-BREAK SPACE}{low}"
    return f"\N{LESS-THAN OR EQUAL TO}\N{NO-BREAK SPACE}{high}" if high is not None else ""


def moment(text: str | None) -> date | None:
    """A date, or a date and time where the tree says one."""
    if not text:
        return None
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def when(entry: ShownEntry) -> datetime:
    """For order and distance in time; an unknown time of day counts as midnight."""
    assert entry.date is not None
    if isinstance(entry.date, datetime):
        return entry.date
    return datetime(entry.date.year, entry.date.month, entry.date.day)  # noqa: DTZ001  local, as all times of a case


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _source(model: Mapping[str, str]) -> ShownSource:
    try:
        produced_at: date | str = moment(model["produced_at"]) or ""
    except ValueError:
        produced_at = model["produced_at"]
    return ShownSource(model["model"], model["version"], produced_at, model["caveat"])
