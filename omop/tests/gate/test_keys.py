"""The same key twice in a run, or there already: both places are named, and nothing is overwritten."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from omop.imports.backends import REJECTED
from omop.imports.gate.catalogue import Outcome
from omop.imports.options import Duplicates, ImportOptions, Mode
from omop.tests.gate.conftest import failed, told

pytestmark = pytest.mark.django_db
FIRST = ImportOptions(duplicates=Duplicates.FIRST)
IDENTICAL = ImportOptions(duplicates=Duplicates.IDENTICAL)


def test_a_key_twice_names_both_places_and_rejects_the_later_row(staged):
    staged.put("care_site", {"care_site_id": 1}, {"care_site_id": 2}, {"care_site_id": 1})
    staged.put("care_site", {"care_site_id": 2}, file=1)
    report = staged.gate()
    result = report.checks["primary_key_unique", "care_site", "care_site_id"]
    assert [str(finding) for finding in result.first] == [
        "rows.csv, line 4, care_site_id = '1': the same key is in rows.csv, line 2",
        "more.csv, line 5, care_site_id = '2': the same key is in rows.csv, line 3",
    ]
    assert (result.checked, result.count, result.outcome) == (4, 2, Outcome.FAILED)
    assert staged.marks("care_site") == [0, 0, 1, 1]
    assert (report.tables["care_site"].rejected, report.tables["care_site"].duplicates) == (2, 0)
    assert report.refused


def test_the_third_row_of_a_key_names_the_first(staged):
    staged.put("care_site", *[{"care_site_id": 1}] * 3)
    result = staged.gate().checks["primary_key_unique", "care_site", "care_site_id"]
    assert [(finding.line, finding.reason[-6:]) for finding in result.first] == [(3, "line 2"), (4, "line 2")]


def test_only_the_first_is_kept_where_that_was_chosen(staged):
    staged.put("care_site", {"care_site_id": 1}, {"care_site_id": 1, "care_site_name": "another"}, {"care_site_id": 3})
    rejects = []
    report = staged.gate(FIRST, on_reject=lambda code, finding: rejects.append((code, finding.line)))
    assert not report.refused
    assert staged.marks("care_site") == [0, 2, 0]
    assert (report.tables["care_site"].rejected, report.tables["care_site"].duplicates) == (0, 1)
    left_out = report.checks["duplicate_left_out", "care_site", "care_site_id"]
    assert [str(finding) for finding in left_out.first] == [
        "rows.csv, line 3, care_site_id = '1': the same key is in rows.csv, line 2; left out"
    ]
    assert (left_out.checked, left_out.count, left_out.outcome) == (3, 1, Outcome.PASSED)
    assert left_out in report.warnings
    assert report.checks["primary_key_unique", "care_site", "care_site_id"].outcome is Outcome.PASSED
    assert rejects == [("duplicate_left_out", 3)]


def test_rows_that_are_the_same_are_left_out_and_others_rejected(staged):
    staged.put(
        "care_site",
        {"care_site_id": 1, "care_site_name": "a"},
        {"care_site_id": 1, "care_site_name": "a"},
        {"care_site_id": 1, "care_site_name": None},
        {"care_site_id": 2},
        {"care_site_id": 2},
    )
    report = staged.gate(IDENTICAL)
    assert staged.marks("care_site") == [0, 2, 1, 0, 2]
    assert [str(finding) for finding in report.errors] == [
        "rows.csv, line 4, care_site_id = '1': the same key is in rows.csv, line 2, with other content"
    ]
    assert report.checks["duplicate_left_out", "care_site", "care_site_id"].count == 2
    assert report.refused


@pytest.mark.parametrize("options", [FIRST, IDENTICAL])
def test_of_rows_of_a_key_the_first_that_could_be_read_is_kept(staged, options):
    same, bad = {"care_site_id": 1, "care_site_name": "a"}, {"care_site_id": 1, REJECTED: 1}
    staged.put("care_site", bad, same, same, bad, {"care_site_id": 2})
    report = staged.gate(options)
    assert staged.marks("care_site") == [1, 0, 2, 1, 0]
    counts = report.tables["care_site"]
    assert (counts.rejected, counts.duplicates) == (2, 1)
    (left_out,) = report.checks["duplicate_left_out", "care_site", "care_site_id"].first
    assert (left_out.line, left_out.reason) == (4, "the same key is in rows.csv, line 3; left out")
    assert not report.errors


def test_where_duplicates_are_refused_the_first_is_the_first(staged):
    staged.put("care_site", {"care_site_id": 1, REJECTED: 1}, {"care_site_id": 1})
    assert told(staged.gate().errors) == [(3, "care_site_id", "1")]
    assert staged.marks("care_site") == [1, 1]


def test_a_row_that_is_left_out_is_asked_nothing_else(staged):
    staged.put("person", {"person_id": 1}, {"person_id": 1, "location_id": 404, "month_of_birth": 13})
    assert failed(staged.gate(FIRST)) == {("duplicate_left_out", "person", "person_id")}


@pytest.mark.parametrize("table", ["fact_relationship", "death"])
def test_a_row_of_a_table_without_key_twice_is_found_by_its_natural_key(staged, table):
    staged.put("person")
    staged.put(table, {}, {})
    report = staged.gate()
    result = report.checks["natural_key_unique", table, None]
    assert (result.checked, result.count) == (2, 1)
    assert result.first[0].line == 3
    assert result.first[0].reason == "the same key is in rows.csv, line 2"
    assert staged.marks(table) == [0, 1]


def test_deaths_that_differ_are_one_warning_a_person(staged, live):
    staged.put("person", {"person_id": 1}, {"person_id": 2}, {"person_id": 3})
    staged.put("death", {}, {"cause_source_value": "I25"}, {"person_id": 2}, {"person_id": 3})
    live("person", {"person_id": 9})
    live("death", {"person_id": 2, "cause_source_value": "C50"}, {"person_id": 3}, {"person_id": 9})
    report = staged.gate()
    result = report.checks["death_single", "death", "person_id"]
    assert (result.checked, result.count) == (3, 2)
    assert [str(finding) for finding in result.first] == [
        "person_id = '1': the person has more than one death (2 rows)",
        "person_id = '2': the person has more than one death (2 rows)",
    ]
    assert not report.refused


def test_keys_that_were_seen_rising_are_not_compared_again(staged):
    staged.put("care_site", {"care_site_id": 1}, {"care_site_id": 2})
    with CaptureQueriesContext(
        connection,
    ) as asked:
        report = staged.gate(increasing={"care_site"})
    assert not any("HAVING" in query["sql"] for query in asked)
    assert report.checks["primary_key_unique", "care_site", "care_site_id"].checked == 2


# --- there already


def test_of_many_columns_with_other_content_three_are_named(staged, live):
    live("person", {"person_id": 1})
    others = {"gender_concept_id": 1, "year_of_birth": 1981, "month_of_birth": 2, "day_of_birth": 3}
    staged.put("person", {"person_id": 1, **others, "race_concept_id": 4})
    (finding,) = staged.gate().checks["key_conflict", "person", "person_id"].first
    assert finding.reason == (
        "is already there with different content in gender_concept_id, year_of_birth, month_of_birth and 2 more"
    )


def test_a_known_key_with_other_content_is_an_error_that_names_the_columns(staged, live):
    live("person", {"person_id": 1}, {"person_id": 2})
    staged.put(
        "person", {"person_id": 1}, {"person_id": 2, "year_of_birth": 1981, "month_of_birth": 2}, {"person_id": 3}
    )
    report = staged.gate()
    result = report.checks["key_conflict", "person", "person_id"]
    assert [str(finding) for finding in result.first] == [
        "rows.csv, line 3, person_id = '2': is already there with different content in year_of_birth, month_of_birth"
    ]
    assert (result.checked, result.count) == (2, 1)
    assert staged.marks("person") == [0, 1, 0]


def test_new_keys_ask_nothing_of_what_is_there(staged, live):
    live("person", {"person_id": 1})
    staged.put("person", {"person_id": 2})
    assert staged.gate().checks["key_conflict", "person", "person_id"].outcome is Outcome.NOT_APPLICABLE


def test_an_update_has_no_conflicts(staged, live):
    live("person")
    staged.put("person", {"year_of_birth": 1981})
    report = staged.gate(ImportOptions(mode=Mode.UPSERT))
    assert failed(report) == set()


def test_an_update_never_gives_a_row_to_another_person(staged, live):
    live("person", {"person_id": 1}, {"person_id": 2})
    live("visit_occurrence", {"visit_occurrence_id": 10}, {"visit_occurrence_id": 20, "person_id": 2})
    staged.put(
        "visit_occurrence",
        {"visit_occurrence_id": 10, "person_id": 2},
        {"visit_occurrence_id": 20, "person_id": 2, "visit_end_date": "2020-03-11"},
    )
    report = staged.gate(ImportOptions(mode=Mode.UPSERT))
    assert [str(error) for error in report.errors] == [
        "rows.csv, line 2, visit_occurrence_id = '10': is already there with different content in person_id"
    ]


def test_a_replaced_person_conflicts_only_with_rows_of_others(staged, live):
    live("person", {"person_id": 1}, {"person_id": 2})
    live("visit_occurrence", {"visit_occurrence_id": 10}, {"visit_occurrence_id": 20, "person_id": 2})
    staged.put("person", {"person_id": 1, "year_of_birth": 1981})
    staged.put(
        "visit_occurrence", {"visit_occurrence_id": 10, "visit_end_date": "2020-03-13"}, {"visit_occurrence_id": 20}
    )
    report = staged.gate(ImportOptions(mode=Mode.REPLACE_PERSON))
    assert failed(report) == {("key_conflict", "visit_occurrence", "visit_occurrence_id")}
    assert told(report.errors) == [(3, "visit_occurrence_id", "20")]
    assert report.errors[0].reason == "is already there with different content in person_id"


def test_a_row_of_a_table_without_key_conflicts_by_its_natural_key(staged, live):
    live("concept_relationship")
    staged.put("concept_relationship", {}, {"relationship_id": "Is a"})
    report = staged.gate()
    assert report.checks["key_conflict", "concept_relationship", None].checked == 1
    assert failed(report) == set()


def test_other_content_at_a_natural_key_is_a_conflict(staged, live):
    live("concept_relationship")
    staged.put("concept_relationship", {"valid_end_date": "2001-01-01"})
    assert failed(staged.gate()) == {("key_conflict", "concept_relationship", None)}
