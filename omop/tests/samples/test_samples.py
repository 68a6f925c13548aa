"""Two sets as they are found in the world, with every count of their reports."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings

from omop.actions import ImportOptions, import_files
from omop.imports.gate.catalogue import CATALOGUE, Level, Outcome
from omop.imports.options import Duplicates
from omop.imports.report import ImportReport, TableCounts
from omop.models.base import cdm_models
from omop.tests.samples.census import READING, Census, Counts, Key, Row, read

pytestmark = pytest.mark.django_db

FOLDER = Path(settings.BASE_DIR) / "fixtures" / "omop"
SYNTHEA, TABS = FOLDER / "synthea27nj.zip", FOLDER / "synthea_tab_mini.zip"
# The concepts that rows of Synthea27Nj use and its CONCEPT.csv lacks, but for 0, which stands for none.
LACKING = {
    8507, 8532, 8527, 8516, 8515, 38000175, 38000267, 38000280, 38003566, 38004446, 44814724, 44818517, 32869, 756265,
}  # fmt: skip


def tables_of(archive: Path, separator: str, **names: str) -> dict[str, list[Row]]:
    with zipfile.ZipFile(archive) as files:
        stems = {name: name.removesuffix(".csv").lower() for name in files.namelist()}
        return {names.get(stem, stem): read(files.read(name), separator) for name, stem in stems.items()}


def assert_checks(report: ImportReport, expected: Counts) -> None:
    """Every check's rows asked, rows wrong and outcome; where a check was made of nothing, that it says so."""
    found = {key: (result.checked, result.count) for key, result in report.checks.items()}
    wanted = {key: (asked, wrong) for key, (asked, wrong, _) in expected.items()}
    nothing = (0, 0)
    differing = {
        key: (found.get(key, nothing), wanted.get(key, nothing))
        for key in found.keys() | wanted.keys()
        if found.get(key, nothing) != wanted.get(key, nothing)
    }
    assert differing == {}
    for key, result in report.checks.items():
        asked, wrong, tolerated = expected.get(key, (0, 0, 0.0))
        assert result.outcome is _outcome(key, asked, wrong, tolerated), key


def _outcome(key: Key, asked: int, wrong: int, tolerated: float) -> Outcome:
    if wrong and (CATALOGUE[key[0]].level is Level.REFUSE or 100 * wrong > tolerated * asked):
        return Outcome.FAILED
    return Outcome.PASSED if asked else Outcome.NOT_APPLICABLE


def rows_in_database() -> dict[str, int]:
    return {model._meta.db_table: model.objects.count() for model in cdm_models() if model.objects.exists()}


# --- Synthea27Nj: comma separated, nothing broken


@pytest.fixture(scope="module")
def synthea() -> dict[str, list[Row]]:
    return tables_of(SYNTHEA, ",")


def test_synthea27nj_loads_whole(synthea):
    report = import_files(paths=[SYNTHEA], by=None).report
    assert report.status == "loaded"
    assert report.error_count == 0
    assert sum(len(rows) for rows in synthea.values()) == 27_615
    assert len(synthea) == len(report.files) == 38
    assert report.tables == {
        table: TableCounts(read=len(rows), new=len(rows), loaded=len(rows)) for table, rows in synthea.items()
    }
    assert {file.table: file.rows for file in report.files} == {table: len(rows) for table, rows in synthea.items()}
    assert rows_in_database() == {table: len(rows) for table, rows in synthea.items() if rows}
    assert_checks(report, Census(synthea).count())


def test_synthea27nj_the_lacking_concepts_are_warnings(synthea):
    report = import_files(paths=[SYNTHEA], by=None, dry_run=True).report
    named = {
        int(finding.value)
        for (code, _, _), result in report.checks.items()
        for finding in result.first
        if code == "concept_exists"
    }
    assert named == LACKING
    there = {int(row["concept_id"]) for row in synthea["concept"]}
    assert not there & (LACKING | {0})
    assert report.status == "checked"
    assert all(result.level is Level.WARN for result in report.checks.values() if result.count)


def test_synthea27nj_again_changes_nothing(synthea):
    import_files(paths=[SYNTHEA], by=None)
    before = rows_in_database()
    outcome = import_files(paths=[SYNTHEA], by=None)
    assert outcome.report.status == "loaded"
    assert outcome.loaded_before is not None
    assert outcome.report.tables == {
        table: TableCounts(read=len(rows), unchanged=len(rows)) for table, rows in synthea.items()
    }
    assert rows_in_database() == before


# --- synthea_tab_mini: tab separated, with what fixtures/omop/SOURCE.md says is broken


@pytest.fixture
def tabs() -> dict[str, list[Row]]:
    return tables_of(TABS, "\t", devices_exposure="device_exposure")


def test_tab_mini_is_refused_with_exactly_what_is_broken(tabs):
    report = import_files(paths=[TABS], by=None).report
    assert report.status == "refused"
    assert rows_in_database() == {}
    grave = {key: result for key, result in report.checks.items() if result.count and result.level is not Level.WARN}
    assert {key: result.count for key, result in grave.items()} == {
        ("table_known", "devices_exposure", None): 1,
        ("value_type", "concept", "valid_end_date"): 3,
        ("value_type", "person", "birth_datetime"): 78,
        ("natural_key_unique", "concept_ancestor", None): 65,
    }
    asked = {key[1]: result.checked for key, result in grave.items() if key[0] != "table_known"}
    assert asked == {"concept": 1_740, "person": 99, "concept_ancestor": 1_449}
    assert all(result.outcome is Outcome.FAILED for result in grave.values())
    assert report.error_count == 147
    lines = {key[1]: [finding.line for finding in result.first] for key, result in grave.items()}
    assert lines["concept"] == _lines(tabs["concept"], _blank_behind_the_end)
    assert lines["person"] == _lines(tabs["person"], _no_zeros)[:20]
    assert lines["concept_ancestor"] == _repeated(tabs["concept_ancestor"])[:20]
    hint = grave["table_known", "devices_exposure", None].first[0].reason
    assert "device_exposure" in hint


def test_tab_mini_what_is_odd_but_harmless_is_told(tabs):
    report = import_files(paths=[TABS], by=None, dry_run=True).report
    files = {file.table: file for file in report.files}
    assert all(file.recognised["separator"] == "tab" for file in report.files if file.table)
    assert files["drug_exposure"].recognised["line ends"] == "mixed: 494 LF, 1 CRLF"
    assert files["concept_ancestor"].recognised["line ends"] == "LF"
    assert report.tables["specimen"] == TableCounts(read=495, new=495)  # its header has names with a blank behind


def test_tab_mini_devices_are_read_by_alias_but_no_line_fits_the_header(tabs):
    """By its alias the file is read: each line has 19 fields under a header of 15."""
    options = ImportOptions(aliases={"DEVICES_EXPOSURE.csv": "device_exposure"})
    report = import_files(paths=[TABS], by=None, dry_run=True, options=options).report
    result = report.checks["field_count", "device_exposure", None]
    assert (result.checked, result.count, result.outcome) == (495, 495, Outcome.FAILED)
    assert [finding.line for finding in result.first] == [*range(2, 22)]
    assert ("table_known", "devices_exposure", None) not in report.checks
    assert report.error_count == 147 - 1 + 495


CHOICES = ImportOptions(
    aliases={"DEVICES_EXPOSURE.csv": "device_exposure"},
    duplicates=Duplicates.IDENTICAL,
    thresholds={
        "field_count:device_exposure": 100,
        "value_type:person.birth_datetime": 80,
        "value_type:concept.valid_end_date": 1,
        "person_exists": 100,
    },
    latest=date(2027, 1, 1),  # else it would hang on the day of the test which dates are plausible
)


def test_tab_mini_loads_the_rest_by_choice(tabs):
    concepts = [row for row in tabs["concept"] if _blank_behind_the_end(row)]
    persons = [row for row in tabs["person"] if _no_zeros(row)]
    ancestors = [tabs["concept_ancestor"][line - 2] for line in _repeated(tabs["concept_ancestor"])]
    rejected = {row["person_id"] for row in persons}
    assert (len(concepts), len(persons), len(ancestors)) == (3, 78, 65)

    report = import_files(paths=[TABS], by=None, options=CHOICES).report
    assert report.status == "loaded"

    counts = {}
    for table, rows in tabs.items():
        without = sum(row.get("person_id") in rejected for row in rows)
        if table == "concept":
            without = len(concepts)
        elif table == "device_exposure":
            without = len(rows)
        left_out = len(ancestors) if table == "concept_ancestor" else 0
        kept = len(rows) - without - left_out
        counts[table] = TableCounts(read=len(rows), new=kept, loaded=kept, duplicates=left_out, rejected=without)
    assert report.tables == counts
    assert counts["person"].loaded == 21
    assert rows_in_database() == {table: each.loaded for table, each in counts.items() if each.loaded}

    for row in concepts:
        row["valid_end_date"] = ""
    for row in persons:
        row["birth_datetime"] = ""
    tables = {**tabs, "device_exposure": []}
    expected = Census(tables, [*concepts, *persons], ancestors, latest="2027-01-01").count()
    _what_was_chosen(expected, tabs, rejected)
    assert_checks(report, expected)


def _what_was_chosen(expected: Counts, tabs: dict[str, list[Row]], rejected: set[str]) -> None:
    """What the census cannot know: the faults of the files, and rows that went because their person did."""
    devices = len(tabs["device_exposure"])
    for code in READING:
        expected[code, "device_exposure", None] = (devices, devices * (code == "field_count"), 100)
    del expected["value_type", "person", None], expected["value_type", "concept", None]
    expected["value_type", "person", "birth_datetime"] = (99, 78, 80)
    expected["value_type", "concept", "valid_end_date"] = (1_740, 3, 1)
    for table, rows in tabs.items():
        if ("person_exists", table, "person_id") in expected and table != "device_exposure":
            orphans = sum(row["person_id"] in rejected for row in rows)
            expected["person_exists", table, "person_id"] = (len(rows), orphans, 100)


def _lines(rows: list[Row], wrong: Callable[[Row], bool]) -> list[int]:
    return [line for line, row in enumerate(rows, start=2) if wrong(row)]


def _blank_behind_the_end(concept: Row) -> bool:
    return concept["valid_end_date"] != concept["valid_end_date"].strip()


def _no_zeros(person: Row) -> bool:
    return len(person["birth_datetime"]) < len("1937-12-01")


def _repeated(ancestors: list[Row]) -> list[int]:
    """The lines of rows that are there before, all of them the same in each column."""
    seen: Counter[tuple[str, ...]] = Counter()
    lines = []
    for line, row in enumerate(ancestors, start=2):
        if seen[tuple(row.values())]:
            lines.append(line)
        seen[tuple(row.values())] += 1
    return lines
