"""A feature's course over time as a small chart: SVG text with a title and a description, at most 2 kB. Pure.

Colours and widths are the stylesheet's, by class, so that the chart follows the theme. Long courses are thinned out
to the first, the last and the lowest and highest of each stretch of time, so that no peak is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from experiments.screens.reading.entries import Flag, ShownEntry, when

WIDTH, HEIGHT, EDGE = 132, 36, 5
MOST_POINTS = 48
MOST_DOTS = 12
"""Courses of so many values have a dot at each: a line alone does not tell where nothing was measured."""
MOST_OUTSIDE = 12
"""Marks of values outside their range; the table beside the chart has them all."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a course: its number, its place in time (seconds), and whether it is outside its range."""

    number: Decimal
    at: float
    flag: Flag


def points(entries: Sequence[ShownEntry]) -> list[Point]:
    """The points of a course in time order."""
    ordered = sorted((entry for entry in entries if entry.number is not None), key=when)
    if not ordered:
        return []
    start = when(ordered[0])
    return [Point(entry.number or Decimal(0), (when(entry) - start).total_seconds(), entry.flag) for entry in ordered]


def thinned(found: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most `most` of them, in order: the first, the last, and of each stretch of time the lowest and highest."""
    if len(found) <= most:
        return list(found)
    stretches = (most - 2) // 2
    span = found[-1].at - found[0].at or 1.0
    buckets: dict[int, list[Point]] = {}
    for point in found[1:-1]:
        buckets.setdefault(min(stretches - 1, int((point.at - found[0].at) / span * stretches)), []).append(point)
    kept = [found[0]]
    for _, bucket in sorted(buckets.items()):
        lowest = min(bucket, key=lambda point: point.number)
        highest = max(bucket, key=lambda point: point.number)
        kept += sorted({lowest, highest}, key=lambda point: point.at)
    return [*kept, found[-1]]


def course_svg(entries: Sequence[ShownEntry], *, title: str, description: str, identifier: str) -> str:
    """The chart of a course. `identifier` makes the ids of its title and description its own on the page."""
    found = thinned(points(entries))
    if not found:
        return ""
    low, high = _common_range(entries)
    across, down = _scales(found, [bound for bound in (low, high) if bound is not None])
    places = [(across(point.at), down(float(point.number))) for point in found]
    outside = [place for place, point in zip(places[:-1], found, strict=False) if point.flag][-MOST_OUTSIDE:]
    return "".join(
        (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
            f'aria-labelledby="{identifier}t" aria-describedby="{identifier}d">',
            f'<title id="{identifier}t">{escape(_short(title))}</title>',
            f'<desc id="{identifier}d">{escape(_short(description, 300))}</desc>',
            _band(low, high, down),
            f'<polyline class="line" points="{" ".join(f"{x},{y}" for x, y in places)}"/>',
            _dots(places),
            *(f'<path class="out" d="M{x} {y}m-3 2.5l3-5 3 5z"/>' for x, y in outside),
            '<circle class="{}" cx="{}" cy="{}" r="2.5"/>'.format("out" if found[-1].flag else "last", *places[-1]),
            "</svg>",
        )
    )


def _common_range(entries: Sequence[ShownEntry]) -> tuple[Decimal | None, Decimal | None]:
    """The range, where all values have the same."""
    ranges = {(entry.low, entry.high) for entry in entries}
    return next(iter(ranges)) if len(ranges) == 1 else (None, None)


_Scale = Callable[[float], str]


def _scales(found: Sequence[Point], bounds: Sequence[Decimal]) -> tuple[_Scale, _Scale]:
    """From seconds and numbers to places, as short texts; a course without any extent lies in the middle."""
    numbers = [float(value) for value in (*(point.number for point in found), *bounds)]
    return (
        _scale(0.0, found[-1].at, EDGE, WIDTH - EDGE),
        _scale(min(numbers), max(numbers), HEIGHT - EDGE, EDGE),
    )


def _scale(least: float, most: float, start: float, end: float) -> _Scale:
    if most == least:
        return lambda _value: _place((start + end) / 2)
    return lambda value: _place(start + (value - least) / (most - least) * (end - start))


def _place(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _band(low: Decimal | None, high: Decimal | None, down: _Scale) -> str:
    if low is None and high is None:
        return ""
    top = 0.0 if high is None else float(down(float(high)))
    bottom = float(HEIGHT) if low is None else float(down(float(low)))
    return f'<rect class="band" x="0" y="{_place(top)}" width="{WIDTH}" height="{_place(max(bottom - top, 1.0))}"/>'


def _dots(places: Sequence[tuple[str, str]]) -> str:
    if len(places) > MOST_DOTS:
        return ""
    return f'<path class="dots" d="{"".join(f"M{x} {y}h0" for x, y in places)}"/>'


def _short(text: str, most: int = 150) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
