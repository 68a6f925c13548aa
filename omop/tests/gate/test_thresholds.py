"""What is tolerated: a share at the threshold passes, one above it fails; what is rejected is all told."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from omop.imports.gate.catalogue import Level, Outcome
from omop.imports.options import ImportOptions
from omop.imports.report import FIRST, LISTED, CheckResult, ImportReport
from omop.tests.gate.conftest import told


@given(checked=st.integers(1, 10**6), share=st.integers(0, 100), level=st.sampled_from([Level.REJECT, Level.WARN]))
def test_a_share_at_the_threshold_passes_and_one_row_more_fails(checked, share, level):
    rows = checked * 100
    at = CheckResult("c", level, "t", None, float(share), rows, checked * share)
    assert at.outcome is Outcome.PASSED
    if share < 100:
        above = CheckResult("c", level, "t", None, float(share), rows, checked * share + 1)
        assert above.outcome is Outcome.FAILED


@given(count=st.integers(1, 1000), threshold=st.floats(0, 100))
def test_what_refuses_is_never_tolerated(count, threshold):
    assert CheckResult("c", Level.REFUSE, "t", None, threshold, 1000, count).outcome is Outcome.FAILED


@pytest.mark.django_db
@pytest.mark.parametrize(("threshold", "refused"), [(0.0, True), (24.9, True), (25.0, False), (100.0, False)])
@pytest.mark.parametrize(
    "name", ["visit_same_person", "visit_same_person:measurement", "visit_same_person:measurement.visit_occurrence_id"]
)
def test_rows_at_or_under_the_threshold_are_left_out(staged, threshold, refused, name):
    staged.put("person", {"person_id": 1}, {"person_id": 2})
    staged.put("visit_occurrence")
    staged.put("measurement", {"person_id": 2}, {}, {}, {})
    report = staged.gate(ImportOptions(thresholds={name: threshold}))
    assert report.refused is refused
    assert staged.marks("measurement") == [1, 0, 0, 0]
    assert report.tables["measurement"].rejected == 1


@pytest.mark.django_db
def test_the_most_exact_threshold_counts(staged):
    staged.put("person", {"person_id": 1}, {"person_id": 2})
    staged.put("visit_occurrence")
    staged.put("measurement", {"person_id": 2})
    exact = {"visit_same_person": 100.0, "visit_same_person:measurement.visit_occurrence_id": 0.0}
    assert staged.gate(ImportOptions(thresholds=exact)).refused


@pytest.mark.django_db
def test_every_rejected_row_is_told_to_who_keeps_them(staged):
    number = LISTED + 10
    staged.put("person")
    staged.put("measurement", *[{"visit_occurrence_id": 404}] * number)
    kept = []
    report = staged.gate(on_reject=lambda code, finding: kept.append((code, finding.line)))
    assert kept == [("reference_exists", line) for line in range(2, number + 2)]
    assert (report.error_count, len(report.errors)) == (number, LISTED)
    result = report.checks["reference_exists", "measurement", "visit_occurrence_id"]
    assert (result.count, len(result.first)) == (number, FIRST)


@pytest.mark.django_db
def test_rows_that_nobody_keeps_are_counted_all_the_same(staged):
    number = LISTED + 10
    staged.put("person")
    staged.put("measurement", *[{"visit_occurrence_id": 404}] * number)
    report = staged.gate()
    assert (report.error_count, len(report.errors)) == (number, LISTED)
    assert report.tables["measurement"].rejected == number


@pytest.mark.django_db
def test_warnings_are_not_read_beyond_what_is_listed(staged):
    staged.put("person")
    staged.put("measurement", *[{"visit_occurrence_id": None, "measurement_date": "1940-01-01"}] * 30)
    result = staged.gate().checks["plausible_date", "measurement", "measurement_date"]
    assert (result.count, told(result.first)) == (30, [(n, "measurement_date", "1940-01-01") for n in range(2, 22)])


@pytest.mark.django_db
def test_rows_that_were_read_are_what_the_reading_checks_asked(staged):
    staged.put("person")
    report: ImportReport = staged.gate()
    for code in ("record_readable", "field_count", "value_type", "value_length", "value_required"):
        assert report.checks[code, "person", None].checked == 1
        assert report.checks[code, "person", None].outcome is Outcome.PASSED


@pytest.mark.django_db
def test_lines_that_could_not_be_staged_are_rejected_too(staged):
    staged.put("person")
    assert staged.gate(unstaged={"person": 3}).tables["person"].rejected == 3


@pytest.mark.django_db
def test_each_table_is_told_of_before_its_rows_are_checked(staged):
    staged.put("person")
    staged.put("measurement", {"visit_occurrence_id": None})
    tables: list[str] = []
    staged.gate(tell=tables.append)
    assert tables == ["person", "measurement"]


@pytest.mark.django_db
def test_statements_do_not_grow_with_rows(staged):
    counted = []
    for rows in (5, 500):
        staged.put("person", *[{"person_id": n} for n in range(1, rows + 1)])
        staged.put("measurement", *[{"person_id": 1, "visit_occurrence_id": None}] * rows)
        with CaptureQueriesContext(connection) as asked:
            staged.gate()
        counted.append(len(asked))
        staged.clear()
    assert counted[0] == counted[1]


@pytest.mark.django_db
def test_nothing_of_the_gate_stays(staged):
    for table in ("person", "visit_occurrence", "visit_detail", "death", "concept", "observation_period"):
        staged.put(table)
    staged.put("measurement", {}, {"measurement_id": 1000})
    staged.gate()
    sql = (
        "SELECT relname FROM pg_class WHERE relname LIKE 'omop_gate%%' AND relkind = 'r'"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_temp_master WHERE name LIKE 'omop_gate%%'"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [])
        assert cursor.fetchall() == []
