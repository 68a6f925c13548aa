"""A trend as the geometry of a small plot, which the template draws as SVG. Knows no models and no markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

SCALES = (0.1, 1.0, 5.0, 10.0, 25.0, 50.0, 100.0)  # percent; the axis ends at the first that holds everything


@dataclass(frozen=True, slots=True)
class Point:
    """One run. `share` is a percentage, None where nothing was asked; `label` is read out and shown on hovering.

    Shares of files and of the whole database are different quantities, so each `series` has a line of its own.
    """

    share: float | None
    failed: bool
    series: str
    label: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of a plot and of its margins, in the units of its viewBox."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int


LARGE = Frame(width=720, height=240, left=72, right=16, top=12, bottom=40)
SMALL = Frame(width=112, height=28, left=4, right=4, top=4, bottom=4)


@dataclass(frozen=True, slots=True)
class Dot:
    """A point in place, `x` and `y` in the units of the viewBox, from the upper left."""

    x: float
    y: float
    failed: bool
    series: str
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """Points that follow each other in one series, as the attribute `points` of a polyline."""

    series: str
    points: str


@dataclass(frozen=True, slots=True)
class Plot:
    """What is drawn. `ticks` are (y, percent); `threshold` is the y of what is tolerated."""

    frame: Frame
    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, float], ...]
    threshold: float


def draw(points: Sequence[Point], threshold: float, frame: Frame = LARGE) -> Plot:
    """Place the points side by side, oldest first and a step each, shares from 0 upwards.

    A run that asked nothing has no dot, and the line of its series is broken there: it is no zero.
    """
    top = _scale([threshold, *(point.share for point in points if point.share is not None)])
    placed = [(point, _x(place, len(points), frame), point.share) for place, point in enumerate(points)]
    dots = tuple(
        Dot(x, _y(share, top, frame), point.failed, point.series, point.label)
        for point, x, share in placed
        if share is not None
    )
    ticks = tuple((_y(share, top, frame), share) for share in (0.0, top / 2, top))
    return Plot(frame, dots, _lines(placed, top, frame), ticks, _y(threshold, top, frame))


def _lines(placed: Sequence[tuple[Point, float, float | None]], top: float, frame: Frame) -> tuple[Line, ...]:
    lines = []
    for series in dict.fromkeys(point.series for point, _, _ in placed):
        own = [(x, share) for point, x, share in placed if point.series == series]
        for drawn, stretch in groupby(own, key=lambda place: place[1] is not None):
            ends = [f"{x:g},{_y(share, top, frame):g}" for x, share in stretch if share is not None]
            if drawn and len(ends) > 1:
                lines.append(Line(series, " ".join(ends)))
    return tuple(lines)


def _scale(shares: Sequence[float]) -> float:
    most = max(shares)
    return next((scale for scale in SCALES if scale >= most), SCALES[-1])


def _x(place: int, number: int, frame: Frame) -> float:
    inner = frame.width - frame.left - frame.right
    return round(frame.left + (inner / 2 if number == 1 else inner * place / (number - 1)), 1)


def _y(share: float, top: float, frame: Frame) -> float:
    inner = frame.height - frame.top - frame.bottom
    return round(frame.height - frame.bottom - inner * min(share, top) / top, 1)
