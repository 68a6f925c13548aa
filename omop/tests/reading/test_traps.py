"""Traps that users of OMOP have reported, as far as reading is concerned: each by what the tables hold afterwards."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from omop.actions import ImportOptions, import_files
from omop.imports.options import DateOrder, LongText
from omop.models import Concept, Death, DrugStrength, Measurement, Observation, Person, VisitOccurrence

pytestmark = pytest.mark.django_db

PERSON = "person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id"
CONCEPT = (
    "concept_id,concept_name,domain_id,vocabulary_id,concept_class_id,standard_concept,concept_code,"
    "valid_start_date,valid_end_date,invalid_reason"
)


@pytest.fixture
def load(tmp_path):
    """Load one file given as text; the report."""

    def load_text(name, text, **options):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return import_files(paths=[path], by=None, options=ImportOptions(**options)).report

    return load_text


@pytest.fixture
def measured(load, write_table):
    """Load one measurement, with what a test changes; the report."""
    import_files(paths=[write_table("person")], by=None)

    def load_one(*, options=None, **cells):
        path = write_table("measurement", cells)
        return import_files(paths=[path], by=None, options=ImportOptions(**(options or {}))).report

    return load_one


def reasons(report):
    return [error.reason for error in report.errors]


# Vocabulary files of Athena


def test_athena_dates_without_dashes(load):
    row = "7\tx\tA\tB\tC\tS\tc\t19700101\t20991231\t"
    assert load("CONCEPT.csv", CONCEPT.replace(",", "\t") + f"\n{row}\n").status == "loaded"
    assert Concept.objects.get().valid_end_date == date(2099, 12, 31)


@pytest.mark.parametrize("name", ["NA", "N/A", "None", "null", "NULL", "\\N", "nan", "-"])
def test_a_concept_may_be_named_like_nothing(load, name):
    row = f"36311145,{name},A,None,C,,c,1970-01-01,2099-12-31,"
    assert load("concept.csv", f"{CONCEPT}\n{row}\n").status == "loaded"
    concept = Concept.objects.get()
    assert (concept.concept_name, concept.vocabulary_id) == (name, "None")


def test_na_is_nothing_only_where_said(load, write_table):
    import_files(paths=[write_table("person")], by=None)
    header = "observation_id,person_id,observation_concept_id,observation_date,observation_type_concept_id"
    text = f"{header},value_as_string,unit_source_value\n1,1,0,2020-01-01,0,NA,NA\n"
    load("observation.csv", text, null_tokens={"observation.unit_source_value": ("NA",)})
    observation = Observation.objects.get()
    assert (observation.value_as_string, observation.unit_source_value) == ("NA", None)


@pytest.mark.parametrize("nothing", ["", '""'])
def test_empty_and_quoted_empty_text_is_null(load, nothing):
    row = f"7,x,A,B,C,{nothing},c,1970-01-01,2099-12-31,{nothing}"
    load("concept.csv", f"{CONCEPT}\n{row}\n")
    concept = Concept.objects.get()
    assert (concept.standard_concept, concept.invalid_reason) == (None, None)


@pytest.mark.parametrize(
    ("choice", "status", "length"), [(LongText.REJECT, "refused", None), (LongText.TRUNCATE, "loaded", 255)]
)
def test_names_longer_than_their_column(load, choice, status, length):
    row = f"7,{'é' * 300},A,B,C,,c,1970-01-01,2099-12-31,"
    report = load("concept.csv", f"{CONCEPT}\n{row}\n", long_text=choice)
    assert report.status == status
    if length:
        assert len(Concept.objects.get().concept_name) == length
        assert report.check("value_truncated", "concept", "concept_name").count == 1
    else:
        assert reasons(report) == ["has 300 characters; at most 255 fit"]


def test_an_empty_line_at_the_end(load):
    row = "7,x,A,B,C,,c,1970-01-01,2099-12-31,"
    report = load("concept.csv", f"{CONCEPT}\n{row}\n\n")
    assert (report.status, report.tables["concept"].read) == ("loaded", 1)


def test_a_drug_strength_of_an_older_cdm_lacks_columns(load):
    header = "drug_concept_id,ingredient_concept_id,amount_value,valid_start_date,valid_end_date,invalid_reason"
    report = load("DRUG_STRENGTH.csv", f"{header}\n1,2,0.5,19700101,20991231,\n".replace(",", "\t"))
    assert report.status == "loaded"
    assert "box_size" in report.files[0].missing
    assert DrugStrength.objects.get().amount_value == Decimal("0.5")


# Clinical files


def test_zero_is_no_provider_only_where_said(load):
    header = f"{PERSON},provider_id,gender_source_concept_id"
    text = f"{header}\n1,2,1980,0,0,0,0\n"
    assert "reference_exists" in {code for code, _, _ in load("person.csv", text).checks}
    report = load("person.csv", text, zero_as_null=frozenset({"provider_id"}))
    assert report.status == "loaded"
    person = Person.objects.get()
    assert (person.provider_id, person.gender_source_concept_id, person.race_concept_id) == (None, 0, 0)


def test_zero_where_a_value_is_required_is_an_error_if_it_means_nothing(load):
    report = load("person.csv", f"{PERSON}\n1,0,1980,0,0\n", zero_as_null=frozenset({"gender_concept_id"}))
    assert reasons(report) == ["means none, as said, but this column is required"]


@pytest.mark.parametrize("key", [2**31, 2**63 - 1, -(2**63), -1])
def test_ids_of_64_bits_and_below_zero(load, key):
    assert load("person.csv", f"{PERSON}\n{key},2,1980,0,0\n").status == "loaded"
    assert Person.objects.get().pk == key


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (str(2**63), "is beyond 64 bits"),
        ("12345678901234567890123", "is beyond 64 bits"),
        ("a3f", "is not a whole number"),
        ("12.0", "is not a whole number"),
        ("12.7", "is not a whole number"),
        ("1e3", "is not a whole number"),
        (" 1", "is not a whole number"),
        ("1 ", "is not a whole number"),
        ("1,5", "is not a whole number"),
    ],
)
def test_ids_are_never_rounded_cut_or_trimmed(load, key, reason):
    report = load("person.csv", f'{PERSON}\n"{key}",2,1980,0,0\n')
    assert reasons(report) == [reason]
    assert report.errors[0].line == 2
    assert not Person.objects.exists()


def test_a_day_without_a_time_is_midnight_and_no_zone_moves_it(measured):
    measured(measurement_datetime="2020-07-01")
    assert Measurement.objects.get().measurement_datetime == datetime(2020, 7, 1)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20200131", date(2020, 1, 31)),
        ("2020-01-31 00:00:00", date(2020, 1, 31)),
        ("2020-01-31T00:00:00.000", date(2020, 1, 31)),
    ],
)
def test_days_with_a_midnight_or_a_fraction_of_it(measured, text, value):
    assert measured(measurement_date=text).status == "loaded"
    assert Measurement.objects.get().measurement_date == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2020-01-31 23:59:59", "has a time, which this column would lose; it takes YYYY-MM-DD"),
        ("today", "is not a date as YYYY-MM-DD"),
        ("infinity", "is not a date as YYYY-MM-DD"),
        ("-infinity", "is not a date as YYYY-MM-DD"),
        ("epoch", "is not a date as YYYY-MM-DD"),
        ("2020-02-30", "is a day that no calendar has"),
        ("2020-1-5", "is not a date as YYYY-MM-DD"),
        ("2020-01-31 ", "has blanks behind it"),
        ("01/02/2020", "is not a date as YYYY-MM-DD; DD/MM/YYYY is read only in an import that says so"),
        ("2020-01-31 00:00:00Z", "has a time zone; OMOP times are local and have none"),
    ],
)
def test_days_are_never_guessed(measured, text, reason):
    assert reasons(measured(measurement_date=text)) == [reason]
    assert not Measurement.objects.exists()


def test_days_first_when_said(measured):
    options = {"date_order": DateOrder.DAY_FIRST}
    report = measured(options=options, measurement_date="01/02/2020", measurement_datetime="01/02/2020 08:15:00")
    assert report.status == "loaded"
    row = Measurement.objects.get()
    assert (row.measurement_date, row.measurement_datetime) == (
        date(2020, 2, 1),
        datetime(2020, 2, 1, 8, 15),  # noqa: DTZ001
    )


def test_the_month_cannot_come_first(measured):
    report = measured(options={"date_order": DateOrder.DAY_FIRST}, measurement_date="01/31/2020")
    assert reasons(report) == ["is a day that no calendar has"]


@pytest.mark.parametrize("text", ["2020-01-31 08:00:00+01", "2020-01-31T08:00:00Z", "2020-01-31 08:00:00 UTC"])
def test_time_zones_are_refused_not_dropped(measured, text):
    assert reasons(measured(measurement_datetime=text)) == ["has a time zone; OMOP times are local and have none"]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-inf", "<5", "1,5", " 1"])
def test_numbers_are_finite_and_as_they_stand(measured, text):
    report = measured(value_as_number=f'"{text}"')
    assert reasons(report) == ["is not a finite decimal number"]


def test_blanks_beyond_the_length_of_a_column_are_not_cut_off(measured):
    assert reasons(measured(unit_source_value="mg" + " " * 60)) == ["has 62 characters; at most 50 fit"]


# Encoding and dialect


def test_values_never_go_by_the_place_of_their_column(load):
    load("person.csv", "year_of_birth,person_id,ethnicity_concept_id,race_concept_id,gender_concept_id\n1980,1,5,4,3\n")
    person = Person.objects.get()
    assert (person.pk, person.year_of_birth, person.gender_concept_id) == (1, 1980, 3)
    assert (person.race_concept_id, person.ethnicity_concept_id) == (4, 5)


@pytest.mark.parametrize("place", ["first", "last", "middle"])
def test_the_line_that_ends_copy_neither_ends_the_file_nor_is_loaded(load, place):
    rows = [f"{n},2,1980,0,0" for n in range(1, 4)]
    rows.insert({"first": 0, "middle": 1, "last": 3}[place], "\\.")
    report = load("person.csv", "\n".join([PERSON, *rows]) + "\n")
    assert (report.status, report.tables["person"].read, report.tables["person"].rejected) == ("refused", 4, 1)
    report = load("person.csv", "\n".join([PERSON, *rows]) + "\n", thresholds={"field_count": 50})
    assert (report.status, Person.objects.count()) == ("loaded", 3)


def test_a_quote_that_swallows_rows_is_never_one_rejected_row(load):
    rows = [f"{n},2,1980,0,0,x" for n in range(1, 100)]
    rows[50] = '51,2,1980,0,0,"x'
    tolerant = dict.fromkeys(("record_readable", "field_count", "value_type", "file_readable"), 100)
    report = load("person.csv", "\n".join([f"{PERSON},person_source_value", *rows]) + "\n", thresholds=tolerant)
    assert report.status == "refused"
    assert [(error.line, error.reason) for error in report.errors] == [
        (52, "a quotation mark opened in this record is never closed")
    ]


def test_cdm_5_3_columns_are_loaded_under_their_names_of_5_4(load, write_table):
    import_files(paths=[write_table("person")], by=None)
    header = (
        "visit_occurrence_id,person_id,visit_concept_id,visit_start_date,visit_end_date,visit_type_concept_id,"
        "ADMITTING_SOURCE_VALUE,DISCHARGE_TO_CONCEPT_ID"
    )
    report = load("visit_occurrence.csv", f"{header}\n1,1,0,2020-01-01,2020-01-02,0,home,7\n")
    assert report.files[0].renamed == {
        "admitting_source_value": "admitted_from_source_value",
        "discharge_to_concept_id": "discharged_to_concept_id",
    }
    visit = VisitOccurrence.objects.get()
    assert (visit.admitted_from_source_value, visit.discharged_to_concept_id) == ("home", 7)


def test_null_tokens_of_death(load, write_table):
    import_files(paths=[write_table("person")], by=None)
    text = "person_id,death_date,cause_concept_id,cause_source_value\n1,2020-01-01,0,.\n"
    tokens = {"cause_source_value": (".",)}
    load("death.csv", text, null_tokens=tokens, zero_as_null=frozenset({"death.cause_concept_id"}))
    death = Death.objects.get()
    assert (death.cause_concept_id, death.cause_source_value) == (None, None)
