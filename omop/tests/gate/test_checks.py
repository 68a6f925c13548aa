"""Each check finds exactly what is planted, passes where nothing is, and says when it asked nothing."""

import pytest

from omop.imports.gate.catalogue import CATALOGUE, Level, Outcome
from omop.imports.gate.concept_level import sexes, units
from omop.imports.gate.definitions import CLASSES, UNMAPPED, definitions
from omop.imports.options import ImportOptions
from omop.imports.schema import schemas
from omop.tests.gate.conftest import CLEAN, failed, told
from omop.tests.gate.faults import BASE, FAULTS, VALUES, Fault

pytestmark = pytest.mark.django_db


def put_base(put):
    for table, changes in BASE.items():
        put(table, *changes)
    put("care_site", {"care_site_id": 1})
    put("provider", {"provider_id": 5})


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_planted_rows_are_found_and_no_others(staged, fault: Fault):
    put_base(staged.put)
    before = len(BASE.get(fault.table, []))
    staged.put(fault.table, *fault.rows)
    report = staged.gate()
    key = (fault.code, fault.table, fault.column)
    result = report.checks[key]
    assert [finding.line for finding in result.first] == [before + 2 + number for number in fault.wrong]
    assert result.first[0].value == fault.value
    assert result.count == len(fault.wrong)
    assert result.checked == (fault.checked if fault.checked is not None else before + len(fault.rows))
    known = {"plausible_value": {"observation_period_exists"}, "person_exists": set()}.get(fault.code, set())
    assert {code for code, _, _ in failed(report)} <= {fault.code, *known}
    assert all(finding.file == "rows.csv" for finding in result.first)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_only_rows_that_a_rejecting_check_finds_are_marked(staged, fault: Fault):
    put_base(staged.put)
    staged.put(fault.table, *fault.rows)
    report = staged.gate()
    before = len(BASE.get(fault.table, []))
    rejects = CATALOGUE[fault.code].level is Level.REJECT
    wrong = {before + number for number in fault.wrong} if rejects else set()
    assert {place for place, mark in enumerate(staged.marks(fault.table)) if mark} == wrong
    assert report.tables[fault.table].rejected == len(wrong)
    assert report.refused is rejects


@pytest.mark.parametrize("fault", [*FAULTS, *VALUES], ids=str)
def test_a_check_passes_where_nothing_is_wrong(staged, fault: Fault):
    put_base(staged.put)
    if fault.clean:
        staged.put(fault.table, *fault.clean)
    elif fault.column in {"month_of_birth", "day_of_birth"}:
        staged.put(fault.table, {"person_id": 3, fault.column: 1})
        staged.put("observation_period", {"observation_period_id": 9, "person_id": 3})
    report = staged.gate()
    result = report.checks[fault.code, fault.table, fault.column]
    assert (result.outcome, result.count) == (Outcome.PASSED, 0)
    assert result.checked > 0
    assert failed(report) == set()


@pytest.mark.parametrize("fault", [*FAULTS, *VALUES], ids=str)
def test_a_check_that_asks_no_row_is_not_applicable(staged, fault: Fault):
    staged.database.create(schemas()[fault.table])
    result = staged.gate().checks[fault.code, fault.table, fault.column]
    assert (result.outcome, result.checked, result.count) == (Outcome.NOT_APPLICABLE, 0, 0)


@pytest.mark.parametrize("fault", [fault for fault in [*FAULTS, *VALUES] if fault.unasked], ids=str)
def test_rows_without_what_is_asked_are_not_asked(staged, fault: Fault):
    put_base(staged.put)
    staged.put(fault.table, *fault.unasked)
    result = staged.gate().checks[fault.code, fault.table, fault.column]
    assert (result.outcome, result.checked) == (Outcome.NOT_APPLICABLE, 0)


@pytest.mark.parametrize("fault", VALUES, ids=str)
def test_values_are_told_once_with_their_rows(staged, fault: Fault):
    put_base(staged.put)
    staged.put(fault.table, *fault.rows)
    report = staged.gate()
    result = report.checks[fault.code, fault.table, fault.column]
    assert told(result.first) == [(None, fault.column, fault.value)]
    assert result.first[0].rows == result.count == len(fault.wrong)
    assert result.checked == (fault.checked if fault.checked is not None else len(fault.rows))
    assert not report.refused


def test_each_check_of_the_gate_is_registered_for_every_table_that_it_asks(staged):
    for schema in schemas().values():
        staged.database.create(schema)
    report = staged.gate()
    elsewhere = {"table_known", "file_readable", "columns_known", "columns_required", "rows_that_stay"}
    codes = set(CATALOGUE) - elsewhere - {"value_truncated", "duplicate_left_out"}  # only told where they happened
    assert {code for code, _, _ in report.checks} == codes
    assert {result.outcome for result in report.checks.values()} == {Outcome.NOT_APPLICABLE}


def test_clean_rows_pass_every_check_of_every_table(staged):
    put_base(staged.put)
    for table in set(CLEAN) - {"concept", *BASE, "care_site", "provider", "concept_relationship"}:
        staged.put(table)
    report = staged.gate()
    assert failed(report) == set()
    assert report.checks["concept_exists", "measurement", "measurement_concept_id"].count == 0


def test_definitions_are_as_many_as_the_control_file_has():
    found = definitions().values()
    assert sum(len(each.domains) for each in found) == 43
    assert sum(len(each.standard) for each in found) == 64
    assert len(CLASSES) == 3
    assert sum(len(each.pairs) for each in found) == 24
    assert sum(len(each.events) for each in found) == 30  # with the 19 times of the same events: 49
    assert len(units()) == 181
    assert (
        sum(len(of) for table in ("condition_occurrence", "procedure_occurrence") for of in sexes(table).values())
        == 287
    )
    assert sorted(UNMAPPED.values()) == [0.0] * 18 + [5.0] * 19


def test_dates_may_lie_wherever_the_options_say(staged):
    from datetime import date

    put_base(staged.put)
    staged.put("measurement", {"measurement_date": "2095-01-01", "visit_occurrence_id": None})
    report = staged.gate(ImportOptions(earliest=date(2020, 1, 1), latest=date(2100, 1, 1)))
    assert report.checks["plausible_date", "measurement", "measurement_date"].count == 0
