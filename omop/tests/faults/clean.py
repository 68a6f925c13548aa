"""A clean set of OMOP files: small, the same each time, and without a finding in any check.

Persons were born from 1955 to 1978 and have two visits with events in 2015 and a third without; one in six died on
2020-06-01, the day on which their observation ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

PERSONS = 24
BORN, VISITED, DIED = 1955, 2015, "2020-06-01"

# concept_id: name, domain, vocabulary, class, standard, invalid reason
CONCEPTS: dict[int, tuple[str, str, str, str, str, str]] = {
    0: ("No matching concept", "Metadata", "None", "Undefined", "", ""),
    8507: ("MALE", "Gender", "Gender", "Gender", "S", ""),
    8532: ("FEMALE", "Gender", "Gender", "Gender", "S", ""),
    8527: ("White", "Race", "Race", "Race", "S", ""),
    38003564: ("Not Hispanic or Latino", "Ethnicity", "Ethnicity", "Ethnicity", "S", ""),
    9201: ("Inpatient Visit", "Visit", "Visit", "Visit", "S", ""),
    9202: ("Outpatient Visit", "Visit", "Visit", "Visit", "S", ""),
    32817: ("EHR", "Type Concept", "Type Concept", "Type Concept", "S", ""),
    32902: ("Primary diagnosis", "Condition Status", "Condition Status", "Condition Status", "S", ""),
    201826: ("Type 2 diabetes mellitus", "Condition", "SNOMED", "Disorder", "S", ""),
    200962: ("Malignant tumor of prostate", "Condition", "SNOMED", "Disorder", "S", ""),
    255848: ("Pneumonia", "Condition", "SNOMED", "Disorder", "S", ""),
    1125315: ("acetaminophen", "Drug", "RxNorm", "Ingredient", "S", ""),
    1177480: ("ibuprofen", "Drug", "RxNorm", "Ingredient", "S", ""),
    4132161: ("Oral", "Route", "SNOMED", "Qualifier Value", "S", ""),
    4013636: ("Radiographic imaging procedure", "Procedure", "SNOMED", "Procedure", "S", ""),
    3025315: ('Body weight, "dry"', "Measurement", "LOINC", "Clinical Observation", "S", ""),
    3036277: ("Body height, standing", "Measurement", "LOINC", "Clinical Observation", "S", ""),
    9529: ("kilogram", "Unit", "UCUM", "Unit", "S", ""),
    8582: ("centimeter", "Unit", "UCUM", "Unit", "S", ""),
    4172703: ("=", "Meas Value Operator", "SNOMED", "Qualifier Value", "S", ""),
    45884084: ("NA", "Meas Value", "LOINC", "Answer", "S", ""),
    4275495: ("Tobacco smoking behaviour", "Observation", "SNOMED", "Observable Entity", "S", ""),
    38004446: ("General Practice", "Provider", "Medicare Specialty", "Physician Specialty", "S", ""),
    44814639: ("Inpatient note", "Note Type", "Note Type", "Note Type", "S", ""),
    32678: ("UTF-8", "Metadata", "Note Type", "Note Type", "S", ""),
    4180186: ("English language", "Observation", "SNOMED", "Qualifier Value", "S", ""),
    45000001: ("Pneumonia, unspecified organism", "Condition", "ICD10CM", "4-char billing code", "", ""),
    45000002: ("Pneumonia, by its old name", "Condition", "SNOMED", "Disorder", "", "U"),
    # These no row refers to: whatever is wrong with them is their own affair.
    2000000001: ("Spare 1", "Observation", "SNOMED", "Observable Entity", "S", ""),
    2000000002: ("Spare 2", "Observation", "SNOMED", "Observable Entity", "S", ""),
    2000000003: ("Spare 3", "Observation", "SNOMED", "Observable Entity", "S", ""),
    2000000004: ("Spare 4", "Observation", "SNOMED", "Observable Entity", "S", ""),
}
SPARE_CONCEPT = 2_000_000_000


Place = dict[str, int]
"""Where and by whom an event was, as columns that its tables share."""


@dataclass(eq=False)
class Row:
    """One record. `raw` is its text as a whole where the fault is in the writing."""

    table: str
    values: dict[str, str]
    raw: bytes | None = None

    def __getitem__(self, column: str) -> str:
        return self.values[column]

    def set(self, **values: object) -> Row:
        self.values.update({name: str(value) for name, value in values.items()})
        return self


@dataclass
class FileSet:
    """Tables by name, each with its rows; `columns` is each table's header."""

    tables: dict[str, list[Row]] = field(default_factory=dict)
    columns: dict[str, list[str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # a file's name, where it is not the table's

    def add(self, table: str, **values: object) -> Row:
        row = Row(table, {name: str(value) for name, value in values.items()})
        self.columns.setdefault(table, list(row.values))
        self.tables.setdefault(table, []).append(row)
        return row

    def name_of(self, table: str) -> str:
        return self.names.get(table, f"{table}.csv")

    def width_of(self, row: Row) -> int:
        """How many lines a record takes."""
        return (row.raw if row.raw is not None else text_of(row, self.columns[row.table])).count(b"\n") + 1

    def write(self, folder: Path) -> dict[Row, int]:
        """Write a file for each table; the line on which each row begins."""
        lines: dict[Row, int] = {}
        folder.mkdir(exist_ok=True)
        for table, rows in self.tables.items():
            columns = self.columns[table]
            parts = [",".join(columns).encode()]
            line = 2
            for row in rows:
                lines[row] = line
                parts.append(text_of(row, columns) if row.raw is None else row.raw)
                line += parts[-1].count(b"\n") + 1
            (folder / self.name_of(table)).write_bytes(b"\n".join(parts) + b"\n")
        return lines


def text_of(row: Row, columns: list[str]) -> bytes:
    """The record as CSV; what has a comma, a quote or a line end in it is quoted."""
    cells = (row.values.get(column, "") for column in columns)
    return ",".join('"' + c.replace('"', '""') + '"' if set(c) & set(',"\n\r') else c for c in cells).encode()


def clean_set() -> FileSet:
    """The set; the same each time."""
    files = FileSet()
    _vocabulary(files)
    for number in (1, 2):
        files.add("location", location_id=number, city=f"City {number}", state="NJ")
        files.add("care_site", care_site_id=number, place_of_service_concept_id=9202, location_id=number)
        files.add("provider", provider_id=number, specialty_concept_id=38004446, care_site_id=number)
    for person in range(1, PERSONS + 1):
        _person(files, person)
    return files


def _vocabulary(files: FileSet) -> None:
    for concept_id, (name, domain, vocabulary, concept_class, standard, invalid) in CONCEPTS.items():
        files.add(
            "concept",
            concept_id=concept_id,
            concept_name=name,
            domain_id=domain,
            vocabulary_id=vocabulary,
            concept_class_id=concept_class,
            standard_concept=standard,
            concept_code=concept_id,
            valid_start_date="1970-01-01",
            valid_end_date="2099-12-31",
            invalid_reason=invalid,
        )
    concepts = CONCEPTS.values()
    for each in sorted({domain for _, domain, *_ in concepts}):
        files.add("domain", domain_id=each, domain_name=each, domain_concept_id=0)
    for each in sorted({vocabulary for _, _, vocabulary, *_ in concepts} | {"CPT4"}):
        files.add("vocabulary", vocabulary_id=each, vocabulary_name=each, vocabulary_concept_id=0)
    for each in sorted({concept_class for _, _, _, concept_class, *_ in concepts}):
        files.add("concept_class", concept_class_id=each, concept_class_name=each, concept_class_concept_id=0)
    for number, (descendant, distance) in enumerate(((201826, 0), (255848, 0), (45000002, 1), (2000000001, 2))):
        files.add(
            "concept_ancestor",
            ancestor_concept_id=(201826, 255848)[number % 2],
            descendant_concept_id=descendant,
            min_levels_of_separation=distance,
            max_levels_of_separation=distance,
        )


def _person(files: FileSet, person: int) -> None:
    dead = person % 6 == 0
    files.add(
        "person",
        person_id=person,
        gender_concept_id=(8507, 8532)[person % 2],
        year_of_birth=BORN + person - 1,
        month_of_birth=person % 12 + 1,
        day_of_birth=person,
        birth_datetime="",
        race_concept_id=8527,
        ethnicity_concept_id=38003564,
        location_id=person % 2 + 1,
        provider_id="",
        person_source_value=f"P-{person}",
    )
    files.add(
        "observation_period",
        observation_period_id=person,
        person_id=person,
        observation_period_start_date="2014-01-01",
        observation_period_end_date=DIED if dead else "2021-12-31",
        period_type_concept_id=32817,
    )
    if dead:
        files.add(
            "death",
            person_id=person,
            death_date=DIED,
            death_datetime=f"{DIED} 00:00:00",
            death_type_concept_id=32817,
            cause_concept_id=255848,
            cause_source_value="J18",
        )
    for number in (1, 2, 3):
        _visit(files, person, number)


def _visit(files: FileSet, person: int, number: int) -> None:
    visit, day = person * 10 + number, f"{VISITED}-{3 * number:02d}-{person:02d}"
    files.add(
        "visit_occurrence",
        visit_occurrence_id=visit,
        person_id=person,
        visit_concept_id=(9201, 9202)[number % 2],
        visit_start_date=day,
        visit_start_datetime=f"{day} 08:00:00",
        visit_end_date=day,
        visit_end_datetime=f"{day} 16:30:00",
        visit_type_concept_id=32817,
        provider_id=person % 2 + 1,
        care_site_id=number % 2 + 1,
        visit_source_value=f"V{number}",
        preceding_visit_occurrence_id="",
    )
    if number == 3:
        return
    files.add(
        "visit_detail",
        visit_detail_id=1000 + visit,
        person_id=person,
        visit_detail_concept_id=9201,
        visit_detail_start_date=day,
        visit_detail_end_date=day,
        visit_detail_type_concept_id=32817,
        visit_occurrence_id=visit,
        preceding_visit_detail_id="",
        parent_visit_detail_id="",
    )
    for event in (1, 2):
        _events(files, person, visit, visit * 10 + event, day)


def _events(files: FileSet, person: int, visit: int, event: int, day: str) -> None:
    place = {"provider_id": person % 2 + 1, "visit_occurrence_id": visit, "visit_detail_id": 1000 + visit}
    _conditions_and_drugs(files, person, event, day, place)
    _measurements_and_observations(files, person, event, day, place)
    _procedures_and_notes(files, person, event, day, place)
    files.add(
        "fact_relationship",
        domain_concept_id_1=0,
        fact_id_1=event,
        domain_concept_id_2=0,
        fact_id_2=event + 1,
        relationship_concept_id=0,
    )


def _conditions_and_drugs(files: FileSet, person: int, event: int, day: str, place: Place) -> None:
    files.add(
        "condition_occurrence",
        condition_occurrence_id=event,
        person_id=person,
        condition_concept_id=(201826, 255848)[event % 2],
        condition_start_date=day,
        condition_start_datetime="",
        condition_end_date=f"{VISITED}-12-01",
        condition_type_concept_id=32817,
        condition_status_concept_id=32902,
        condition_source_value=("E11", "J18")[event % 2],
        condition_source_concept_id=45000001,
        **place,
    )
    files.add(
        "drug_exposure",
        drug_exposure_id=event,
        person_id=person,
        drug_concept_id=(1125315, 1177480)[event % 2],
        drug_exposure_start_date=day,
        drug_exposure_end_date=f"{VISITED}-11-30",
        drug_type_concept_id=32817,
        refills=1,
        quantity="30.5",
        days_supply=30,
        sig="one, daily",
        route_concept_id=4132161,
        drug_source_value=("161", "5640")[event % 2],
        **place,
    )


def _measurements_and_observations(files: FileSet, person: int, event: int, day: str, place: Place) -> None:
    files.add(
        "measurement",
        measurement_id=event,
        person_id=person,
        measurement_concept_id=(3025315, 3036277)[event % 2],
        measurement_date=day,
        measurement_datetime=f"{day} 09:15:00",
        measurement_type_concept_id=32817,
        operator_concept_id=4172703,
        value_as_number=f"{50 + event % 40}.25",
        value_as_concept_id=45884084,
        unit_concept_id=(9529, 8582)[event % 2],
        measurement_source_value=("29463-7", "8302-2")[event % 2],
        unit_source_value=("kg", "cm")[event % 2],
        **place,
    )
    files.add(
        "observation",
        observation_id=event,
        person_id=person,
        observation_concept_id=4275495,
        observation_date=day,
        observation_datetime=f"{day} 00:00:00",
        observation_type_concept_id=32817,
        value_as_number="",
        value_as_string="NA",
        **place,
    )


def _procedures_and_notes(files: FileSet, person: int, event: int, day: str, place: Place) -> None:
    files.add(
        "procedure_occurrence",
        procedure_occurrence_id=event,
        person_id=person,
        procedure_concept_id=4013636,
        procedure_date=day,
        procedure_end_date=day,
        procedure_type_concept_id=32817,
        quantity=1,
        procedure_source_value="X-ray",
        **place,
    )
    files.add(
        "note",
        note_id=event,
        person_id=person,
        note_date=day,
        note_type_concept_id=32817,
        note_class_concept_id=44814639,
        note_title="Visit",
        note_text=f'Seen on {day}.\nSaid: "well, thank you".',
        encoding_concept_id=32678,
        language_concept_id=4180186,
        **place,
    )
