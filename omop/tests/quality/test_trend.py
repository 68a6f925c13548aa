"""A check over its runs."""

from __future__ import annotations

import pytest

from omop import quality
from omop.quality import Key
from omop.tests.quality.factories import found, make_run, make_runs

pytestmark = pytest.mark.django_db


def test_the_oldest_comes_first_and_only_this_check():
    runs = [make_run(day) for day in (3, 1, 2)]
    for run in runs:
        found(run, count=1)
        found(run, column="unit_concept_id")
        found(run, table="person")
        found(run, code="value_length")
    assert [outcome.run for outcome in quality.trend("measurement", Key("value_type", ""))] == [
        runs[1],
        runs[2],
        runs[0],
    ]


def test_what_was_not_loaded_is_in_no_trend():
    """Five odd rows of a dry run between two loads are no dent in what the table holds."""
    kept = [make_run(1), make_run(4, kind="database", status="checked"), make_run(5)]
    others = [make_run(2, kind="check", status="checked"), make_run(3, status="refused")]
    for run in [*kept, *others]:
        found(run)
    key = Key("value_type", "")
    assert [outcome.run for outcome in quality.trend("measurement", key)] == kept
    assert [outcome.run for outcome in quality.trends("measurement")[key]] == kept


def test_only_the_newest_points_and_only_runs_seen_through():
    for run in make_runs(10):
        found(run, code="value_length")
    found(make_run(20, status="failed"), code="value_length")
    points = quality.trend("measurement", Key("value_length", ""), limit=4)
    assert [point.finished_at.day for point in points] == [7, 8, 9, 10]


def test_the_trends_of_a_table_are_bounded_each():
    make_runs(10)
    found(make_run(3.5), code="value_length")
    found(make_run(20, status="cancelled"), code="value_length")
    small = quality.trends("measurement", limit=4)
    assert {key: [point.finished_at.day for point in points] for key, points in small.items()} == {
        Key("value_type", ""): [7, 8, 9, 10],
        Key("concept_mapped", "x_concept_id"): [7, 8, 9, 10],
        Key("start_before_end", ""): [7, 8, 9, 10],
        Key("value_length", ""): [4],
    }
    assert quality.trends("death") == {}


@pytest.mark.parametrize("number", [1, 200])
def test_one_statement_however_many_runs(number, django_assert_num_queries):
    make_runs(number)
    with django_assert_num_queries(1):
        points = quality.trend("measurement", Key("value_type", ""))
        assert {point.run.kind for point in points} == {"load"}
    assert len(points) == min(number, quality.TREND)
    with django_assert_num_queries(1):
        small = quality.trends("measurement")
        assert {point.run.kind for points in small.values() for point in points} == {"load"}
    assert {len(points) for points in small.values()} == {min(number, quality.SMALL_TREND)}
