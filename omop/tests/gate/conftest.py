"""Rows put into staging tables as a reader would leave them, and the gate's report on them."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from omop.imports.backends import FILE, LINE, REJECTED, Backend, backend, execute, query, quoted, staging
from omop.imports.gate.gate import Gate
from omop.imports.options import ImportOptions
from omop.imports.report import Finding, ImportReport, TableCounts
from omop.imports.schema import schemas

TODAY = date(2024, 6, 1)
Row = dict[str, Any]

# Nothing is wrong with these rows: 1 and 2 are persons, 10 is a visit of 1, 20 one of 2.
CLEAN: dict[str, Row] = {
    "person": {
        "person_id": 1,
        "gender_concept_id": 8507,
        "year_of_birth": 1980,
        "race_concept_id": 8527,
        "ethnicity_concept_id": 38003564,
    },
    "observation_period": {
        "observation_period_id": 1,
        "person_id": 1,
        "observation_period_start_date": "2020-01-01",
        "observation_period_end_date": "2020-12-31",
        "period_type_concept_id": 32817,
    },
    "visit_occurrence": {
        "visit_occurrence_id": 10,
        "person_id": 1,
        "visit_concept_id": 9202,
        "visit_start_date": "2020-03-10",
        "visit_end_date": "2020-03-12",
        "visit_type_concept_id": 32817,
    },
    "visit_detail": {
        "visit_detail_id": 100,
        "person_id": 1,
        "visit_detail_concept_id": 9202,
        "visit_detail_start_date": "2020-03-10",
        "visit_detail_end_date": "2020-03-12",
        "visit_detail_type_concept_id": 32817,
        "visit_occurrence_id": 10,
    },
    "measurement": {
        "measurement_id": 1000,
        "person_id": 1,
        "measurement_concept_id": 3025315,
        "measurement_date": "2020-03-11",
        "measurement_type_concept_id": 32817,
        "visit_occurrence_id": 10,
    },
    "drug_exposure": {
        "drug_exposure_id": 1,
        "person_id": 1,
        "drug_concept_id": 1125315,
        "drug_exposure_start_date": "2020-03-11",
        "drug_exposure_end_date": "2020-03-12",
        "drug_type_concept_id": 32817,
    },
    "condition_occurrence": {
        "condition_occurrence_id": 1,
        "person_id": 1,
        "condition_concept_id": 312327,
        "condition_start_date": "2020-03-11",
        "condition_type_concept_id": 32817,
    },
    "death": {"person_id": 1, "death_date": "2021-05-05"},
    "drug_era": {
        "drug_era_id": 1,
        "person_id": 1,
        "drug_concept_id": 1125315,
        "drug_era_start_date": "2020-03-11",
        "drug_era_end_date": "2020-03-12",
    },
    "concept": {
        "concept_id": 8507,
        "concept_name": "MALE",
        "domain_id": "Gender",
        "vocabulary_id": "Gender",
        "concept_class_id": "Gender",
        "standard_concept": "S",
        "concept_code": "M",
        "valid_start_date": "1970-01-01",
        "valid_end_date": "2099-12-31",
    },
    "fact_relationship": {
        "domain_concept_id_1": 21,
        "fact_id_1": 1,
        "domain_concept_id_2": 21,
        "fact_id_2": 2,
        "relationship_concept_id": 46233683,
    },
    "care_site": {"care_site_id": 1},
    "provider": {"provider_id": 5},
    "concept_relationship": {
        "concept_id_1": 8507,
        "concept_id_2": 8507,
        "relationship_id": "Maps to",
        "valid_start_date": "1970-01-01",
        "valid_end_date": "2099-12-31",
    },
}


def rows(table: str, *changes: Row) -> list[Row]:
    """Clean rows of a table, each with what the test changes; the key is counted on where it is not given."""
    schema = schemas()[table]
    key = schema.key[0] if len(schema.key) == 1 else None
    filled = []
    for number, change in enumerate(changes or ({},)):
        row = {**CLEAN[table], **change}
        if key is not None and key not in change and isinstance(row[key], int):
            row[key] += number
        filled.append(row)
    return filled


def insert(table: str, target: str, filled: list[Row]) -> None:
    for row in filled:
        names = ", ".join(map(quoted, row))
        marks = ", ".join(["%s"] * len(row))
        execute(f"INSERT INTO {target} ({names}) VALUES ({marks})", list(row.values()))


@pytest.fixture
def live(db: None) -> Callable[..., None]:
    """Put rows into a live table."""

    def put(table: str, *changes: Row) -> None:
        insert(table, quoted(table), rows(table, *changes))

    return put


@pytest.fixture
def database(db: None) -> Iterator[Backend]:
    made = backend()
    yield made
    made.drop()


class Staged:
    """A run's staged rows; `gate` runs the gate over them. Line 2 is the first row of each table's one file.

    `gate` takes what Gate takes, `on_reject`, and `read`, which is called with the report as a reader would.
    """

    def __init__(self, database: Backend) -> None:
        self.database = database
        self._read: dict[str, int] = {}

    def put(self, table: str, *changes: Row, file: int = 0) -> None:
        schema = schemas()[table]
        if table not in self.database.tables:
            self.database.create(schema)
        filled = rows(table, *changes)
        for row in filled:
            self._read[table] = self._read.get(table, 0) + 1
            row.setdefault(FILE, file)
            row.setdefault(LINE, self._read[table] + 1)
            row.setdefault(REJECTED, 0)
        insert(table, quoted(staging(table)), filled)

    def gate(self, options: ImportOptions | None = None, **more: Any) -> ImportReport:
        report = ImportReport(dry_run=True, options=options or ImportOptions())
        tables = [schema for name, schema in schemas().items() if name in self.database.tables]
        for schema in tables:
            self.database.finish(schema)
        report.tables = {schema.name: TableCounts(read=self._read.get(schema.name, 0)) for schema in tables}
        report.on_reject = more.pop("on_reject", None)
        more.pop("read", lambda report: None)(report)
        names = {0: "rows.csv", 1: "more.csv"}
        Gate(self.database, report, names, today=TODAY, **more).check(tables)
        return report

    def clear(self) -> None:
        """Take all staged rows away."""
        self.database.drop()
        self.database.tables.clear()
        self._read.clear()

    def marks(self, table: str) -> list[int]:
        found = query(
            f"SELECT {quoted(REJECTED)} FROM {quoted(staging(table))} ORDER BY {quoted(FILE)}, {quoted(LINE)}"
        )
        return [mark for (mark,) in found]


@pytest.fixture
def staged(database: Backend) -> Staged:
    return Staged(database)


def told(findings: list[Finding]) -> list[tuple[int | None, str | None, str | None]]:
    """Line, column and value of findings."""
    return [(finding.line, finding.column, finding.value) for finding in findings]


def failed(report: ImportReport) -> set[tuple[str, str, str | None]]:
    """The checks that found something, by code, table and column; concepts that nobody put there aside."""
    asides = {"concept_exists", "vocabulary_exists", "observation_period_exists"}
    return {key for key, result in report.checks.items() if result.count and result.code not in asides}
