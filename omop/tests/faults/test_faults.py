"""Each kind of fault, alone and with others: the report finds exactly what was written, and nothing else."""

from __future__ import annotations

import csv
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omop.actions import ImportOptions, import_files
from omop.imports import runs
from omop.imports.gate.catalogue import CATALOGUE, Level, Outcome
from omop.models import Person
from omop.models.base import cdm_models
from omop.tests.faults.catalogue import FAULTS
from omop.tests.faults.comparison import counts_expected, differences
from omop.tests.faults.injector import Bench, Fault

pytestmark = pytest.mark.django_db

PLAIN = [fault for fault in FAULTS if not fault.refuses and not fault.options]
# What no fault here brings about, and where it is tested instead.
ELSEWHERE = {
    "key_conflict": "below: it needs rows in the database",
    "rows_that_stay": "tests/loading: it needs the mode replace-person",
}


def check(bench: Bench, folder: Path, **options):
    """Check the set without loading; the outcome and what differs from what was expected."""
    lines = bench.write(folder)
    outcome = import_files(paths=[folder], by=None, dry_run=True, options=ImportOptions(**options))
    return outcome, differences(outcome.report, bench.expected, bench.files, lines)


def test_the_clean_set_is_clean(tmp_path):
    outcome, wrong = check(Bench(), tmp_path / "set")
    assert not wrong, "\n".join(wrong)
    assert outcome.report.status == "checked"
    assert {result.outcome for result in outcome.report.checks.values()} <= {Outcome.PASSED, Outcome.NOT_APPLICABLE}
    assert all(counts.new == counts.read for counts in outcome.report.tables.values())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_one_fault_is_found_where_it_is(fault: Fault, tmp_path):
    bench = Bench(seed=1)
    bench.inject(fault)
    outcome, wrong = check(bench, tmp_path / "set", **fault.options)
    assert not wrong, "\n".join(wrong)
    grave = any(CATALOGUE[each.code].level is not Level.WARN for each in bench.expected)
    assert outcome.report.status == ("refused" if grave else "checked")


def test_some_kinds_at_a_known_rate(tmp_path):
    """Six of each of some kinds, in 96 rows a table: 6.25 percent."""
    names = ("not_a_number", "unknown_person", "end_before_start", "concept_of_another_domain", "short_row")
    bench = Bench(seed=4)
    for fault in PLAIN:
        if fault.name in names:
            for _ in range(6):
                bench.inject(fault)
    outcome, wrong = check(bench, tmp_path / "set")
    assert not wrong, "\n".join(wrong)
    shares = {key: result.share for key, result in outcome.report.checks.items() if result.count}
    assert set(shares) == set(counts_expected(bench.expected))
    assert shares["field_count", "measurement", None] == 6.25
    assert outcome.report.tables["measurement"].rejected == 18
    assert outcome.report.tables["condition_occurrence"].rejected == 6


@pytest.mark.parametrize("seed", range(2))
def test_all_kinds_at_once(seed: int, tmp_path):
    bench = Bench(seed)
    for fault in random.Random(seed).sample(PLAIN, len(PLAIN)):
        bench.inject(fault)
    _, wrong = check(bench, tmp_path / "set")
    assert not wrong, "\n".join(wrong)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PLAIN), min_size=1, max_size=8, unique_by=id), st.integers(0, 2**32))
def test_any_mixture(tmp_path_factory, faults, seed):
    bench = Bench(seed)
    for fault in faults:
        bench.inject(fault)
    folder = tmp_path_factory.mktemp("mixture")
    try:
        _, wrong = check(bench, folder / "set")
    finally:
        shutil.rmtree(folder)
    assert not wrong, "\n".join(wrong)


def test_every_check_has_a_fault():
    expected = set()
    for fault in FAULTS:
        bench = Bench()
        bench.inject(fault)
        expected |= {each.code for each in bench.expected}
    assert expected | set(ELSEWHERE) == set(CATALOGUE)
    assert not expected & set(ELSEWHERE)


def test_the_file_of_rejects_has_each_rejected_line_as_it_stands(tmp_path):
    bench = Bench(seed=5)
    for fault in PLAIN:
        bench.inject(fault)
    lines = bench.write(tmp_path / "set")
    outcome = import_files(paths=[tmp_path / "set"], by=None, dry_run=True)
    path = runs.rejects_path(outcome.run)
    assert path is not None
    with path.open(encoding="utf-8", newline="") as file:
        found = {(row["file"], int(row["line"]), row["check"], row["row"]) for row in csv.DictReader(file)}
    wanted = set()
    for each in bench.expected:
        if CATALOGUE[each.code].level is Level.REJECT:
            table, row = each.table, each.row
            text = (tmp_path / "set" / f"{table}.csv").read_bytes().split(b"\n")
            span = bench.files.width_of(row)
            raw = b"\n".join(text[lines[row] - 1 : lines[row] - 1 + span]).decode("utf-8", "backslashreplace")
            wanted.add((f"{table}.csv", lines[row], each.code, raw))
    assert found == wanted


@pytest.mark.parametrize("table", ["measurement", "person", "concept", "concept_ancestor", "visit_occurrence"])
def test_a_row_that_differs_from_the_database_is_a_conflict(table, tmp_path):
    import_files(paths=[_written(Bench(), tmp_path / "before")], by=None)
    bench = Bench(seed=2)
    column = {
        "measurement": "value_as_number",
        "person": "person_source_value",
        "concept": "concept_code",
        "concept_ancestor": "max_levels_of_separation",
        "visit_occurrence": "visit_source_value",
    }[table]
    row = bench.take(table).set(**{column: "77"})
    lines = bench.write(tmp_path / "after")
    report = import_files(paths=[tmp_path / "after"], by=None).report
    found = {key: result for key, result in report.checks.items() if result.count}
    assert [(code, name, result.count) for (code, name, _), result in found.items()] == [("key_conflict", table, 1)]
    (finding,) = next(iter(found.values())).first
    assert (finding.file, finding.line) == (f"{table}.csv", lines[row])
    assert column in finding.reason
    assert report.status == "refused"
    assert report.tables[table].rejected == 1


def test_thresholds_leave_the_faulty_rows_out_and_load_the_rest(tmp_path):
    bench = Bench(seed=3)
    for fault in PLAIN:
        bench.inject(fault)
    lines = bench.write(tmp_path / "set")
    thresholds = dict.fromkeys((code for code, each in CATALOGUE.items() if each.level is Level.REJECT), 100.0)
    report = import_files(paths=[tmp_path / "set"], by=None, options=ImportOptions(thresholds=thresholds)).report
    assert differences(report, bench.expected, bench.files, lines) == []
    assert report.status == "loaded"
    assert rows_without_their_person() == {}
    rejected = {each.row for each in bench.expected if CATALOGUE[each.code].level is Level.REJECT}
    for table, rows in bench.files.tables.items():
        counts = report.tables[table]
        assert counts.rejected == len(rejected & set(rows)), table
        assert counts.loaded == counts.new == len(rows) - counts.rejected, table


def test_a_person_that_is_left_out_takes_their_rows_along(tmp_path):
    """Though the share is far below the threshold, no row may load without its person."""
    bench = Bench(seed=6)
    persons = [bench.take("person").set(birth_datetime="1960-1-1")["person_id"] for _ in range(2)]
    bench.write(tmp_path / "set")
    options = ImportOptions(thresholds={"value_type:person": 10.0, "person_exists": 100.0, "reference_exists": 100.0})
    report = import_files(paths=[tmp_path / "set"], by=None, options=options).report
    assert report.status == "loaded"
    assert report.tables["person"].rejected == 2
    for table, rows in bench.files.tables.items():
        theirs = [row for row in rows if row.values.get("person_id") in persons]
        assert report.tables[table].rejected == len(theirs), table
        assert report.tables[table].loaded == len(rows) - len(theirs), table
    assert rows_without_their_person() == {}


def rows_without_their_person() -> dict[str, int]:
    counts = {}
    for model in cdm_models():
        if any(field.column == "person_id" for field in model._meta.concrete_fields):
            orphans = model.objects.exclude(person_id__in=Person.objects.values("person_id"))
            counts[model._meta.db_table] = orphans.count()
    return {table: count for table, count in counts.items() if count}


def _written(bench: Bench, folder: Path) -> Path:
    bench.write(folder)
    return folder
