"""Which run counts as the last look at a table, and how its results are summed up."""

from __future__ import annotations

import pytest

from omop import quality
from omop.imports.gate.catalogue import Category
from omop.tests.quality.factories import found, make_run, make_runs

pytestmark = pytest.mark.django_db


def results(outcomes):
    return {(outcome.table, outcome.code, outcome.column): outcome.run for outcome in outcomes}


def test_the_newest_run_of_each_table_counts():
    old, new = make_run(1), make_run(2)
    found(old, table="person")
    found(old, table="measurement")
    found(new, table="measurement")
    assert results(quality.latest()) == {
        ("person", "value_type", ""): old,
        ("measurement", "value_type", ""): new,
    }


def test_a_check_that_the_newest_run_did_not_ask_is_no_longer_told():
    old, new = make_run(1), make_run(2)
    found(old, code="columns_known", count=1)
    found(old, code="value_type", column="unit_concept_id", count=3)
    found(new, code="value_type")
    assert results(quality.latest()) == {("measurement", "value_type", ""): new}


@pytest.mark.parametrize("kind", ["load", "check", "database"])
@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_run_that_was_not_seen_through_does_not_count(status, kind):
    seen = make_run(1)
    found(seen)
    found(make_run(2, status=status, kind=kind))
    for not_loaded in (False, True):
        assert results(quality.latest(not_loaded=not_loaded)) == {("measurement", "value_type", ""): seen}


@pytest.mark.parametrize(
    ("kind", "status"), [("check", "checked"), ("check", "refused"), ("load", "refused"), ("load", "checked")]
)
def test_what_was_not_loaded_counts_only_where_it_is_asked_for(kind, status):
    """A dry run of five rows says nothing of the thousands that are loaded."""
    loaded, newest = make_run(1), make_run(2, kind=kind, status=status)
    found(loaded, checked=6719)
    found(newest, checked=5, count=5)
    found(newest, table="person")
    assert results(quality.latest()) == {("measurement", "value_type", ""): loaded}
    assert results(quality.latest(not_loaded=True)) == {
        ("measurement", "value_type", ""): newest,
        ("person", "value_type", ""): newest,
    }


@pytest.mark.parametrize(("kind", "status"), [("load", "loaded"), ("database", "checked"), ("database", "refused")])
def test_what_is_in_the_tables_counts(kind, status):
    found(make_run(1))
    newest = make_run(2, kind=kind, status=status)
    found(newest)
    for not_loaded in (False, True):
        assert results(quality.latest(not_loaded=not_loaded)) == {("measurement", "value_type", ""): newest}


def test_runs_of_one_time_have_an_order():
    runs = [make_run(1) for _ in range(3)]
    for run in runs:
        found(run)
    newest = max(runs, key=lambda run: run.pk)
    assert results(quality.latest()) == {("measurement", "value_type", ""): newest}


def test_the_check_of_the_database_alone():
    check = make_run(1, kind="database", status="checked")
    found(check)
    found(make_run(2))
    found(make_run(2), table="person")
    assert results(quality.latest(kind="database")) == {("measurement", "value_type", ""): check}


def test_one_table_alone():
    run = make_run(1)
    found(run, table="person")
    found(run, table="measurement")
    assert results(quality.latest(tables=["person"])) == {("person", "value_type", ""): run}
    assert quality.latest(tables=["death"]) == []
    assert quality.latest(tables=[]) == []


def test_one_run_alone():
    run = make_run(1)
    found(run, table="person")
    found(run, table="unknown_file", code="table_known", count=1)
    found(make_run(2), table="person")
    assert results(quality.of_run(run)) == {
        ("person", "value_type", ""): run,
        ("unknown_file", "table_known", ""): run,
    }
    assert results(quality.of_run(run, "person")) == {("person", "value_type", ""): run}


def test_checks_come_in_the_order_of_the_catalogue():
    run = make_run(1)
    for code in ("plausible_value", "value_type", "no_longer_asked", "concept_mapped"):
        found(run, code=code)
    codes = [outcome.code for outcome in quality.latest()]
    assert codes == ["value_type", "concept_mapped", "plausible_value", "no_longer_asked"]


def test_verdicts_are_counted_by_table_and_category():
    run = make_run(1)
    found(run, code="value_type", count=1)
    found(run, code="columns_known", count=0)
    found(run, code="concept_mapped", column="a_concept_id", count=50, threshold=5.0)
    found(run, code="concept_mapped", column="b_concept_id", count=5, threshold=5.0)
    found(run, code="plausible_value", checked=0)
    found(run, code="no_longer_asked", count=1)
    found(run, code="value_type", table="person")
    found(run, code="table_known", table="zz_unknown", count=1)
    found(run, code="table_known", table="aa_unknown", count=1)
    tables = quality.summaries(quality.of_run(run))
    assert [summary.table for summary in tables] == ["person", "measurement", "aa_unknown", "zz_unknown"]
    measurement = tables[1]
    assert measurement.run == run
    assert dict(measurement.by_category) == {
        Category.CONFORMANCE: {"error": 1, "passed": 1},
        Category.COMPLETENESS: {"warning": 1, "passed": 1},
        Category.PLAUSIBILITY: {"not_applicable": 1},
    }
    assert measurement.total == {"error": 1, "warning": 2, "passed": 2, "not_applicable": 1}


@pytest.mark.parametrize("number", [1, 200])
def test_one_statement_however_many_runs(number, django_assert_num_queries):
    make_runs(number)
    with django_assert_num_queries(1):
        outcomes = quality.latest()
        assert len({outcome.run.kind for outcome in outcomes}) == 1
    for asked in ({"kind": "database"}, {"not_loaded": True}):
        with django_assert_num_queries(1):
            quality.latest(**asked)
    assert len(outcomes) == 6
