"""The geometry of a trend."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omop.admin.quality.plot import LARGE, SMALL, Point, draw


def point(share: float | None, series: str = "files", failed: bool = False) -> Point:
    return Point(share, failed, series, "a run")


def test_shares_grow_upwards_and_runs_to_the_right():
    plot = draw([point(0.0), point(5.0), point(10.0)], threshold=5.0)
    assert [(dot.x, dot.y) for dot in plot.dots] == [(72.0, 200.0), (388.0, 106.0), (704.0, 12.0)]
    assert plot.threshold == 106.0
    assert plot.ticks == ((200.0, 0.0), (106.0, 5.0), (12.0, 10.0))
    assert [line.points for line in plot.lines] == ["72,200 388,106 704,12"]


@pytest.mark.parametrize(
    ("shares", "threshold", "top"),
    [
        ([0.0], 0.0, 0.1),
        ([0.3], 0.0, 1.0),
        ([0.0], 5.0, 5.0),
        ([7.0, None], 1.0, 10.0),
        ([100.0], 0.0, 100.0),
        ([], 0.0, 0.1),
    ],
)
def test_the_axis_holds_everything(shares, threshold, top):
    assert draw([point(share) for share in shares], threshold).ticks[-1][1] == top


def test_a_run_that_asked_nothing_breaks_the_line():
    plot = draw([point(1.0), point(2.0), point(None), point(3.0), point(4.0), point(None), point(5.0)], 0.0)
    assert len(plot.dots) == 5
    assert [len(line.points.split()) for line in plot.lines] == [2, 2]


def test_files_and_database_have_lines_of_their_own():
    plot = draw([point(1.0), point(5.0, "database"), point(2.0), point(5.0, "database")], 0.0)
    assert {line.series: len(line.points.split()) for line in plot.lines} == {"files": 2, "database": 2}


def test_one_run_stands_in_the_middle():
    plot = draw([point(1.0)], 0.0, SMALL)
    assert [dot.x for dot in plot.dots] == [56.0]
    assert plot.lines == ()


@given(st.lists(st.one_of(st.none(), st.floats(0, 100)), max_size=70), st.floats(0, 100))
def test_nothing_is_drawn_outside(shares, threshold):
    for frame in (LARGE, SMALL):
        plot = draw([point(share) for share in shares], threshold, frame)
        assert len(plot.dots) == sum(share is not None for share in shares)
        assert all(frame.left <= dot.x <= frame.width - frame.right for dot in plot.dots)
        places = [plot.threshold, *(dot.y for dot in plot.dots), *(y for y, _ in plot.ticks)]
        assert all(frame.top <= y <= frame.height - frame.bottom for y in places)
