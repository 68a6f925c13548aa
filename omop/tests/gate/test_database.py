"""The same checks over the live tables, and the rows behind a count."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from omop.imports.backends import query
from omop.imports.gate import offending
from omop.imports.gate.catalogue import Outcome
from omop.imports.gate.database import check_database
from omop.imports.gate.scope import Scope
from omop.imports.report import ImportReport
from omop.imports.schema import NATURAL_KEYS, schemas
from omop.tests.gate.conftest import TODAY, failed, rows
from omop.tests.gate.faults import BASE, FAULTS, VALUES, Fault
from omop.tests.gate.test_checks import put_base

pytestmark = pytest.mark.django_db


def checked() -> ImportReport:
    report = ImportReport(dry_run=True)
    check_database(report, today=TODAY)
    return report


def keys_of(fault: Fault) -> list[int]:
    """The keys of the rows that are wrong."""
    key = schemas()[fault.table].key[0]
    planted = rows(fault.table, *fault.rows)
    return [planted[number][key] for number in fault.wrong]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_planted_rows_are_found_by_their_key(live, fault: Fault):
    put_base(live)
    live(fault.table, *fault.rows)
    report = checked()
    result = report.checks[fault.code, fault.table, fault.column]
    key = schemas()[fault.table].key[0]
    assert [finding.file for finding in result.first] == [f"{key} {number}" for number in keys_of(fault)]
    assert {finding.line for finding in result.first} == {None}
    assert result.first[0].value == fault.value
    assert result.count == len(fault.wrong)
    assert report.tables[fault.table].read == len(BASE.get(fault.table, [])) + len(fault.rows)


@pytest.mark.parametrize("fault", VALUES, ids=str)
def test_planted_values_are_found(live, fault: Fault):
    put_base(live)
    live(fault.table, *fault.rows)
    result = checked().checks[fault.code, fault.table, fault.column]
    assert [(finding.value, finding.rows) for finding in result.first] == [(fault.value, len(fault.wrong))]


@pytest.mark.parametrize("fault", [*FAULTS, *VALUES], ids=str)
def test_the_rows_behind_a_count_are_listed_by_key(live, fault: Fault):
    put_base(live)
    live(fault.table, *fault.rows)
    assert offending.answers(fault.code, fault.table, fault.column)
    found = offending.offending(fault.code, fault.table, fault.column, limit=50, today=TODAY)
    assert [row.key for row in found] == keys_of(fault)
    assert found[0].value == fault.value
    if fault.table != "person":
        assert {row.person_id for row in found} <= {1, 2, 404}


def test_rows_come_a_page_at_a_time(live):
    put_base(live)
    live("measurement", *[{"visit_occurrence_id": 20}] * 5)
    ask = ("visit_same_person", "measurement", "visit_occurrence_id")
    first = offending.offending(*ask, limit=2)
    second = offending.offending(*ask, limit=2, after=first[-1].key)
    last = offending.offending(*ask, limit=2, after=second[-1].key)
    assert [[row.key for row in page] for page in (first, second, last)] == [[1000, 1001], [1002, 1003], [1004]]


def test_what_only_a_run_can_say_has_no_rows():
    assert not offending.answers("value_type", "measurement", "measurement_date")
    assert not offending.answers("primary_key_unique", "person", "person_id")
    assert not offending.answers("table_known", "weather", None)
    with pytest.raises(LookupError, match="cannot be asked row by row"):
        offending.offending("key_conflict", "person", "person_id", limit=1)


def test_rows_of_a_table_without_key_are_found_by_their_surrogate_key(live):
    put_base(live)
    live("fact_relationship", {}, {"fact_id_1": 5}, {})
    result = checked().checks["natural_key_unique", "fact_relationship", None]
    assert (result.checked, result.count) == (3, 1)
    found = offending.offending("natural_key_unique", "fact_relationship", None, limit=9)
    assert [row.value for row in found] == ["21, 1, 21, 2, 46233683"]
    assert result.first[0].file == f"id {found[0].key}"


def test_persons_with_several_deaths_are_listed_by_row(live):
    put_base(live)
    live("death", {"person_id": 2, "cause_source_value": "I21"}, {"person_id": 1})
    result = checked().checks["death_single", "death", "person_id"]
    assert (result.checked, result.count) == (2, 1)
    assert [row.person_id for row in offending.offending("death_single", "death", "person_id", limit=9)] == [2, 2]


def test_source_values_without_concept_are_listed_by_row(live):
    put_base(live)
    live("measurement", {"measurement_source_value": "x", "measurement_concept_id": 0}, {})
    found = offending.offending("source_values_mapped", "measurement", "measurement_source_value", limit=9)
    assert [row.value for row in found] == ["x"]
    found = offending.offending("concept_mapped", "measurement", "measurement_concept_id", limit=9)
    assert [row.value for row in found] == ["0"]


def test_clean_tables_pass(live):
    put_base(live)
    live("measurement")
    report = checked()
    assert failed(report) == set()
    assert report.checks["person_exists", "measurement", "person_id"].outcome is Outcome.PASSED
    assert report.checks["person_exists", "note", "person_id"].outcome is Outcome.NOT_APPLICABLE
    assert not [code for code, _, _ in report.checks if code in {"value_type", "key_conflict"}]


def test_every_result_but_those_of_keys_can_be_followed_to_its_rows():
    for code, table, column in checked().checks:
        followed = offending.answers(code, table, column)
        assert followed is (code != "primary_key_unique"), (code, table, column)


def test_progress_is_told_and_the_end_of_it(live):
    live("person")
    told: list[tuple[int, int, int, str]] = []
    check_database(ImportReport(dry_run=True), lambda *said: told.append(said), today=TODAY)
    assert told[-1] == (1, 1, 1, "Checking the rows of each person")
    assert len(told) == len(schemas()) + 1


def test_statements_do_not_grow_with_rows(live):
    counted = []
    for start, number in ((1, 5), (100, 300)):
        live("person", *[{"person_id": start + n} for n in range(number)])
        with CaptureQueriesContext(connection) as asked:
            checked()
        counted.append(len(asked))
    assert counted[0] == counted[1]
    assert len(NATURAL_KEYS) == 11


def test_on_sqlite_nobody_waits_until_all_is_checked():
    """A transaction there would keep every writer out, those of a running study among them."""
    around, blocks = len(connection.atomic_blocks), set()
    check_database(ImportReport(dry_run=True), lambda *_: blocks.add(len(connection.atomic_blocks)), today=TODAY)
    assert blocks == {around + (connection.vendor == "postgresql")}


def test_what_a_stopped_check_left_on_the_connection_is_in_nobodys_way():
    Scope().create("omop_gate_left", "SELECT 1 AS id", index="id")
    Scope().create("omop_gate_left", "SELECT 2 AS id", index="id")
    assert query("SELECT id FROM omop_gate_left") == [(2,)]
