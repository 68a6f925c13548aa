"""Small files of CDM tables, written as a test needs them."""

from pathlib import Path
from typing import Any, Protocol

import pytest

DEFAULTS: dict[str, dict[str, Any]] = {
    "person": {
        "person_id": 1,
        "gender_concept_id": 8507,
        "year_of_birth": 1980,
        "race_concept_id": 0,
        "ethnicity_concept_id": 0,
    },
    "visit_occurrence": {
        "visit_occurrence_id": 10,
        "person_id": 1,
        "visit_concept_id": 9202,
        "visit_start_date": "2020-01-31",
        "visit_end_date": "2020-01-31",
        "visit_type_concept_id": 32817,
    },
    "measurement": {
        "measurement_id": 100,
        "person_id": 1,
        "measurement_concept_id": 3025315,
        "measurement_date": "2020-01-31",
        "measurement_type_concept_id": 32817,
        "value_as_number": "48.1",
    },
    "concept": {
        "concept_id": 8507,
        "concept_name": "MALE",
        "domain_id": "Gender",
        "vocabulary_id": "Gender",
        "concept_class_id": "Gender",
        "standard_concept": "S",
        "concept_code": "M",
        "valid_start_date": "19700101",
        "valid_end_date": "20991231",
        "invalid_reason": "",
    },
    "death": {"person_id": 1, "death_date": "2021-05-05", "cause_source_value": "I21"},
}


class WriteTable(Protocol):
    def __call__(self, table: str, *rows: dict[str, Any], name: str = ..., separator: str = ...) -> Path: ...


@pytest.fixture
def write_table(tmp_path: Path) -> WriteTable:
    """Write rows of a table, each with the defaults above and what the test changes; None leaves a column out."""

    def write(table: str, *rows: dict[str, Any], name: str = "", separator: str = ",") -> Path:
        filled = [{**DEFAULTS[table], **row} for row in rows or [{}]]
        columns = list(dict.fromkeys(column for row in filled for column in row if row[column] is not None))
        lines = [separator.join(columns)]
        lines += [separator.join(str(row.get(column, "")) for column in columns) for row in filled]
        path = tmp_path / (name or f"{table}.csv")
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write
