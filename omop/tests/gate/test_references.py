"""What a row refers to: in the run or live, the same person's, and not lost when rows are left out."""

from datetime import date

import pytest

from omop.imports.backends import REJECTED
from omop.imports.options import Duplicates, ImportOptions, Mode
from omop.imports.schema import schemas
from omop.tests.gate.conftest import failed, told

pytestmark = pytest.mark.django_db
LINK = "preceding_visit_occurrence_id"
UPSERT = ImportOptions(mode=Mode.UPSERT)
ALL = {
    "visit_same_person": 100.0,
    "reference_exists": 100.0,
    "person_exists": 100.0,
    "value_type": 100.0,
    "key_conflict": 100.0,
}
TOLERANT = ImportOptions(thresholds={**ALL, "start_before_end": 100.0})


def test_what_is_live_is_there_too(staged, live):
    live("person")
    live("visit_occurrence")
    staged.put("measurement", {}, {"visit_occurrence_id": 404})
    assert told(staged.gate().errors) == [(3, "visit_occurrence_id", "404")]


def test_a_visit_may_follow_a_later_line_of_its_own_file(staged):
    staged.put("person")
    staged.put("visit_occurrence", {"preceding_visit_occurrence_id": 11}, {})
    assert failed(staged.gate()) == set()


def test_a_row_in_the_live_visit_of_another_person_is_rejected(staged, live):
    live("person", {"person_id": 1}, {"person_id": 2})
    live("visit_occurrence", {"person_id": 2})
    staged.put("measurement")
    report = staged.gate()
    assert failed(report) == {("visit_same_person", "measurement", "visit_occurrence_id")}
    assert report.errors[0].reason == "the visit is another person's"
    assert report.refused


@pytest.mark.parametrize(
    ("table", "column", "refers_to", "words"),
    [
        ("visit_occurrence", "preceding_visit_occurrence_id", 10, "preceding visit"),
        ("visit_detail", "preceding_visit_detail_id", 100, "preceding visit detail"),
        ("visit_detail", "parent_visit_detail_id", 100, "parent visit detail"),
    ],
)
def test_what_a_visit_follows_or_is_part_of_is_the_same_persons(staged, live, table, column, refers_to, words):
    live("person", {"person_id": 1}, {"person_id": 2})
    live("visit_occurrence", {"person_id": 2})
    live("visit_detail", {"person_id": 2})
    key = {schemas()[table].key[0]: 500, "visit_occurrence_id": 500}
    staged.put("visit_occurrence", {"visit_occurrence_id": 500} | ({column: refers_to} if column == LINK else {}))
    if table == "visit_detail":
        staged.put(table, {**key, column: refers_to})
    report = staged.gate()
    assert failed(report) == {("visit_same_person", table, column)}
    assert report.errors[0].reason == f"the {words} is another person's"
    assert report.refused


def test_what_follows_a_visit_that_is_not_moved_after_all_is_rejected(staged, live):
    """The run's row of the visit is rejected, so the visit stays with its person, and the next is another's."""
    live("person", {"person_id": 1}, {"person_id": 2})
    live("visit_occurrence", {"person_id": 1})
    staged.put(
        "visit_occurrence",
        {"person_id": 2, "visit_end_date": "2020-03-01"},
        {"person_id": 2, LINK: 10},
        {"person_id": 2},
    )
    report = staged.gate(ImportOptions(mode=Mode.UPSERT, thresholds=TOLERANT.thresholds))
    assert staged.marks("visit_occurrence") == [1, 1, 0]
    (lost,) = report.checks["visit_same_person", "visit_occurrence", LINK].first
    assert (lost.line, lost.reason) == (3, "the preceding visit is another person's")


@pytest.mark.parametrize(("person", "lines"), [(2, []), (1, [2])])
def test_a_visit_that_the_run_moves_is_judged_by_the_run(staged, live, person, lines):
    live("person", {"person_id": 1}, {"person_id": 2})
    live("visit_occurrence", {"person_id": 1})
    staged.put("visit_occurrence", {"person_id": 2})
    staged.put("measurement", {"person_id": person})
    result = staged.gate(UPSERT).checks["visit_same_person", "measurement", "visit_occurrence_id"]
    assert [finding.line for finding in result.first] == lines


def test_a_visit_of_a_replaced_person_is_gone_unless_the_run_has_it(staged, live):
    live("person", {"person_id": 1}, {"person_id": 2})
    live("visit_occurrence", {"visit_occurrence_id": 10}, {"visit_occurrence_id": 20, "person_id": 2})
    staged.put("person")
    staged.put("visit_occurrence", {"visit_occurrence_id": 11})
    staged.put("measurement", {"visit_occurrence_id": 11}, {"visit_occurrence_id": 10})
    report = staged.gate(ImportOptions(mode=Mode.REPLACE_PERSON))
    assert told(report.errors) == [(3, "visit_occurrence_id", "10")]


def test_visits_stay_where_the_run_has_no_file_of_them(staged, live):
    live("person")
    live("visit_occurrence")
    staged.put("person")
    staged.put("measurement")
    assert failed(staged.gate(ImportOptions(mode=Mode.REPLACE_PERSON))) == set()


# --- what becomes of rows that refer to a row which is left out


def bad_visit(staged):
    """Visit 10 ends before it starts; a detail and a measurement are in it, a measurement in the detail."""
    staged.put("person", {"person_id": 1}, {"person_id": 2})
    staged.put(
        "visit_occurrence",
        {"visit_end_date": "2020-03-01"},
        {"preceding_visit_occurrence_id": 10},
        {"person_id": 2},
    )
    staged.put("visit_detail", {}, {"visit_occurrence_id": 12, "person_id": 2})
    staged.put(
        "measurement",
        {"visit_occurrence_id": None},
        {"visit_occurrence_id": 10},
        {"visit_occurrence_id": None, "visit_detail_id": 100},
        {"visit_occurrence_id": 11},
        {"visit_occurrence_id": 12, "visit_detail_id": 101, "person_id": 2},
    )


def test_a_rejected_row_takes_along_what_refers_to_it(staged):
    bad_visit(staged)
    report = staged.gate(TOLERANT)
    assert not report.refused
    # Visit 10; the visit after it; the detail in it; the measurements in each of these. The rest loads.
    assert staged.marks("visit_occurrence") == [1, 1, 0]
    assert staged.marks("visit_detail") == [1, 0]
    assert staged.marks("measurement") == [0, 1, 1, 1, 0]
    assert report.tables["measurement"].rejected == 3
    lost = report.checks["reference_exists", "measurement", "visit_occurrence_id"]
    assert [(finding.line, finding.reason) for finding in lost.first] == [
        (3, "the row of visit_occurrence that it refers to is rejected"),
        (5, "the row of visit_occurrence that it refers to is rejected"),
    ]
    assert (lost.checked, lost.count) == (3, 2)
    assert report.checks["reference_exists", "measurement", "visit_detail_id"].count == 1


def test_a_run_that_is_refused_anyway_tells_of_the_bad_row_alone(staged):
    bad_visit(staged)
    report = staged.gate()
    assert report.refused
    assert report.error_count == 1


def test_a_row_may_refer_to_a_rejected_one_that_is_live_already(staged, live):
    live("person")
    live("visit_occurrence")
    staged.put("visit_occurrence", {"visit_end_date": "2020-03-01"})
    staged.put("measurement", {})
    report = staged.gate(ImportOptions(mode=Mode.UPSERT, thresholds=TOLERANT.thresholds))
    assert staged.marks("visit_occurrence") == [1]
    assert staged.marks("measurement") == [0]
    assert not report.refused


def test_a_visit_that_is_not_moved_after_all_is_judged_by_the_live_row(staged, live):
    """The run's row of the visit is rejected, so the visit stays with its person, and the measurement is not his."""
    live("person", {"person_id": 1}, {"person_id": 2})
    live("visit_occurrence", {"person_id": 1})
    staged.put("visit_occurrence", {"person_id": 2, "visit_end_date": "2020-03-01"})
    staged.put("measurement", {"person_id": 2}, {"person_id": 2, "visit_occurrence_id": None})
    report = staged.gate(ImportOptions(mode=Mode.UPSERT, thresholds=TOLERANT.thresholds))
    assert staged.marks("measurement") == [1, 0]
    assert report.checks["visit_same_person", "measurement", "visit_occurrence_id"].count == 1


def test_losses_count_against_the_threshold(staged):
    bad_visit(staged)
    thresholds = {"start_before_end": 100.0, "reference_exists": 100.0}
    exact = ImportOptions(thresholds={**thresholds, "reference_exists:measurement.visit_occurrence_id": 66.0})
    assert staged.gate(exact).refused  # two of three rows with a visit are 66.7 %


def test_of_two_rows_of_a_key_the_one_that_could_be_read_decides_whether_it_is_there(staged):
    staged.put("person", {"person_id": 1, REJECTED: 1}, {"person_id": 1})
    staged.put("observation_period")
    report = staged.gate(ImportOptions(duplicates=Duplicates.FIRST, thresholds=ALL))
    assert staged.marks("person") == [1, 0]
    assert staged.marks("observation_period") == [0]
    assert not report.refused


@pytest.mark.parametrize(("threshold", "marks"), [(50.0, [1, 0]), (49.9, [0, 0])])
def test_what_reading_rejected_takes_its_rows_along_if_the_run_is_to_load(staged, threshold, marks):
    staged.put("person", {"person_id": 1, REJECTED: 1}, {"person_id": 2})
    staged.put("care_site")
    staged.put("observation_period", {}, {"person_id": 2})

    def read(report):
        report.found("value_type", "person", "is not a whole number", line=2, column="year_of_birth")

    options = ImportOptions(thresholds={"value_type": threshold, "person_exists": 50.0})
    report = staged.gate(options, read=read)
    assert staged.marks("observation_period") == marks
    assert report.refused is (marks == [0, 0])
    assert report.error_count == 1 + sum(marks)


def test_a_rejected_person_is_not_replaced(staged, live):
    live("person")
    live("visit_occurrence", {"visit_occurrence_id": 10})
    staged.put("person", {REJECTED: 1})
    staged.put("visit_occurrence", {"visit_occurrence_id": 10})
    report = staged.gate(ImportOptions(mode=Mode.REPLACE_PERSON, thresholds=ALL))
    assert staged.marks("visit_occurrence") == [1]
    assert report.tables["visit_occurrence"].rejected == 1


def test_today_is_only_asked_where_the_options_do_not_say(staged):
    staged.put("person")
    staged.put("measurement", {"visit_occurrence_id": None, "measurement_date": "2024-06-03"})
    options = ImportOptions(latest=date(2024, 6, 3))
    assert staged.gate(options).checks["plausible_date", "measurement", "measurement_date"].count == 0


def test_the_last_day_of_the_calendar_has_none_behind_it(staged):
    """9999-12-31 is written for ends that are open; periods, visits and deaths are compared with days behind them."""
    forever = "9999-12-31"
    staged.put("person", {})
    starts = ("2020-01-01", "2021-01-01")
    names = ("observation_period_start_date", "observation_period_end_date")
    staged.put("observation_period", *(dict(zip(names, (start, forever), strict=True)) for start in starts))
    staged.put("visit_occurrence", {"visit_end_date": forever})
    staged.put("measurement", {"measurement_date": "2020-03-01"})
    staged.put("death", {"death_date": forever})
    checks = staged.gate(ImportOptions(latest=date.max)).checks
    assert told(checks["observation_periods_apart", "observation_period", names[0]].first) == [(3, names[0], starts[1])]
    assert checks["before_death", "measurement", "measurement_date"].checked == 1
    assert told(checks["within_visit", "measurement", "measurement_date"].first) == [
        (2, "measurement_date", "2020-03-01")
    ]
