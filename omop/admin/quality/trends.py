"""A check's results over its runs, as a plot with the words that say the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omop.admin.quality.plot import LARGE, SMALL, Frame, Plot, Point, draw
from omop.imports.gate.catalogue import Outcome
from omop.models import CheckOutcome, ImportRun
from omop.templatetags.omop_numbers import percent


@dataclass(frozen=True, slots=True)
class Trend:
    """`summary` says in words what the plot shows; `first` and `last` are the days of its ends."""

    plot: Plot
    summary: str
    first: str
    last: str


def large(outcomes: Sequence[CheckOutcome], threshold: float) -> Trend | None:
    """The trend on a check's own page; `threshold` is what is tolerated now. None where no run asked."""
    return _trend(outcomes, threshold, LARGE) if outcomes else None


def small(outcomes: Sequence[CheckOutcome]) -> Trend | None:
    """The trend beside a check; None where there is but one run, which is none."""
    return _trend(outcomes, outcomes[-1].threshold, SMALL) if len(outcomes) > 1 else None


def _trend(outcomes: Sequence[CheckOutcome], threshold: float, frame: Frame) -> Trend:
    points = [_point(outcome) for outcome in outcomes]
    first, *_, last = (f"{outcome.finished_at:%Y-%m-%d}" for outcome in (*outcomes, outcomes[-1]))
    return Trend(draw(points, threshold, frame), _summary(points), first, last)


def _point(outcome: CheckOutcome) -> Point:
    asked = outcome.outcome != Outcome.NOT_APPLICABLE
    share = outcome.share if asked else None
    series = "database" if outcome.run.kind == ImportRun.Kind.DATABASE else "files"
    told = percent(outcome.share) if asked else "not applicable"
    label = f"{outcome.finished_at:%Y-%m-%d %H:%M}, {outcome.run.get_kind_display()}: {told}"
    return Point(share, outcome.outcome == Outcome.FAILED, series, label)


def _summary(points: Sequence[Point]) -> str:
    shares = [point.share for point in points if point.share is not None]
    runs = "1 run" if len(points) == 1 else f"{len(points)} runs"
    if not shares:
        return f"{runs}, not applicable in any."
    words = f"{runs}: from {percent(min(shares))} to {percent(max(shares))}, last {percent(shares[-1])}"
    missing = len(points) - len(shares)
    return f"{words}; not applicable in {missing}." if missing else f"{words}."
