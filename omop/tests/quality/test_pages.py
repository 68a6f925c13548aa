"""The pages on data quality: what they show, to whom, and what it costs."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from omop.tests.quality.factories import found, make_file, make_run, make_runs

pytestmark = pytest.mark.django_db
OVERVIEW = "admin:omop_checkoutcome_changelist"


def table_page(table="measurement"):
    return reverse("admin:omop_quality_table", args=[table])


def check_page(code="value_type", table="measurement"):
    return reverse("admin:omop_quality_check", args=[table, code])


def text_of(response):
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_who_may_open_them(client, staff, signed_in, stranger, administrator):
    run = make_run()
    found(run, table="measurement", count=1)
    for address in (reverse(OVERVIEW), table_page(), check_page()):
        assert client.get(address).status_code == 302
        assert signed_in(stranger).get(address).status_code == 403
        assert staff.get(address).status_code == 200
        assert signed_in(administrator).get(address).status_code == 200


def test_nothing_to_tell_yet(staff):
    assert "Nothing has been looked at yet" in text_of(staff.get(reverse(OVERVIEW)))
    assert "The database has not been checked yet" in text_of(staff.get(reverse(OVERVIEW), {"over": "database"}))
    assert "None." in text_of(staff.get(table_page()))


def test_the_overview_counts_by_table_and_category(staff):
    run = make_run()
    found(run, table="person", code="value_required", count=1)
    found(run, table="person", code="plausible_value", count=50, threshold=1.0)
    found(run, table="person", code="start_before_end", checked=0)
    found(run, table="person", code="value_type")
    page = staff.get(reverse(OVERVIEW))
    assert dict(page.context["total"]) == {"error": 1, "warning": 1, "passed": 1, "not_applicable": 1}
    text = text_of(page)
    assert "1 error<" in text
    assert "1 warning<" in text
    assert reverse("admin:omop_quality_table", args=["person"]) in text
    assert reverse("admin:omop_importrun_change", args=[run.pk]) in text


def test_one_run_and_the_database_can_be_chosen(staff):
    database = make_run(1, kind="database", status="checked")
    old, new = make_run(2), make_run(3)
    found(database, table="death")
    found(old, table="person", count=1)
    found(new, table="person")

    def tables(**over):
        return [(s.table, s.run) for s in staff.get(reverse(OVERVIEW), over).context["summaries"]]

    assert tables() == [("person", new), ("death", database)]
    assert tables(over="database") == [("death", database)]
    assert tables(over=str(old.pk)) == [("person", old)]
    assert f"?over={old.pk}" in text_of(staff.get(reverse(OVERVIEW), {"over": old.pk}))
    offered = [value for value, _ in staff.get(reverse(OVERVIEW)).context["choices"]]
    assert offered == ["", "not-loaded", "database", *(str(run.pk) for run in (new, old, database))]


def test_a_dry_run_does_not_stand_for_the_table(staff):
    load, dry = make_run(1), make_run(2, kind="check", status="checked", rows=5)
    found(load, checked=6719, count=3)
    found(dry, checked=5, count=5)
    page = staff.get(reverse(OVERVIEW))
    assert [summary.run for summary in page.context["summaries"]] == [load]
    assert "the rows that are in the tables" in text_of(page)
    chosen = staff.get(reverse(OVERVIEW), {"over": "not-loaded"})
    assert [summary.run for summary in chosen.context["summaries"]] == [dry]
    assert "Dry runs and refused imports count too" in text_of(chosen)
    assert f"{table_page()}?over=not-loaded" in text_of(chosen)
    assert "of the files, not of the tables" in text_of(staff.get(reverse(OVERVIEW), {"over": dry.pk}))
    assert "3 of 6,719 rows asked" in text_of(staff.get(check_page()))
    one = staff.get(check_page(), {"over": dry.pk})
    assert "5 of 5 rows asked" in text_of(one)
    assert [outcome.run for outcome in one.context["outcomes"]] == [load]


def test_a_check_that_only_a_dry_run_asked(staff):
    dry = make_run(kind="check", status="checked")
    found(dry, count=1)
    assert staff.get(check_page()).status_code == 404
    page = staff.get(check_page(), {"over": dry.pk})
    assert "No import that was loaded, and no check of the database, has asked this." in text_of(page)
    assert "Nothing has been looked at yet" in text_of(staff.get(reverse(OVERVIEW)))


def test_the_runs_that_may_be_chosen_are_told_apart(staff):
    run = make_run(rows=1200)
    for table in ("death", "person", "note"):
        make_file(run, table=table)
    one = make_run(1, kind="database", status="checked", rows=1)
    offered = dict(staff.get(reverse(OVERVIEW)).context["choices"])
    assert offered[str(run.pk)] == "2026-01-01 08:00 import, loaded: death.csv, note.csv and 1 more, 1,200 rows"
    assert offered[str(one.pk)] == "2026-01-02 08:00 check of the database, checked, 1 row"


@pytest.mark.parametrize("over", ["nonsense", str(uuid.UUID(int=1)), "0"])
def test_a_run_that_is_not_there(staff, over):
    for address in (reverse(OVERVIEW), table_page(), check_page()):
        assert staff.get(address, {"over": over}).status_code == 404


def test_files_of_no_known_table_are_told_of_but_lead_nowhere(staff):
    run = make_run(status="refused")
    found(run, table="a/b <c>", code="table_known", count=1)
    found(run, table="", code="file_readable", count=1)
    text = text_of(staff.get(reverse(OVERVIEW), {"over": run.pk}))
    assert "a/b &lt;c&gt;" in text
    assert "the files" in text
    assert staff.get(reverse("admin:omop_importrun_change", args=[run.pk])).status_code == 200


def test_a_table_shows_first_what_needs_attention(staff):
    run = make_run(2)
    found(make_run(1), column="unit_concept_id", count=3)
    found(run, column="unit_concept_id", count=1)
    found(run, column="value_as_number")
    found(run, code="concept_mapped", column="measurement_concept_id", count=90, threshold=5.0)
    found(run, code="within_visit", checked=0)
    groups = staff.get(table_page()).context["groups"]
    shown = {heading: [outcome.code for outcome, _, _ in rows] for heading, rows, _ in groups}
    assert shown == {
        "Needs attention": ["value_type", "concept_mapped"],
        "Passed": ["value_type"],
        "Not applicable": ["within_visit"],
    }
    trend = groups[0][1][0][1]
    assert trend.summary == "2 runs: from 1 % to 3 %, last 1 %."
    assert groups[1][1][0][1] is None, "one run is no trend"


def test_tables_and_checks_that_are_not_there(staff):
    found(make_run())
    assert staff.get(table_page("nonsense")).status_code == 404
    assert staff.get(check_page(table="nonsense")).status_code == 404
    assert staff.get(check_page(code="nonsense")).status_code == 404
    assert staff.get(check_page(), {"column": "nonsense"}).status_code == 404
    assert staff.get(reverse("admin:omop_quality_rows", args=["nonsense", "value_type"])).status_code == 404


def test_a_check_over_its_runs(staff):
    runs = [make_run(1), make_run(2), make_run(3, kind="database", status="checked"), make_run(4)]
    for run, count in zip(runs, (0, 7, 2, 0), strict=True):
        found(run, column="unit_concept_id", count=count, checked=0 if run is runs[3] else 100)
    page = staff.get(check_page(), {"column": "unit_concept_id"})
    assert [outcome.run for outcome in page.context["outcomes"]] == runs[::-1]
    trend = page.context["trend"]
    assert trend.summary == "4 runs: from 0 % to 7 %, last 2 %; not applicable in 1."
    assert [(dot.series, dot.failed) for dot in trend.plot.dots] == [
        ("files", False),
        ("files", True),
        ("database", True),
    ]
    text = text_of(page)
    assert f'aria-label="{trend.summary}"' in text
    assert "Is each value of its column" in text
    assert "rejects the row" in text
    lines = reverse("admin:omop_quality_lines", args=[runs[1].pk])
    assert f"{lines}?table=measurement&amp;code=value_type&amp;column=unit_concept_id" in text
    assert reverse("admin:omop_quality_lines", args=[runs[2].pk]) not in text, "a check of the database has no files"


def test_a_check_that_is_no_longer_asked_is_still_told(staff):
    found(make_run(), code="no_longer_asked", count=1)
    assert "no_longer_asked (no longer asked)" in text_of(staff.get(table_page()))
    assert staff.get(check_page("no_longer_asked")).status_code == 200
    assert staff.get(reverse(OVERVIEW)).status_code == 200


def test_a_check_that_the_chosen_run_did_not_ask(staff):
    found(make_run(1), code="value_length")
    found(make_run(2))
    page = staff.get(check_page("value_length"))
    assert page.context["now"] is None
    assert len(page.context["outcomes"]) == 1


def test_who_may_look_but_not_import_is_shown_no_run(only_looks):
    run = make_run()
    found(run, count=1)
    for address in (reverse(OVERVIEW), table_page(), check_page()):
        text = text_of(only_looks.get(address))
        assert str(run.pk) not in text
        assert "Check the database now" not in text
        assert only_looks.get(address, {"over": run.pk}).status_code == 404
    assert only_looks.get(reverse("admin:omop_importrun_changelist")).status_code == 403
    assert only_looks.post(reverse("admin:omop_quality_check_now")).status_code == 403
    lines = reverse("admin:omop_quality_lines", args=[run.pk])
    assert only_looks.get(lines, {"table": "measurement", "code": "value_type"}).status_code == 403


@pytest.mark.parametrize("number", [1, 200])
def test_statements_however_many_runs(number, staff, django_assert_max_num_queries):
    make_runs(number)
    for address in (reverse(OVERVIEW), table_page(), check_page()):
        with django_assert_max_num_queries(14):
            assert staff.get(address).status_code == 200


def test_the_pages_are_reached_from_the_first_page(staff):
    make_run()
    text = text_of(staff.get(reverse("admin:app_list", args=["omop"])))
    assert reverse(OVERVIEW) in text
    assert reverse("admin:omop_importrun_changelist") in text


def test_single_outcomes_have_no_page(staff):
    outcome = found(make_run())
    assert staff.get(f"{reverse(OVERVIEW)}{outcome.pk}/change/").status_code == 404
    assert staff.get(f"{reverse(OVERVIEW)}add/").status_code == 404
