"""The history of imports in the admin."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from omop import run_panels
from omop.models import TableLoad
from omop.run_panels import Cell, RunPanel
from omop.tests.quality.factories import found, make_file, make_run, make_runs

pytestmark = pytest.mark.django_db
LIST = "admin:omop_importrun_changelist"


def run_page(run):
    return reverse("admin:omop_importrun_change", args=[run.pk])


def text_of(response):
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def listed(response):
    return [run for run, *_ in response.context["rows"]]


def test_who_may_open_it(client, staff, signed_in, stranger):
    run = make_run()
    for address in (reverse(LIST), run_page(run)):
        assert client.get(address).status_code == 302
        assert signed_in(stranger).get(address).status_code == 403
        assert staff.get(address).status_code == 200


def test_nobody_adds_changes_or_removes_a_run(signed_in, administrator):
    run = make_run()
    browser = signed_in(administrator)
    assert browser.get(reverse("admin:omop_importrun_add")).status_code == 403
    assert browser.get(reverse("admin:omop_importrun_delete", args=[run.pk])).status_code == 403
    assert browser.post(reverse("admin:omop_importrun_delete", args=[run.pk]), {"post": "yes"}).status_code == 403
    browser.post(run_page(run), {"status": "failed"})
    run.refresh_from_db()
    assert run.status == "loaded"


def test_the_list_says_who_when_what_and_what_changed(staff, data_staff):
    run = make_run(created_by=data_staff, rows=50_000, error_count=1234, warning_count=7)
    for name in ("a.csv", "b.csv", "c.csv", "d.csv"):
        make_file(run, name=name)
    TableLoad.objects.create(run=run, table="person", read=5, new=1200, changed=3)
    text = text_of(staff.get(reverse(LIST)))
    for words in ("2026-01-01 08:00", "data@example.org", "a.csv, b.csv, c.csv", "and 1 more", "5,000", "1,234"):
        assert words in text
    assert "1,200 new, 3 changed" in text


def test_warnings_are_checks_and_the_rows_stand_beside_them(staff):
    """As on the other pages: what warns is a check, and not each of the rows that it counts."""
    run, quiet = make_run(1, warning_count=1300), make_run(2)
    found(run, code="concept_mapped", column="a_concept_id", checked=2000, count=1200, threshold=5.0)
    found(run, code="concept_mapped", column="b_concept_id", checked=2000, count=95, threshold=1.0)
    found(run, code="plausible_value", checked=2000, count=5, threshold=1.0)
    found(run, code="value_type", count=3)
    found(quiet)
    warned = {each[0]: each[3] for each in staff.get(reverse(LIST)).context["rows"]}
    assert (warned[run].checks, warned[run].rows) == (2, 1295)
    assert (warned[quiet].checks, warned[quiet].rows) == (0, 0)
    text = text_of(staff.get(reverse(LIST)))
    assert '<span>2<br><span class="quiet">1,295 rows</span></span>' in text
    assert "<dt>Warnings</dt><dd>2 (1,295 rows)</dd>" in text_of(staff.get(run_page(run)))
    assert "<dt>Warnings</dt><dd>0</dd>" in text_of(staff.get(run_page(quiet)))


def test_what_is_counted_in_other_things_than_were_asked_stands_alone(staff):
    run = make_run(status="refused")
    found(run, code="columns_required", checked=1, count=3)
    text = text_of(staff.get(run_page(run)))
    assert "3 of 1" not in text
    assert '<td class="number" data-label="Wrong rows">3</td>' in text


def test_nothing_yet_and_nothing_found(staff):
    assert "Nothing has been imported or checked yet" in text_of(staff.get(reverse(LIST)))
    make_run()
    assert "No run fits this search" in text_of(staff.get(reverse(LIST), {"q": "unknown"}))


def test_filters_and_search(staff, data_staff):
    load = make_run(1, created_by=data_staff)
    refused = make_run(2, kind="check", status="refused")
    database = make_run(3, kind="database", status="checked")
    make_file(load, name="spring.csv", sha256="cafe0123" * 8)
    TableLoad.objects.create(run=refused, table="person")

    def found_by(**search):
        return listed(staff.get(reverse(LIST), search))

    assert found_by() == [database, refused, load]
    assert found_by(status="refused") == [refused]
    assert found_by(kind="database") == [database]
    assert found_by(table="person") == [refused]
    assert found_by(who=data_staff.pk) == [load]
    assert found_by(who="system") == [database, refused]
    assert found_by(since="2026-01-03") == [database, refused]
    assert found_by(until="2026-01-02") == [load]
    assert found_by(q="SPRING") == [load]
    assert found_by(q="cafe0123") == [load]
    assert found_by(status="refused", kind="load") == []


@pytest.mark.parametrize("search", [{"status": "nonsense"}, {"since": "31/12/2026"}, {"who": "7777"}, {"table": "x"}])
def test_a_search_that_is_not_understood_says_so_and_shows_nothing(staff, search):
    make_run()
    page = staff.get(reverse(LIST), search)
    assert listed(page) == []
    assert "errorlist" in text_of(page)


def test_pages_keep_the_search(staff):
    make_runs(60, tables=("person",))
    page = staff.get(reverse(LIST), {"table": "person", "p": "2"})
    assert len(listed(page)) == 10
    assert '?table=person&amp;p=1"' in text_of(page)
    assert len(listed(staff.get(reverse(LIST), {"p": "nonsense"}))) == 50


@pytest.mark.parametrize("number", [1, 200])
def test_statements_however_many_runs(number, staff, django_assert_max_num_queries):
    runs = make_runs(number)
    with django_assert_max_num_queries(10):
        assert staff.get(reverse(LIST)).status_code == 200
    with django_assert_max_num_queries(10):
        assert staff.get(reverse(LIST), {"table": "person", "q": "abababab"}).status_code == 200
    with django_assert_max_num_queries(14):
        assert staff.get(run_page(runs[-1])).status_code == 200


def test_a_run_shows_files_counts_checks_and_earlier_runs(staff, data_staff):
    earlier = make_run(1)
    make_file(earlier, name="old_name.csv")
    run = make_run(2, created_by=data_staff, checksum="c0" * 32, mode="insert", rows=9, status="refused")
    make_file(
        run,
        name="MEASUREMENT.csv",
        recognised={"separator": "tab"},
        renamed={"visit_id": "visit_occurrence_id"},
        ignored=["x_extra"],
        missing=["unit_concept_id"],
    )
    TableLoad.objects.create(run=run, table="measurement", read=9, rejected=2)
    found(run, count=2, column="unit_concept_id")
    found(run, code="value_length")
    found(run, code="plausible_value", checked=0)
    text = text_of(staff.get(run_page(run)))
    for words in ("separator: tab", "visit_id read as visit_occurrence_id", "x_extra", "c0" * 32, "ab" * 32):
        assert words in text
    assert "Asked in all: 3; passed 1, not applicable 1." in text
    assert "old_name.csv" in text
    assert run_page(earlier) in text
    assert "Is each value of its column" in text
    assert "Does each text fit" not in text, "what passed is counted, not listed"


def test_a_failed_run_says_why(staff):
    assert "The disk is full." in text_of(staff.get(run_page(make_run(status="failed", error="The disk is full."))))


@pytest.mark.parametrize("key", ["nonsense", str(uuid.UUID(int=1))])
def test_a_run_that_is_not_there(staff, key):
    assert staff.get(reverse("admin:omop_importrun_change", args=[key])).status_code == 404


def test_other_apps_have_their_say(staff, data_staff, monkeypatch):
    asked = []

    def panel(run, user):
        asked.append((run, user))
        cells = [Cell("case 7", "/admin/case/7/"), Cell("<3>")]
        return RunPanel("Cases concerned", "Snapshots stay as they are.", ("Case", "Rows"), [cells], more=41)

    monkeypatch.setattr(run_panels, "_panels", {})
    run_panels.register("cases", panel)
    run_panels.register("silent", lambda run, user: None)
    run = make_run()
    text = text_of(staff.get(run_page(run)))
    assert asked == [(run, data_staff)]
    assert "Cases concerned" in text
    assert '<a href="/admin/case/7/">case 7</a>' in text
    assert "&lt;3&gt;" in text
    assert "And 41 more." in text
