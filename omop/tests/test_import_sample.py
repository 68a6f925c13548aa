"""A whole data set: loading, repeating, refusing as a whole."""

import csv
import hashlib
import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from augmed.foundation.models import AuditEvent
from omop.actions import UsageError, import_files
from omop.models import Concept, Measurement, Person, Provider, VisitOccurrence
from omop.models.base import cdm_models

SAMPLE = Path(__file__).parent / "data" / "synthea"
pytestmark = pytest.mark.django_db


def rows_in_files() -> dict[str, int]:
    counts = {}
    for path in SAMPLE.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            counts[path.stem.lower()] = sum(1 for _ in csv.reader(file)) - 1
    return counts


def rows_in_tables() -> dict[str, int]:
    return {model._meta.db_table: model.objects.count() for model in cdm_models()}


def load(**options):
    return import_files(paths=[SAMPLE], by=None, **options).report


@pytest.mark.django_db(transaction=True)
def test_every_row_of_every_file_is_loaded():
    report = load()
    assert report.status == "loaded"
    assert report.error_count == 0
    expected = rows_in_files()
    assert sum(expected.values()) == 238
    assert {name: counts.loaded for name, counts in report.tables.items()} == expected
    loaded = rows_in_tables()
    assert {name: loaded[name] for name in expected} == expected
    assert sum(loaded.values()) == 238


def test_values_arrive_as_they_were():
    load()
    with (SAMPLE / "MEASUREMENT.csv").open(encoding="utf-8") as file:
        first = next(csv.DictReader(file))
    row = Measurement.objects.get(pk=int(first["measurement_id"]))
    assert row.value_as_number == Decimal(first["value_as_number"])
    assert row.measurement_datetime.isoformat(sep=" ") == first["measurement_datetime"]
    assert row.measurement_source_value == first["measurement_source_value"]
    assert row.unit_source_concept_id is None
    assert Provider.objects.exclude(provider_name=None).exists()


def test_absent_text_is_null_never_empty():
    load()
    assert Concept.objects.filter(invalid_reason=None).count() == Concept.objects.count() == 51
    assert not Measurement.objects.filter(unit_source_value="").exists()


@pytest.mark.django_db(transaction=True)
def test_a_rerun_changes_nothing():
    load()
    before = rows_in_tables()
    report = load()
    assert report.status == "loaded"
    assert {name: counts.unchanged for name, counts in report.tables.items()} == rows_in_files()
    assert all(counts.loaded == counts.new == counts.rejected == 0 for counts in report.tables.values())
    assert rows_in_tables() == before


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_loads_nothing_and_says_what_it_would():
    report = load(dry_run=True)
    assert report.status == "checked"
    assert {name: counts.new for name, counts in report.tables.items()} == rows_in_files()
    assert sum(rows_in_tables().values()) == 0
    assert not AuditEvent.objects.filter(action="omop_imported").exists()


@pytest.mark.django_db(transaction=True)
def test_one_bad_row_in_the_last_table_leaves_every_table_as_it_was(tmp_path):
    folder = shutil.copytree(SAMPLE, tmp_path / "set")
    with (folder / "CONDITION_ERA.csv").open("a") as file:
        file.write("999,27,0,2020-01-01,never,1\n")
    report = import_files(paths=[folder], by=None).report
    assert report.status == "refused"
    assert report.error_count == 1
    assert str(report.errors[0]) == (
        "CONDITION_ERA.csv, line 6, condition_era_end_date = 'never': is not a date as YYYY-MM-DD"
    )
    assert report.tables["condition_era"].rejected == 1
    assert all(counts.loaded == 0 for counts in report.tables.values())
    assert sum(rows_in_tables().values()) == 0


def test_unknown_concepts_are_warnings_with_counts():
    report = load()
    found = report.checks["concept_exists", "person", "race_concept_id"]
    assert {finding.value: finding.rows for finding in found.first} == {"8527": 3}
    assert report.checks["concept_exists", "person", "race_concept_id"] in report.warnings


def test_the_import_is_in_the_audit_trail():
    load()
    event = AuditEvent.objects.get(action="omop_imported")
    data = json.loads(event.data)
    assert data["loaded"]["person"] == 3
    assert "PERSON.csv" in data["files"]
    assert event.actor == "system"


def test_the_report_is_json():
    parsed = json.loads(json.dumps(load().to_json()))
    assert parsed["status"] == "loaded"
    assert {name: count for name, count in parsed["tables"]["person"].items() if count} == {
        "read": 3,
        "new": 3,
        "loaded": 3,
    }
    (person,) = [file for file in parsed["files"] if file["table"] == "person"]
    assert (person["name"], person["bytes"]) == ("PERSON.csv", (SAMPLE / "PERSON.csv").stat().st_size)
    assert person["sha256"] == hashlib.sha256((SAMPLE / "PERSON.csv").read_bytes()).hexdigest()


def test_progress_tells_every_phase_and_never_goes_back():
    seen: list[tuple[int, int, int, str]] = []
    load(progress=lambda *told: seen.append(told))
    size = sum(path.stat().st_size for path in SAMPLE.glob("*.csv"))
    dones = [done for done, *_ in seen]
    assert dones == sorted(dones)
    assert {total for _, total, *_ in seen} == {dones[-1]}
    assert 2 * size - 40 <= dones[-1] <= 2 * size  # halves are rounded down, table by table
    assert seen[-1][2] == 238
    words = [message for *_, message in seen]
    assert "Reading PERSON.csv" in words
    tables = sorted(rows_in_files())
    for phase in ("Checking", "Loading"):
        told = [message for message in words if message.startswith(phase)]
        assert [message.rpartition(", ")[2] for message in told] == [
            f"{n + 1} of {len(tables)}" for n in range(len(tables))
        ]
        assert sorted(message.split()[1].rstrip(",") for message in told) == tables


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_run_loads_nothing_and_can_be_repeated():
    def cancel(done: int, total: int, rows: int, message: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(progress=cancel)
    assert sum(rows_in_tables().values()) == 0
    assert load().status == "loaded"


def test_files_load_in_whatever_order_they_are_named():
    files = sorted(SAMPLE.glob("*.csv"), reverse=True)
    report = import_files(paths=files, by=None).report
    assert report.status == "loaded"
    assert VisitOccurrence.objects.count() == 30
    assert list(report.tables).index("person") < list(report.tables).index("visit_occurrence")


def test_a_later_run_may_refer_to_an_earlier_one(write_table):
    import_files(paths=[write_table("person")], by=None)
    report = import_files(paths=[write_table("visit_occurrence")], by=None).report
    assert report.status == "loaded"


@pytest.mark.parametrize("path", ["nowhere", "."])
def test_paths_that_hold_nothing_are_wrong_use(tmp_path, path):
    with pytest.raises(UsageError):
        import_files(paths=[tmp_path / path], by=None)


@pytest.mark.django_db(transaction=True)
def test_a_failing_audit_undoes_the_import(monkeypatch):
    def fail(**_):
        raise RuntimeError("no audit")

    monkeypatch.setattr("omop.actions.imports.audit.record", fail)
    with pytest.raises(RuntimeError, match="no audit"):
        load()
    assert Person.objects.count() == 0
