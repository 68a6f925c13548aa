"""Quantiles, means and classes of many values."""

from __future__ import annotations

import statistics
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.monitoring.figures import TIME_CLASSES, TIME_LABELS, classes, in_words, median, share, spread

VALUES = st.lists(st.integers(-1000, 1000), min_size=2, max_size=60)


def test_of_nothing_there_is_nothing():
    assert spread([]) is None
    assert spread({Decimal(3): 0}) is None
    assert median([]) is None


def test_one_value_is_everything():
    found = spread([Decimal("2.5")])
    assert (found.count, found.mean, found.minimum, found.low, found.median, found.high, found.maximum) == (
        1, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5,
    )  # fmt: skip


def test_zero_is_a_value():
    assert spread([0, 0, 3]).median == 0.0


@given(VALUES)
def test_quartiles_are_those_of_the_standard_library(values):
    found = spread(values)
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    assert (found.low, found.median, found.high) == pytest.approx((low, middle, high))
    assert found.mean == pytest.approx(statistics.fmean(values))


@given(VALUES)
def test_a_tally_says_the_same_as_its_values(values):
    assert spread({value: values.count(value) for value in values}) == spread(values)


def test_of_too_few_no_median_is_told():
    assert median([1.0, 2.0], least=3) is None
    assert median([1.0, 2.0, 9.0], least=3) == 2.0


@given(st.lists(st.floats(0, 10_000), max_size=40))
def test_every_value_is_in_one_class(values):
    assert sum(classes(values)) == len(values)


def test_classes_begin_at_their_lower_end():
    assert len(TIME_LABELS) == len(TIME_CLASSES) + 1
    counted = dict(zip(TIME_LABELS, classes([0, 29.9, 30, 60, 3600]), strict=True))
    assert {label: count for label, count in counted.items() if count} == {
        "under 30 s": 2,
        "30 s to 1 min": 1,
        "1 to 2 min": 1,
        "an hour and more": 1,
    }


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0.4, "0 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3780, "1 h 03 min"),
        (3599.7, "1 h 00 min"),
    ],
)
def test_durations_in_words(seconds, words):
    assert in_words(seconds) == words


def test_a_share_of_nothing_is_zero():
    assert share(0, 0) == 0.0
    assert share(1, 4) == 0.25
