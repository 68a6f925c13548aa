"""Rows that must not come in: what is said about each, and that nothing is loaded."""

import pytest
from django.db import connection

from omop.actions import import_files
from omop.imports.report import LISTED
from omop.models import Concept, Death, Measurement, Person, VisitOccurrence

pytestmark = pytest.mark.django_db


def load(*paths):
    return import_files(paths=paths, by=None).report


def messages(report):
    return [str(error) for error in report.errors]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value_as_number": "NaN"}, "value_as_number = 'NaN': is not a finite decimal number"),
        ({"value_as_number": "Infinity"}, "value_as_number = 'Infinity': is not a finite decimal number"),
        ({"measurement_date": "today"}, "measurement_date = 'today': is not a date as YYYY-MM-DD"),
        ({"measurement_date": "infinity"}, "measurement_date = 'infinity': is not a date as YYYY-MM-DD"),
        (
            {"measurement_date": "2020-01-31 23:59:59"},
            "measurement_date = '2020-01-31 23:59:59': has a time, which this column would lose; it takes YYYY-MM-DD",
        ),
        ({"measurement_concept_id": "12.7"}, "measurement_concept_id = '12.7': is not a whole number"),
        ({"measurement_concept_id": "1e3"}, "measurement_concept_id = '1e3': is not a whole number"),
        ({"measurement_id": str(2**63)}, "measurement_id = '9223372036854775808': is beyond 64 bits"),
        ({"person_id": ""}, "person_id = '': is empty, but this column is required"),
        ({"unit_source_value": "x" * 51}, f"unit_source_value = '{'x' * 51}': has 51 characters; at most 50 fit"),
        (
            {"measurement_datetime": "2020-01-31T08:00:00Z"},
            "measurement_datetime = '2020-01-31T08:00:00Z': has a time zone; OMOP times are local and have none",
        ),
    ],
)
def test_cells_that_do_not_fit_name_file_line_column_value_and_reason(write_table, change, message):
    report = load(write_table("person"), write_table("measurement", {"measurement_id": 99}, change))
    assert messages(report) == [f"measurement.csv, line 3, {message}"]
    assert report.status == "refused"
    counts = report.tables["measurement"]
    assert (counts.read, counts.new, counts.loaded, counts.rejected) == (2, 1, 0, 1)
    assert Person.objects.count() == 0


@pytest.mark.sqlite
def test_a_number_sqlite_cannot_hold_is_an_error_there(write_table):
    report = load(write_table("person"), write_table("measurement", {"value_as_number": "1.234567890123456"}))
    assert "more than 15 significant digits" in messages(report)[0]


@pytest.mark.postgresql
def test_postgresql_holds_any_number_of_digits(write_table):
    load(write_table("person"), write_table("measurement", {"value_as_number": "1.23456789012345678901234567890"}))
    assert str(Measurement.objects.get().value_as_number) == "1.23456789012345678901234567890"


@pytest.mark.parametrize("key", [-(2**63), -1, 0, 2**31, 2**63 - 1])
def test_negative_and_64_bit_ids_load(write_table, key):
    assert load(write_table("person", {"person_id": key})).status == "loaded"
    assert Person.objects.get().pk == key


def test_a_row_that_refers_to_nobody_is_an_error(write_table):
    report = load(write_table("person"), write_table("measurement", {"measurement_id": 5, "person_id": 404}, {}))
    assert messages(report) == ["measurement.csv, line 2, person_id = '404': no row of person has this person_id"]
    assert report.tables["measurement"].rejected == 1


def test_all_rows_that_refer_to_nobody_are_counted_and_a_thousand_listed(write_table):
    rows = [{"measurement_id": number, "person_id": 404} for number in range(LISTED + 200)]
    report = load(write_table("person"), write_table("measurement", *rows))
    assert report.error_count == LISTED + 200
    assert len(report.errors) == LISTED
    assert report.tables["measurement"].rejected == LISTED + 200
    assert report.errors[0].line == 2


def test_all_bad_cells_are_counted_and_a_thousand_listed(write_table):
    rows = [{"measurement_id": number, "measurement_date": "x"} for number in range(6_000)]
    report = load(write_table("person"), write_table("measurement", *rows))
    assert report.error_count == 6_000
    assert len(report.errors) == LISTED
    assert report.tables["measurement"].rejected == 6_000


def test_a_bad_row_is_not_reported_again_by_those_that_refer_to_it(write_table):
    report = load(write_table("person", {"year_of_birth": "old"}), write_table("measurement"))
    assert messages(report) == ["person.csv, line 2, year_of_birth = 'old': is not a whole number"]


def test_errors_of_several_files_are_all_reported(write_table):
    report = load(
        write_table("person"),
        write_table("measurement", {"measurement_date": "x"}),
        write_table("visit_occurrence", {"person_id": 3}),
    )
    assert report.error_count == 2
    assert {error.file for error in report.errors} == {"measurement.csv", "visit_occurrence.csv"}


def test_a_visit_may_refer_to_a_later_line_of_its_own_file(write_table):
    rows = [{"visit_occurrence_id": 1, "preceding_visit_occurrence_id": 2}, {"visit_occurrence_id": 2}]
    assert load(write_table("person"), write_table("visit_occurrence", *rows)).status == "loaded"
    assert VisitOccurrence.objects.count() == 2


def test_a_visit_that_follows_none_is_an_error(write_table):
    path = write_table("visit_occurrence", {"preceding_visit_occurrence_id": 404})
    assert messages(load(write_table("person"), path)) == [
        "visit_occurrence.csv, line 2, preceding_visit_occurrence_id = '404':"
        " no row of visit_occurrence has this visit_occurrence_id"
    ]


def test_zero_is_an_id_like_any_other_where_it_names_no_concept(write_table):
    report = load(write_table("person", {"provider_id": 0}))
    assert messages(report) == ["person.csv, line 2, provider_id = '0': no row of provider has this provider_id"]


def test_a_key_twice_in_the_files_names_both_lines(write_table):
    first = write_table("person", {"person_id": 1}, {"person_id": 2})
    second = write_table("person", {"person_id": 2}, {"person_id": 3}, {"person_id": 3}, name="PERSON.tsv")
    report = load(first, second)
    assert messages(report) == [
        "PERSON.tsv, line 2, person_id = '2': the same key is in person.csv, line 3",
        "PERSON.tsv, line 4, person_id = '3': the same key is in PERSON.tsv, line 3",
    ]
    assert report.error_count == 2
    assert report.tables["person"].rejected == 2


def test_the_same_key_with_other_content_is_an_error_never_an_overwrite(write_table):
    load(write_table("person"))
    report = load(write_table("person", {"year_of_birth": 1981, "month_of_birth": 2}, {"person_id": 2}))
    assert messages(report) == [
        "person.csv, line 2, person_id = '1': is already there with different content in year_of_birth, month_of_birth"
    ]
    counts = report.tables["person"]
    assert (counts.new, counts.unchanged, counts.rejected) == (1, 0, 1)
    assert Person.objects.get().year_of_birth == 1980


def test_numbers_that_are_equal_are_unchanged_however_they_are_written(write_table):
    load(write_table("person"), write_table("measurement", {"value_as_number": "1.50"}))
    assert load(write_table("measurement", {"value_as_number": "1.5"})).tables["measurement"].unchanged == 1


def test_unknown_concepts_warn_and_load(write_table):
    report = load(write_table("person", {"person_id": 1}, {"person_id": 2}))
    assert report.status == "loaded"
    # 0 says that there is no concept, which is no unknown one.
    assert [
        str(finding) for warning in report.warnings if warning.code == "concept_exists" for finding in warning.first
    ] == ["gender_concept_id = '8507': not in concept (2 rows)"]


def test_concepts_of_the_same_run_are_known(write_table):
    report = load(write_table("person"), write_table("concept"))
    assert "person.gender_concept_id" not in {f"{warning.table}.{warning.column}" for warning in report.warnings}
    assert Concept.objects.count() == 1


def test_a_row_in_the_visit_of_another_person_is_an_error(write_table):
    persons = write_table("person", {"person_id": 1}, {"person_id": 2})
    visits = write_table("visit_occurrence", {"visit_occurrence_id": 10}, {"visit_occurrence_id": 11, "person_id": 2})
    rows = [{"measurement_id": n, "visit_occurrence_id": visit} for n, visit in enumerate([10, 11, 11])]
    report = load(persons, visits, write_table("measurement", *rows))
    assert report.status == "refused"
    assert messages(report) == [
        f"measurement.csv, line {line}, visit_occurrence_id = '11': the visit is another person's" for line in (3, 4)
    ]


def test_a_person_may_have_several_deaths_with_a_warning(write_table):
    load(write_table("person"))
    path = write_table("death", {}, {"cause_source_value": "I25"})
    report = load(path)
    assert report.status == "loaded"
    (warning,) = (warning for warning in report.warnings if warning.code == "death_single")
    assert [str(finding) for finding in warning.first] == [
        "person_id = '1': the person has more than one death (2 rows)"
    ]
    assert load(path).tables["death"].unchanged == 2
    assert Death.objects.count() == 2


def test_the_same_death_twice_in_a_file_is_an_error(write_table):
    report = load(write_table("person"), write_table("death", {"cause_source_value": ""}, {"cause_source_value": ""}))
    assert report.error_count == 1
    assert "the same key is in death.csv, line 2" in messages(report)[0]


def test_nothing_of_the_staging_is_left_behind(write_table):
    load(write_table("person"))
    sql = (
        "SELECT count(*) FROM pg_class WHERE relname ~ '^omop_(import|gate)_'"
        if connection.vendor == "postgresql"
        else "SELECT count(*) FROM sqlite_temp_master"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        assert cursor.fetchone()[0] == 0


def test_the_number_of_statements_does_not_grow_with_the_rows(write_table, django_assert_max_num_queries):
    rows = [{"person_id": number} for number in range(4_000)]
    with django_assert_max_num_queries(100):
        assert load(write_table("person", *rows)).tables["person"].loaded == 4_000
