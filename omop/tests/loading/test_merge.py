"""Mode upsert: what a file does not say is there before the checks, which see the row as it will be."""

import pytest

from omop.actions import import_files
from omop.imports.options import Duplicates, ImportOptions, Mode
from omop.models import Concept, DrugExposure, VisitOccurrence
from omop.tests.conftest import DEFAULTS

pytestmark = pytest.mark.django_db
START, END = "drug_exposure_start_datetime", "drug_exposure_end_datetime"
LATER = {"drug_exposure_start_date": "2020-01-04", "drug_exposure_end_date": "2020-01-05"}
DRUG = {
    "drug_exposure_id": 1,
    "person_id": 1,
    "drug_concept_id": 0,
    "drug_exposure_start_date": "2020-01-01",
    "drug_exposure_end_date": "2020-01-03",
    "drug_type_concept_id": 32817,
}


@pytest.fixture(autouse=True)
def _table(monkeypatch):
    monkeypatch.setitem(DEFAULTS, "drug_exposure", DRUG)


def upsert(*paths, **options):
    """The report of the load; a dry run before it counts and finds the same."""
    options = ImportOptions(mode=Mode.UPSERT, **options)
    checked = import_files(paths=paths, by=None, options=options, dry_run=True).report
    report = import_files(paths=paths, by=None, options=options).report
    assert {name: counts.changed for name, counts in report.tables.items()} == {
        name: counts.changed for name, counts in checked.tables.items()
    }
    assert found(report) == found(checked)
    return report


def found(report):
    return {key: (result.checked, result.count) for key, result in report.checks.items()}


def given(*paths):
    report = import_files(paths=paths, by=None).report
    assert report.status == "loaded", report.errors


def test_an_end_that_stays_is_compared_with_the_start_of_the_file(write_table):
    given(write_table("person"), write_table("drug_exposure", {END: "2020-01-03 10:00:00"}))
    report = upsert(write_table("drug_exposure", {**LATER, START: "2020-01-04 10:00:00"}))
    assert report.status == "refused"
    assert [str(error) for error in report.errors] == [
        f"drug_exposure.csv, line 2, {START} = '2020-01-04 10:00:00': is after {END}"
    ]
    assert report.checks["date_matches_datetime", "drug_exposure", END].count == 1
    assert DrugExposure.objects.get().drug_exposure_start_date.isoformat() == "2020-01-01"


def test_a_visit_that_stays_is_compared_with_the_dates_of_the_file(write_table):
    given(
        write_table("person"),
        write_table("visit_occurrence"),
        write_table("measurement", {"visit_occurrence_id": 10}, {"measurement_id": 101}),
    )
    rows = [{"measurement_date": "2021-01-31"}, {"measurement_id": 101}, {"measurement_id": 102}]
    report = upsert(write_table("measurement", *rows), thresholds={"within_visit": 100})
    within = report.checks["within_visit", "measurement", "measurement_date"]
    assert (within.checked, within.count) == (1, 1)
    assert within.first[0].line == 2
    assert report.tables["measurement"].changed == 1


def test_each_row_is_completed_by_what_its_own_file_lacks(write_table):
    both = {START: "2020-01-01 08:00:00", END: "2020-01-03 10:00:00"}
    given(write_table("person"), write_table("drug_exposure", both, {**both, "drug_exposure_id": 2}))
    lacks = write_table("drug_exposure", {**LATER, START: ""}, name="one.csv")
    says = write_table("drug_exposure", {"drug_exposure_id": 2, **LATER, END: ""}, name="two.csv")
    report = upsert(lacks, says, aliases={"one.csv": "drug_exposure", "two.csv": "drug_exposure"})
    assert report.status == "loaded"
    moments = DrugExposure.objects.order_by("pk").values_list(START, END)
    assert [[moment and str(moment) for moment in row] for row in moments] == [
        [None, "2020-01-03 10:00:00"],
        ["2020-01-01 08:00:00", None],
    ]
    assert report.checks["date_matches_datetime", "drug_exposure", END].count == 1
    assert report.checks["date_matches_datetime", "drug_exposure", START].count == 1


def test_rows_of_two_files_that_are_the_same_with_what_is_there_are_identical(write_table):
    given(write_table("person"), write_table("drug_exposure", {END: "2020-01-03 10:00:00"}))
    one = write_table("drug_exposure", name="one.csv")
    two = write_table("drug_exposure", {END: "2020-01-03 10:00:00"}, name="two.csv")
    aliases = {"one.csv": "drug_exposure", "two.csv": "drug_exposure"}
    report = upsert(one, two, aliases=aliases, duplicates=Duplicates.IDENTICAL)
    counts = report.tables["drug_exposure"]
    assert (report.status, counts.duplicates, counts.unchanged) == ("loaded", 1, 1)


def test_a_row_that_would_move_to_another_person_gets_nothing_of_that_one(write_table):
    given(
        write_table("person", {}, {"person_id": 2}),
        write_table("visit_occurrence"),
        write_table("measurement", {"visit_occurrence_id": 10}),
    )
    report = upsert(write_table("measurement", {"person_id": 2}))
    assert {error.column for error in report.errors} == {"measurement_id"}
    assert VisitOccurrence.objects.get().person_id == 1


def test_only_cpt4_may_come_without_a_name_that_is_there(write_table):
    given(write_table("concept", {}, {"concept_id": 2, "vocabulary_id": "CPT4"}))
    nameless = {"concept_name": "", "valid_end_date": "20200101"}
    report = upsert(write_table("concept", {**nameless, "concept_id": 2, "vocabulary_id": "CPT4"}))
    assert report.status == "loaded"
    assert report.checks["cpt4_named", "concept", "concept_name"].count == 0
    kept = Concept.objects.get(pk=2)
    assert (kept.concept_name, kept.valid_end_date.isoformat()) == ("MALE", "2020-01-01")
    report = upsert(write_table("concept", nameless))
    assert [str(error) for error in report.errors] == [
        "concept.csv, line 2, concept_name = '': is empty, but this column is required; only CPT4 comes without names"
    ]


def test_what_insert_compares_is_the_file_alone(write_table):
    given(write_table("person"), write_table("drug_exposure", {END: "2020-01-03 10:00:00"}))
    report = import_files(paths=[write_table("drug_exposure")], by=None).report
    assert report.checks["key_conflict", "drug_exposure", "drug_exposure_id"].count == 1
