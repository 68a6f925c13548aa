"""Finding a run among others."""

from __future__ import annotations

from datetime import date

import pytest

from omop import history
from omop.history import Changes
from omop.models import ImportRun, TableLoad
from omop.tests.quality.factories import found, make_file, make_run, make_runs

pytestmark = pytest.mark.django_db


def test_the_newest_first_for_those_who_may_import(data_staff, stranger):
    runs = [make_run(day) for day in (2, 1, 3)]
    assert list(history.newest_first(data_staff)) == [runs[2], runs[0], runs[1]]
    assert not history.newest_first(stranger).exists()


def test_by_table_whether_it_was_loaded_or_checked():
    loaded, checked = make_run(1), make_run(2, kind="database", status="checked")
    TableLoad.objects.create(run=loaded, table="person", read=1)
    found(loaded, table="measurement")
    found(checked, table="person")
    every = ImportRun.objects.all()
    assert set(history.narrow(every, table="person")) == {loaded, checked}
    assert set(history.narrow(every, table="measurement")) == {loaded}
    assert set(history.narrow(every, table="death")) == set()


def test_by_person_and_by_day(data_staff):
    mine, other = make_run(1, created_by=data_staff), make_run(2)
    every = ImportRun.objects.all()
    assert set(history.narrow(every, who=str(data_staff.pk))) == {mine}
    assert set(history.narrow(every, who="system")) == {other}
    assert set(history.narrow(every, since=date(2026, 1, 3))) == {other}
    assert set(history.narrow(every, until=date(2026, 1, 2))) == {mine}
    assert set(history.narrow(every, since=date(2026, 1, 2), until=date(2026, 1, 3))) == {mine, other}


def test_by_name_of_a_file_and_by_checksum():
    one, other = make_run(1, checksum="12345678" * 8), make_run(2, checksum="99" * 32)
    make_file(one, name="Spring_PERSON.csv", sha256="abcdef01" * 8)
    make_file(other, name="decade.csv", sha256="bb" * 32)
    every = ImportRun.objects.all()
    assert set(history.search(every, "spring_person")) == {one}
    assert set(history.search(every, " ABCDEF01 ")) == {one}
    assert set(history.search(every, "abcdef01" * 8)) == {one}
    assert set(history.search(every, "12345678")) == {one}
    assert set(history.search(every, "abcdef02")) == set()
    assert set(history.search(every, "bbbbbbb")) == set(), "too short for a checksum"
    assert set(history.search(every, "decade")) == {other}
    assert set(history.search(every, "  ")) == {one, other}
    assert set(history.search(every, "%")) == set()


def test_a_run_that_loaded_nothing_changed_nothing():
    loaded, refused = make_run(1), make_run(2, status="refused")
    for run in (loaded, refused):
        TableLoad.objects.create(run=run, table="person", new=2, changed=1)
        TableLoad.objects.create(run=run, table="death", new=1, removed=4)
    assert history.changes_of([loaded, refused]) == {loaded.pk: Changes(3, 1, 4)}
    assert history.Changes(1)
    assert not history.NOTHING


def test_earlier_runs_of_the_same_bytes_under_any_name():
    first, second, third, later = (make_run(day) for day in range(4))
    make_file(first, name="a.csv", sha256="11" * 32)
    make_file(first, name="other.csv", sha256="22" * 32)
    make_file(second, name="unread.csv", sha256="")
    mine = [make_file(third, name="b.csv", sha256="11" * 32), make_file(third, name="c.csv", sha256="")]
    make_file(later, name="b.csv", sha256="11" * 32)
    assert history.runs_of_same_files(third, mine) == [(first, ["a.csv"])]
    assert history.runs_of_same_files(second, []) == []


@pytest.mark.parametrize("number", [1, 200])
def test_statements_however_many_runs(number, data_staff, django_assert_num_queries, django_assert_max_num_queries):
    runs = make_runs(number)
    with django_assert_num_queries(4):  # one of them asks what the person may
        page = list(history.newest_first(data_staff)[:50])
        assert len(history.files_of(page)) == len(history.changes_of(page)) == min(number, 50)
    with django_assert_max_num_queries(2):
        same = history.runs_of_same_files(runs[-1], [make_file(runs[-1], save=False)])
    assert len(same) == min(number - 1, history.SAME_FILES)
