"""What is fast must be nothing but fast: large files by every path give the same rows and the same report."""

import json
from pathlib import Path

import pytest
from django.db import connection

from omop.actions import import_files
from omop.imports.options import ImportOptions, Indexes
from omop.models import Measurement, Person

pytestmark = pytest.mark.django_db

ROWS = 24_000  # more than one chunk, and enough to have indexes built after the rows
PERSONS = 50


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "set"  # beside it is what the import keeps of its runs
    place.mkdir()
    persons = (f"{key},8507,1980,0,0\n" for key in range(1, PERSONS + 1))
    header = "person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id\n"
    (place / "person.csv").write_text(header + "".join(persons))
    header = (
        "measurement_id,person_id,measurement_concept_id,measurement_date,measurement_datetime,"
        "measurement_type_concept_id,value_as_number,measurement_source_value,unit_source_value\n"
    )
    rows = "".join(
        f"{key},{key % PERSONS + 1},{3_000_000 + key % 90},2020-01-{key % 28 + 1:02d},2020-01-{key % 28 + 1:02d} "
        f"10:11:12,32817,{key % 1000 / 10},{_source_value(key)},mg/dL at the bedside\n"
        for key in range(1, ROWS + 1)
    )
    (place / "measurement.csv").write_text(header + rows)
    return place


def _source_value(key: int) -> str:
    return '"two\nlines, and ""quotes"""' if key == ROWS // 2 else f"a laboratory's code {key % 90}"


def told(report) -> str:
    return json.dumps({**report.to_json(), "seconds": 0, "options": {}}, sort_keys=True)


def test_threads_change_nothing_in_the_report(folder):
    spoilt = folder / "measurement.csv"
    spoilt.write_text(spoilt.read_text().replace(",mg/dL at the bedside\n9", ",x" * 30 + "\n9"))
    reports = [
        import_files(paths=[folder], by=None, dry_run=True, options=ImportOptions(threads=threads)).report
        for threads in (1, 3)
    ]
    assert reports[0].error_count > 100
    assert told(reports[0]) == told(reports[1])


@pytest.mark.parametrize("indexes", Indexes)
def test_with_indexes_kept_or_built_after_the_rows_are_the_same(folder, indexes):
    before = _indexes()
    report = import_files(paths=[folder], by=None, options=ImportOptions(indexes=indexes)).report
    assert (report.status, report.tables["measurement"].loaded) == ("loaded", ROWS)
    assert _indexes() == before
    assert Measurement.objects.count() == ROWS
    row = Measurement.objects.get(pk=ROWS // 2)
    assert row.measurement_source_value == 'two\nlines, and "quotes"'
    assert Measurement.objects.get(pk=ROWS).measurement_datetime.isoformat() == "2020-01-05T10:11:12"


def test_again_nothing_changes(folder):
    import_files(paths=[folder], by=None)
    counts = import_files(paths=[folder], by=None).report.tables["measurement"]
    assert (counts.read, counts.unchanged, counts.loaded) == (ROWS, ROWS, 0)
    assert Person.objects.count() == PERSONS


def _indexes() -> list[tuple[str, str]]:
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'measurement' ORDER BY 1")
        return cursor.fetchall()
