"""Plots as SVG, drawn on the server. Pure: plain values in, text out.

Colours and sizes of letters are the stylesheet's (classes), so both themes hold and no style attribute is needed. The
numbers of every plot stand in a table beside it; a bar within a table is therefore hidden from screen readers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape
from itertools import pairwise

from experiments.monitoring.figures import Spread, share

WIDTH, HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 16, 12, 30
_ROW, _NAMES, _LONGEST = 44, 196, 28


def bar(part: int, whole: int) -> str:
    """A bar as long as the part is of the whole, as wide as its place."""
    length = _number(100 * share(part, whole))
    return (
        '<svg class="plot-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<rect class="plot-rest" width="100" height="8"/><rect class="plot-part" width="{length}" height="8"/></svg>'
    )


def over_days(name: str, title: str, points: Sequence[tuple[date, int]]) -> str:
    """A line through counts that only grow, by day. `name` is the id of the plot on its page."""
    if not points:
        return ""
    first, last, most = points[0][0], points[-1][0], max(count for _day, count in points)
    days = max((last - first).days, 1)
    width, height = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM

    def place(day: date, count: int) -> tuple[float, float]:
        return _LEFT + width * (day - first).days / days, _TOP + height * (1 - count / max(most, 1))

    steps = ["M{} {}".format(*map(_number, place(*points[0])))]
    for (_before, count), (day, now) in pairwise(points):
        steps += [f"H{_number(place(day, count)[0])}", f"V{_number(place(day, now)[1])}"]
    if len(points) == 1:
        steps.append(f"H{_number(place(date.fromordinal(first.toordinal() + 1), points[0][1])[0])}")
    floor = _TOP + height
    marks = "".join(
        f'<line class="plot-grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{_number(y)}" y2="{_number(y)}"/>'
        f'<text class="plot-text" x="{_LEFT - 6}" y="{_number(y + 4)}" text-anchor="end">{value}</text>'
        for value, y in [(0, floor), (most, _TOP)]
    )
    ends = "" if first == last else _text(WIDTH - _RIGHT, HEIGHT - 8, f"{last:%d %b %Y}", anchor="end")
    said = f"From {first:%d %b %Y} to {last:%d %b %Y}, {most} in all."
    body = (
        f'{marks}<path class="plot-line" d="{" ".join(steps)}"/>{_text(_LEFT, HEIGHT - 8, f"{first:%d %b %Y}")}{ends}'
    )
    return _svg(name, title, said, WIDTH, HEIGHT, body)


def spreads(name: str, title: str, rows: Sequence[tuple[str, Spread]], *, ends: tuple[float, float] | None) -> str:
    """Rows on one scale: a line from smallest to largest, a box between the quartiles, a stroke at the median and a
    point at the mean. `ends`: of the scale, where the question has bounds."""
    if not rows:
        return ""
    low, high = ends or (min(one.minimum for _n, one in rows), max(one.maximum for _n, one in rows))
    if high <= low:
        high = low + 1
    left, right = _NAMES, WIDTH - 24

    def at(value: float) -> float:
        return left + (right - left) * (value - low) / (high - low)

    body = "".join(_box(label, one, _ROW * number, at) for number, (label, one) in enumerate(rows))
    floor = _ROW * len(rows)
    axis = f'<line class="plot-grid" x1="{left}" x2="{right}" y1="{floor}" y2="{floor}"/>'
    axis += _text(left, floor + 18, _number(low)) + _text(right, floor + 18, _number(high), anchor="end")
    said = "; ".join(f"{label}: median {_number(one.median)}" for label, one in rows)
    return _svg(name, title, said, WIDTH, floor + 26, body + axis)


def _box(label: str, one: Spread, top: float, at: object) -> str:
    assert callable(at)
    middle = top + _ROW / 2
    x = {key: _number(at(getattr(one, key))) for key in ("minimum", "low", "median", "high", "maximum", "mean")}
    width = _number(max(at(one.high) - at(one.low), 1))
    return (
        _text(0, middle + 4, _short(label))
        + f'<line class="plot-line" x1="{x["minimum"]}" x2="{x["maximum"]}" y1="{middle}" y2="{middle}"/>'
        + f'<rect class="plot-box" x="{x["low"]}" y="{middle - 10}" width="{width}" height="20"/>'
        + f'<line class="plot-median" x1="{x["median"]}" x2="{x["median"]}" y1="{middle - 13}" y2="{middle + 13}"/>'
        + f'<circle class="plot-mean" cx="{x["mean"]}" cy="{middle}" r="4"/>'
    )


def _short(label: str) -> str:
    """Without its middle: its end says which stage it is."""
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 10]}…{label[-9:]}"


def _svg(name: str, title: str, said: str, width: int, height: int, body: str) -> str:
    return (
        f'<svg class="plot" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{name}-title {name}-said">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-said">{escape(said)}</desc>{body}</svg>'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text class="plot-text" x="{_number(x)}" y="{_number(y)}" text-anchor="{anchor}">{escape(text)}</text>'


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
