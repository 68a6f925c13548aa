"""The faults, one a function. Those that refuse a whole file stand at the end, as they hide what else is in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from omop.imports.options import Duplicates, LongText
from omop.tests.faults.clean import DIED, SPARE_CONCEPT, Row, text_of
from omop.tests.faults.injector import Bench, Expected, Fault, Inject

FAULTS: list[Fault] = []


def fault(*, refuses: bool = False, **options: Any) -> Callable[[Inject], Inject]:
    def add(inject: Inject) -> Inject:
        FAULTS.append(Fault(inject.__name__, inject, options, refuses))
        return inject

    return add


def _cell(code: str, table: str, column: str, value: str) -> Inject:
    """One cell that cannot be read: its row is rejected, so no later check asks it."""

    def inject(bench: Bench) -> list[Expected]:
        row = bench.take(table).set(**{column: value})
        return [Expected(code, table, column, row)]

    return inject


for name, code, table, column, value in (
    ("word_for_a_number", "value_type", "measurement", "value_as_number", "high"),
    ("not_a_number", "value_type", "measurement", "value_as_number", "NaN"),
    ("infinity", "value_type", "observation", "value_as_number", "Infinity"),
    ("minus_infinity", "value_type", "drug_exposure", "quantity", "-inf"),
    ("comma_for_a_point", "value_type", "measurement", "value_as_number", "1,5"),
    ("fraction_of_a_whole_number", "value_type", "drug_exposure", "days_supply", "30.5"),
    ("fraction_of_zero", "value_type", "drug_exposure", "days_supply", "30.0"),
    ("exponent_in_a_whole_number", "value_type", "drug_exposure", "refills", "1e3"),
    ("blank_before_a_number", "value_type", "drug_exposure", "refills", " 1"),
    ("beyond_32_bits", "value_type", "drug_exposure", "days_supply", "2147483648"),
    ("id_beyond_64_bits", "value_type", "measurement", "measurement_id", "9223372036854775808"),
    ("text_for_an_id", "value_type", "observation", "observation_id", "obs-17"),
    ("today", "value_type", "condition_occurrence", "condition_end_date", "today"),
    ("infinite_date", "value_type", "condition_occurrence", "condition_end_date", "infinity"),
    ("day_that_no_calendar_has", "value_type", "drug_exposure", "drug_exposure_end_date", "2015-02-30"),
    ("day_first", "value_type", "procedure_occurrence", "procedure_date", "31/01/2015"),
    ("month_without_zero", "value_type", "condition_occurrence", "condition_start_date", "2015-3-01"),
    ("time_in_a_date", "value_type", "procedure_occurrence", "procedure_end_date", "2015-03-01 08:00:00"),
    ("time_zone", "value_type", "measurement", "measurement_datetime", "2015-03-01T08:00:00Z"),
    ("nul_byte", "value_type", "measurement", "unit_source_value", "k\0g"),
    ("text_too_long", "value_length", "measurement", "measurement_source_value", "x" * 51),
    ("long_text_of_two_bytes_a_letter", "value_length", "note", "note_title", "ä" * 251),
    ("empty_required_date", "value_required", "measurement", "measurement_date", ""),
    ("empty_required_concept", "value_required", "observation", "observation_concept_id", ""),
    ("empty_required_id", "value_required", "procedure_occurrence", "procedure_occurrence_id", ""),
    ("empty_person", "value_required", "note", "person_id", ""),
):
    inject_cell = _cell(code, table, column, value)
    inject_cell.__name__ = name
    fault()(inject_cell)


# --- lines


def _raw(bench: Bench, table: str, change: Callable[[bytes], bytes]) -> Row:
    row = bench.take(table)
    row.raw = change(text_of(row, bench.files.columns[table]))
    return row


@fault()
def short_row(bench: Bench) -> list[Expected]:
    return [Expected("field_count", "measurement", None, _raw(bench, "measurement", lambda t: t.rpartition(b",")[0]))]


@fault()
def long_row(bench: Bench) -> list[Expected]:
    return [Expected("field_count", "observation", None, _raw(bench, "observation", lambda t: t + b",surplus"))]


@fault()
def backslash_dot(bench: Bench) -> list[Expected]:
    """The end of the data, to COPY."""
    return [Expected("field_count", "measurement", None, _raw(bench, "measurement", lambda t: b"\\."))]


@fault()
def latin_1_byte(bench: Bench) -> list[Expected]:
    row = bench.take("measurement").set(unit_source_value="§")
    row.raw = text_of(row, bench.files.columns["measurement"]).decode().encode("latin-1")
    return [Expected("value_type", "measurement", "unit_source_value", row)]


@fault()
def quotation_mark_not_doubled(bench: Bench) -> list[Expected]:
    row = _raw(bench, "drug_exposure", lambda t: t.replace(b'"one, daily"', b'"one" daily'))
    return [Expected("record_readable", "drug_exposure", None, row)]


# --- keys


@fault()
def key_twice_the_same(bench: Bench) -> list[Expected]:
    row = bench.add(bench.take("measurement"))
    return [Expected("primary_key_unique", "measurement", "measurement_id", row)]


@fault()
def key_twice_with_other_content(bench: Bench) -> list[Expected]:
    row = bench.add(bench.take("condition_occurrence"), condition_end_date="2015-12-02")
    return [Expected("primary_key_unique", "condition_occurrence", "condition_occurrence_id", row)]


@fault()
def natural_key_twice(bench: Bench) -> list[Expected]:
    row = bench.add(bench.take("fact_relationship"))
    return [Expected("natural_key_unique", "fact_relationship", None, row)]


@fault()
def ancestor_twice_with_other_distance(bench: Bench) -> list[Expected]:
    row = bench.add(bench.take("concept_ancestor"), max_levels_of_separation=9)
    return [Expected("natural_key_unique", "concept_ancestor", None, row)]


@fault()
def two_deaths(bench: Bench) -> list[Expected]:
    first = bench.take("death")
    bench.add(first, cause_concept_id=201826, cause_source_value="E11")
    return [Expected("death_single", "death", "person_id")]


# --- references


@fault()
def unknown_person(bench: Bench) -> list[Expected]:
    row = bench.alone("measurement").set(person_id=999_999)
    return [Expected("person_exists", "measurement", "person_id", row)]


@fault()
def visit_in_place_of_the_person(bench: Bench) -> list[Expected]:
    """A visit's id in person_id: no such person. Of the visit, nobody can be asked."""
    row = bench.alone("observation").set(person_id=99_111)
    return [Expected("person_exists", "observation", "person_id", row)]


def _reference(table: str, column: str) -> Inject:
    def inject(bench: Bench) -> list[Expected]:
        row = bench.alone(table) if "visit_detail_id" in bench.files.columns[table] else _spare_visit(bench)
        row.set(**{column: 777_777})
        return [Expected("reference_exists", table, column, row)]

    return inject


def _spare_visit(bench: Bench) -> Row:
    """A third visit, to which nothing refers."""
    return bench.take("visit_occurrence", lambda row: row["visit_occurrence_id"].endswith("3"))


for table, column in (
    ("measurement", "visit_occurrence_id"),
    ("condition_occurrence", "visit_detail_id"),
    ("drug_exposure", "provider_id"),
    ("visit_occurrence", "care_site_id"),
    ("visit_occurrence", "provider_id"),
):
    inject_reference = _reference(table, column)
    inject_reference.__name__ = f"unknown_{column.removesuffix('_id')}_of_{table}"
    fault()(inject_reference)


@fault()
def zero_for_no_provider(bench: Bench) -> list[Expected]:
    row = bench.take("procedure_occurrence").set(provider_id=0)
    return [Expected("reference_exists", "procedure_occurrence", "provider_id", row)]


@fault()
def visit_of_another_person(bench: Bench) -> list[Expected]:
    row = bench.alone("measurement")
    other = next(v for v in bench.files.tables["visit_occurrence"] if v["person_id"] != row["person_id"])
    # On that visit's day, or the event would be outside it as well.
    row.set(visit_occurrence_id=other["visit_occurrence_id"], measurement_datetime="")
    row.set(measurement_date=other["visit_start_date"])
    return [Expected("visit_same_person", "measurement", "visit_occurrence_id", row)]


@fault()
def visit_detail_of_another_person(bench: Bench) -> list[Expected]:
    row = bench.alone("drug_exposure")
    other = next(d for d in bench.files.tables["visit_detail"] if d["person_id"] != row["person_id"])
    row.set(visit_detail_id=other["visit_detail_id"])
    return [Expected("visit_same_person", "drug_exposure", "visit_detail_id", row)]


@fault()
def preceding_visit_of_another_person(bench: Bench) -> list[Expected]:
    row = _spare_visit(bench)
    other = next(v for v in bench.files.tables["visit_occurrence"] if v["person_id"] != row["person_id"])
    row.set(preceding_visit_occurrence_id=other["visit_occurrence_id"])
    return [Expected("visit_same_person", "visit_occurrence", "preceding_visit_occurrence_id", row)]


def _detail_of_another(column: str) -> Inject:
    def inject(bench: Bench) -> list[Expected]:
        row = bench.take("visit_detail")
        row = bench.add(row, visit_detail_id=8000 + int(row["visit_detail_id"]))  # to which no event refers
        other = next(d for d in bench.files.tables["visit_detail"] if d["person_id"] != row["person_id"])
        row.set(**{column: other["visit_detail_id"]})
        return [Expected("visit_same_person", "visit_detail", column, row)]

    return inject


for column in ("preceding_visit_detail_id", "parent_visit_detail_id"):
    inject_detail = _detail_of_another(column)
    inject_detail.__name__ = f"{column.removesuffix('_id')}_of_another_person"
    fault()(inject_detail)


# --- concepts


@fault()
def unknown_concept(bench: Bench) -> list[Expected]:
    row = bench.take("measurement").set(value_as_concept_id=777_001)
    return [Expected("concept_exists", "measurement", "value_as_concept_id", row)]


@fault()
def unknown_domain(bench: Bench) -> list[Expected]:
    row = _spare_concept(bench).set(domain_id="Nowhere")
    return [Expected("vocabulary_exists", "concept", "domain_id", row)]


def _spare_concept(bench: Bench) -> Row:
    """A concept that no other row names."""
    return bench.take("concept", lambda row: int(row["concept_id"]) > SPARE_CONCEPT)


@fault()
def concept_of_another_domain(bench: Bench) -> list[Expected]:
    row = bench.take("measurement").set(measurement_concept_id=4275495)
    return [Expected("concept_domain", "measurement", "measurement_concept_id", row)]


@fault()
def unit_that_is_a_drug(bench: Bench) -> list[Expected]:
    """By nature two: it is no unit at all, and so none of a weight or a height either."""
    row = bench.take("measurement").set(unit_concept_id=1125315)
    return [
        Expected("concept_domain", "measurement", "unit_concept_id", row),
        Expected("plausible_unit", "measurement", "unit_concept_id", row),
    ]


@fault()
def weight_in_centimetres(bench: Bench) -> list[Expected]:
    row = bench.take("measurement", lambda row: row["measurement_concept_id"] == "3025315")
    row.set(unit_concept_id=8582, unit_source_value="cm")
    return [Expected("plausible_unit", "measurement", "unit_concept_id", row)]


@fault()
def prostate_of_a_woman(bench: Bench) -> list[Expected]:
    women = {row["person_id"] for row in bench.files.tables["person"] if row["gender_concept_id"] == "8532"}
    row = bench.take("condition_occurrence", lambda row: row["person_id"] in women).set(condition_concept_id=200962)
    return [Expected("plausible_sex", "condition_occurrence", "condition_concept_id", row)]


@fault()
def concept_that_is_not_standard(bench: Bench) -> list[Expected]:
    row = bench.take("condition_occurrence").set(condition_concept_id=45000001)
    return [Expected("concept_standard", "condition_occurrence", "condition_concept_id", row)]


@fault()
def concept_that_is_no_longer_valid(bench: Bench) -> list[Expected]:
    row = bench.take("condition_occurrence").set(condition_concept_id=45000002)
    return [Expected("concept_standard", "condition_occurrence", "condition_concept_id", row)]


@fault()
def unmapped(bench: Bench) -> list[Expected]:
    row = bench.take("condition_occurrence").set(condition_concept_id=0, condition_source_value="")
    return [Expected("concept_mapped", "condition_occurrence", "condition_concept_id", row)]


@fault()
def unmapped_source_value(bench: Bench) -> list[Expected]:
    """By nature two: a row without a concept, and a source value that is mapped to none."""
    row = bench.take("procedure_occurrence")
    row.set(procedure_concept_id=0, procedure_source_value=f"local-{bench.random.randrange(10**9)}")
    return [
        Expected("concept_mapped", "procedure_occurrence", "procedure_concept_id", row),
        Expected("source_values_mapped", "procedure_occurrence", "procedure_source_value", None),
    ]


@fault()
def unit_named_but_not_mapped(bench: Bench) -> list[Expected]:
    """An empty concept beside a source value counts as 0."""
    row = bench.take("measurement").set(unit_concept_id="")
    return [Expected("concept_mapped", "measurement", "unit_concept_id", row)]


@fault()
def cpt4_without_name(bench: Bench) -> list[Expected]:
    row = _spare_concept(bench).set(vocabulary_id="CPT4", concept_name="")
    return [Expected("cpt4_named", "concept", "concept_name", row)]


# --- times


@fault()
def end_before_start(bench: Bench) -> list[Expected]:
    row = bench.take("condition_occurrence").set(condition_end_date="2015-01-01")
    return [Expected("start_before_end", "condition_occurrence", "condition_start_date", row)]


@fault()
def visit_ends_before_it_starts(bench: Bench) -> list[Expected]:
    """By nature two: the dates and the times."""
    row = _spare_visit(bench).set(visit_end_date="2015-09-01", visit_end_datetime="2015-09-01 07:00:00")
    row.set(visit_start_date="2015-09-02", visit_start_datetime="2015-09-02 07:00:00")
    return [
        Expected("start_before_end", "visit_occurrence", "visit_start_date", row),
        Expected("start_before_end", "visit_occurrence", "visit_start_datetime", row),
    ]


@fault()
def date_that_is_not_its_time(bench: Bench) -> list[Expected]:
    row = bench.take("observation").set(observation_datetime="2015-07-07 10:00:00")
    return [Expected("date_matches_datetime", "observation", "observation_datetime", row)]


@fault()
def before_birth(bench: Bench) -> list[Expected]:
    row = bench.alone("measurement").set(measurement_date="1951-01-01", measurement_datetime="")
    return [Expected("after_birth", "measurement", "measurement_date", row)]


@fault()
def after_death(bench: Bench) -> list[Expected]:
    row = bench.alone("procedure_occurrence", alive=False)
    row.set(procedure_date="2020-09-01", procedure_end_date="")
    return [Expected("before_death", "procedure_occurrence", "procedure_date", row)]


@fault()
def outside_its_visit(bench: Bench) -> list[Expected]:
    row = bench.take("measurement").set(measurement_date="2015-11-20", measurement_datetime="")
    return [Expected("within_visit", "measurement", "measurement_date", row)]


@fault()
def overlapping_observation_periods(bench: Bench) -> list[Expected]:
    first = _period(bench)
    row = bench.add(first, observation_period_id=first["observation_period_id"] + "001")
    row.set(observation_period_start_date="2016-01-01")
    return [Expected("observation_periods_apart", "observation_period", "observation_period_start_date", row)]


@fault()
def touching_observation_periods(bench: Bench) -> list[Expected]:
    first = _period(bench)
    row = bench.add(first, observation_period_id=first["observation_period_id"] + "002")
    row.set(observation_period_start_date="2022-01-01", observation_period_end_date="2023-01-01")
    return [Expected("observation_periods_apart", "observation_period", "observation_period_start_date", row)]


def _period(bench: Bench) -> Row:
    return bench.take("observation_period", lambda row: row["observation_period_end_date"] != DIED)


@fault()
def no_observation_period(bench: Bench) -> list[Expected]:
    row = _period(bench)
    bench.files.tables["observation_period"].remove(row)
    person = next(p for p in bench.files.tables["person"] if p["person_id"] == row["person_id"])
    return [Expected("observation_period_exists", "person", "person_id", person)]


@fault()
def date_in_the_far_future(bench: Bench) -> list[Expected]:
    row = bench.alone("measurement").set(measurement_date="2095-01-01", measurement_datetime="")
    return [Expected("plausible_date", "measurement", "measurement_date", row)]


@fault()
def four_hundred_days_of_supply(bench: Bench) -> list[Expected]:
    row = bench.take("drug_exposure").set(days_supply=400)
    return [Expected("plausible_value", "drug_exposure", "days_supply", row)]


@fault()
def nothing_was_done(bench: Bench) -> list[Expected]:
    row = bench.take("procedure_occurrence").set(quantity=0)
    return [Expected("plausible_value", "procedure_occurrence", "quantity", row)]


@fault()
def month_thirteen(bench: Bench) -> list[Expected]:
    row = bench.take("person").set(month_of_birth=13)
    return [Expected("plausible_value", "person", "month_of_birth", row)]


# --- under options


@fault(long_text=LongText.TRUNCATE)
def text_cut_as_said(bench: Bench) -> list[Expected]:
    row = bench.take("measurement").set(measurement_source_value="29463-7" + " " * 44)
    return [Expected("value_truncated", "measurement", "measurement_source_value", row)]


@fault(duplicates=Duplicates.FIRST)
def duplicate_left_out_as_said(bench: Bench) -> list[Expected]:
    row = bench.add(bench.take("measurement"), value_as_number="7")
    return [Expected("duplicate_left_out", "measurement", "measurement_id", row)]


@fault(duplicates=Duplicates.IDENTICAL)
def duplicate_that_differs(bench: Bench) -> list[Expected]:
    """The identical one is left out, the other is an error."""
    first = bench.take("observation")
    same = bench.add(first)
    other = bench.take("procedure_occurrence")
    row = bench.add(other, procedure_end_date="2015-12-12")
    return [
        Expected("duplicate_left_out", "observation", "observation_id", same),
        Expected("primary_key_unique", "procedure_occurrence", "procedure_occurrence_id", row),
    ]


# --- whole files


@fault(refuses=True)
def quotation_mark_never_closed(bench: Bench) -> list[Expected]:
    row = bench.take_last("note")
    row.raw = b'1,"never closed'
    return [Expected("file_readable", "note", None, row)]


@fault(refuses=True)
def unknown_column(bench: Bench) -> list[Expected]:
    bench.files.columns["fact_relationship"].append("weather")
    return [Expected("columns_known", "fact_relationship")]


@fault(refuses=True)
def column_without_name(bench: Bench) -> list[Expected]:
    bench.files.columns["fact_relationship"].append("")
    return [Expected("columns_known", "fact_relationship")]


@fault(refuses=True)
def column_twice(bench: Bench) -> list[Expected]:
    bench.files.columns["fact_relationship"].append("fact_id_1")
    return [Expected("columns_known", "fact_relationship")]


@fault(refuses=True)
def required_column_missing(bench: Bench) -> list[Expected]:
    bench.files.columns["note"].remove("note_text")
    return [Expected("columns_required", "note")]


@fault(refuses=True)
def misspelt_file(bench: Bench) -> list[Expected]:
    bench.files.names["note"] = "nota.csv"
    return [Expected("table_known", "nota")]


@fault(refuses=True)
def empty_file(bench: Bench) -> list[Expected]:
    bench.files.columns["note"] = []
    bench.files.tables["note"] = []
    return [Expected("file_readable", "note")]
