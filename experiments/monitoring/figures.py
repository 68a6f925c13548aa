"""Figures of many values: quantiles, means and counts in classes. Pure.

Values come as a tally, {value: how often}: a study has many answers and few different ones."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate

Number = int | float | Decimal


@dataclass(frozen=True, slots=True)
class Spread:
    """Where many values lie. `low` and `high` are the first and third quartile."""

    count: int
    mean: float
    minimum: float
    low: float
    median: float
    high: float
    maximum: float


def spread(values: Mapping[Number, int] | Iterable[Number]) -> Spread | None:
    """Of a tally or of single values; None where there are none.

    Quartiles and median by linear interpolation between order statistics (Hyndman and Fan, 1996, definition 7)."""
    tally = dict(values) if isinstance(values, Mapping) else Counter(values)
    listed = sorted((value, times) for value, times in tally.items() if times > 0)
    if not listed:
        return None
    places = list(accumulate(times for _value, times in listed))
    count = places[-1]

    def ranked(place: int) -> Number:
        return listed[bisect_right(places, place)][0]

    def quantile(share: Fraction) -> float:
        place = (count - 1) * share
        below, part = divmod(place, 1)
        low = Fraction(ranked(int(below)))
        return float(low + part * (Fraction(ranked(min(int(below) + 1, count - 1))) - low))

    mean = float(sum((Fraction(value) * times for value, times in listed), Fraction(0)) / count)
    quarter = Fraction(1, 4)
    return Spread(
        count=count,
        mean=mean,
        minimum=float(listed[0][0]),
        low=quantile(quarter),
        median=quantile(2 * quarter),
        high=quantile(3 * quarter),
        maximum=float(listed[-1][0]),
    )


def median(values: Iterable[Number], *, least: int = 1) -> float | None:
    """None where there are fewer than `least` values: of very few, a median is somebody's own."""
    found = spread(values)
    return None if found is None or found.count < least else found.median


MINUTE = 60.0
TIME_CLASSES = (0.5 * MINUTE, MINUTE, 2 * MINUTE, 3 * MINUTE, 5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 60 * MINUTE)
"""Upper ends in seconds, each outside of its class; one more class holds what is longer."""
TIME_LABELS = (
    "under 30 s",
    "30 s to 1 min",
    "1 to 2 min",
    "2 to 3 min",
    "3 to 5 min",
    "5 to 10 min",
    "10 to 20 min",
    "20 to 60 min",
    "an hour and more",
)


def classes(values: Iterable[float], ends: Sequence[float] = TIME_CLASSES) -> list[int]:
    """How many values are in each class; one class more than there are ends."""
    counts = [0] * (len(ends) + 1)
    for value in values:
        counts[bisect_right(ends, value)] += 1
    return counts


def share(part: int, whole: int) -> float:
    """From 0 to 1; of nothing 0."""
    return part / whole if whole else 0.0


def in_words(seconds: float | None) -> str:
    """A duration as a person says it: "45 s", "2 min 05 s", "1 h 03 min"; a dash where there is none."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
