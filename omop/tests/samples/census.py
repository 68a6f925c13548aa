"""What a report must say of a set of files, counted without the project's code: csv, dictionaries and sets.

References, domains, types and required columns come from OHDSI's specification, read here. The lists below are what
its Data Quality Dashboard asks beyond that, for the tables that have rows in the samples. Counts are by check, table
and column: (rows asked, rows wrong, percentage tolerated).
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

Row = dict[str, str]
Key = tuple[str, str, str | None]
Counts = dict[Key, tuple[int, int, float]]

SPECIFICATION = Path(__file__).parents[2] / "specification" / "OMOP_CDMv5.4_Field_Level.csv"
CONCEPT_LEVEL = Path(__file__).parents[2] / "imports" / "gate" / "concept_level"
VOCABULARY = {
    "concept", "vocabulary", "domain", "concept_class", "concept_relationship", "relationship", "concept_synonym",
    "concept_ancestor", "source_to_concept_map", "drug_strength",
}  # fmt: skip
NATURAL_KEYS = {
    "death": "person_id, death_date, death_datetime, death_type_concept_id, cause_concept_id, cause_source_value, "
    "cause_source_concept_id",
    "cdm_source": "cdm_source_name",
    "concept_relationship": "concept_id_1, concept_id_2, relationship_id",
    "concept_synonym": "concept_id, concept_synonym_name, language_concept_id",
    "concept_ancestor": "ancestor_concept_id, descendant_concept_id",
    "drug_strength": "drug_concept_id, ingredient_concept_id, valid_start_date",
}
MAY_BE_EMPTY_IN_A_KEY = {
    "death_datetime", "death_type_concept_id", "cause_concept_id", "cause_source_value", "cause_source_concept_id",
}  # fmt: skip
# References that the specification has in words alone.
IN_WORDS = {("relationship", "reverse_relationship_id"): ("relationship", "relationship_id")}
DOMAINS_OF_DASHBOARD = {
    ("measurement", "operator_concept_id"): "Meas Value Operator",
    ("cdm_source", "cdm_version_concept_id"): "Metadata",
    ("drug_strength", "drug_concept_id"): "Drug",
}
CLASSES_OF_DASHBOARD = {("drug_strength", "ingredient_concept_id"): "Ingredient"}
ANY_STANDING = {"value_as_concept_id"}
UNMAPPED = {
    "person": {"gender_concept_id": 5},
    "observation_period": {"period_type_concept_id": 0},
    "visit_occurrence": {
        "visit_concept_id": 0, "visit_type_concept_id": 0, "admitted_from_concept_id": 5, "discharged_to_concept_id": 5,
    },
    "visit_detail": {
        "visit_detail_concept_id": 0, "visit_detail_type_concept_id": 0, "admitted_from_concept_id": 5,
        "discharged_to_concept_id": 5,
    },
    "condition_occurrence": {
        "condition_concept_id": 5, "condition_type_concept_id": 0, "condition_status_concept_id": 5,
    },
    "drug_exposure": {"drug_concept_id": 5, "drug_type_concept_id": 0},
    "procedure_occurrence": {"procedure_concept_id": 5, "procedure_type_concept_id": 0},
    "device_exposure": {"device_concept_id": 5, "device_type_concept_id": 0, "unit_concept_id": 5},
    "measurement": {"measurement_concept_id": 5, "measurement_type_concept_id": 0, "unit_concept_id": 5},
    "observation": {"observation_concept_id": 5, "observation_type_concept_id": 0, "unit_concept_id": 5},
    "death": {"death_type_concept_id": 0, "cause_concept_id": 5},
    "specimen": {"specimen_concept_id": 5, "specimen_type_concept_id": 0, "unit_concept_id": 5},
    "condition_era": {"condition_concept_id": 0},
}  # fmt: skip
SOURCE_VALUES = {
    "condition_occurrence": ("condition_source_value", "condition_concept_id"),
    "drug_exposure": ("drug_source_value", "drug_concept_id"),
    "measurement": ("measurement_source_value", "measurement_concept_id"),
    "procedure_occurrence": ("procedure_source_value", "procedure_concept_id"),
    "visit_occurrence": ("visit_source_value", "visit_concept_id"),
    "death": ("cause_source_value", "cause_concept_id"),
}
WITHIN_VISIT = {
    "condition_occurrence": {"condition_start_date": 5},
    "drug_exposure": {"drug_exposure_start_date": 5},
    "procedure_occurrence": {"procedure_date": 5},
    "device_exposure": {"device_exposure_start_date": 5},
    "measurement": {"measurement_date": 5},
    "observation": {"observation_date": 5},
    "visit_detail": {"visit_detail_start_date": 1, "visit_detail_end_date": 1},
}
PLAUSIBLE: Mapping[str, Mapping[str, Callable[[float], bool]]] = {
    "person": {
        "year_of_birth": lambda n: 1850 <= n <= NEXT_YEAR,
        "month_of_birth": lambda n: 1 <= n <= 12,
        "day_of_birth": lambda n: 1 <= n <= 31,
    },
    "drug_exposure": {
        "days_supply": lambda n: 1 <= n <= 365,
        "refills": lambda n: 0 <= n <= 24,
        "quantity": lambda n: n > 0,
    },
    "device_exposure": {"quantity": lambda n: n > 0},
    "procedure_occurrence": {"quantity": lambda n: n > 0},
    "specimen": {"quantity": lambda n: n > 0},
    "condition_era": {"condition_occurrence_count": lambda n: n >= 1},
}
PAIRS = {
    "procedure_occurrence": [
        ("procedure_date", "procedure_end_date"), ("procedure_datetime", "procedure_end_datetime"),
    ],
    "cdm_source": [("source_release_date", "cdm_release_date")],
}  # fmt: skip
# The last plausible day where no option says one is tomorrow; Synthea27Nj ends in 2022, so that any day after will do.
TOMORROW, NEXT_YEAR = "2026-01-01", 2026
READING = ("record_readable", "field_count", "value_type", "value_length", "value_required")


class Field:
    """One column, as the specification says."""

    def __init__(self, row: Row) -> None:
        self.table, self.name = row["cdmTableName"].lower(), row["cdmFieldName"].strip('"').lower()
        self.kind, self.required = row["cdmDatatype"].lower(), row["isRequired"] == "Yes"
        self.primary_key = row["isPrimaryKey"] == "Yes"
        target = (row["fkTableName"].lower(), row["fkFieldName"].lower())
        self.reference = IN_WORDS.get((self.table, self.name)) or (target if row["isForeignKey"] == "Yes" else None)
        domain = row["fkDomain"] if row["fkDomain"] not in ("", "NA") else None
        self.domain = DOMAINS_OF_DASHBOARD.get((self.table, self.name), domain)
        self.concept_class = CLASSES_OF_DASHBOARD.get((self.table, self.name))

    @property
    def standard(self) -> bool:
        """Whether its concepts have to be standard ones."""
        is_concept = bool(self.reference) and self.reference[0] == "concept" and self.table not in VOCABULARY
        return is_concept and not self.name.endswith("_source_concept_id") and self.name not in ANY_STANDING


def fields() -> dict[str, list[Field]]:
    by_table: dict[str, list[Field]] = defaultdict(list)
    with SPECIFICATION.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            each = Field(row)
            by_table[each.table].append(each)
    return by_table


def read(content: bytes, separator: str) -> list[Row]:
    """The rows of a file; a header's blanks and upper case do not count, nor what is behind its last column."""
    text = io.StringIO(content.decode("utf-8"), newline="")
    quoting = csv.QUOTE_NONE if separator == "\t" else csv.QUOTE_MINIMAL
    lines = csv.reader(text, delimiter=separator, quoting=quoting)
    header = [name.strip().lower() for name in next(lines)]
    return [dict(zip(header, line, strict=False)) for line in lines if line]


class Census:
    """Counts over `tables`, of which the rows in `rejected` (by identity) were rejected while reading, their unreadable
    cells empty, and those in `left_out` are duplicates that were left out. `earliest` and `latest` are the first and
    the last plausible day."""

    def __init__(
        self,
        tables: Mapping[str, list[Row]],
        rejected: Iterable[Row] = (),
        left_out: Iterable[Row] = (),
        earliest: str = "1950-01-01",
        latest: str = TOMORROW,
    ) -> None:
        self.tables = tables
        self.fields = fields()
        self.counts: Counts = {}
        self._left_out = {id(row) for row in left_out}
        self._rejected = {id(row) for row in rejected} | self._left_out
        self._earliest = earliest
        self._latest = latest
        self._concepts = {row["concept_id"]: row for row in tables.get("concept", [])}
        self._persons = {row["person_id"]: row for row in tables.get("person", [])}
        self._last_death: dict[str, str] = {}
        for row in self.kept("death"):
            day = (date.fromisoformat(row["death_date"]) + timedelta(days=60)).isoformat()
            self._last_death[row["person_id"]] = max(day, self._last_death.get(row["person_id"], ""))

    def kept(self, table: str) -> list[Row]:
        return [row for row in self.tables.get(table, []) if id(row) not in self._rejected]

    def asked(self, table: str) -> list[Row]:
        return [row for row in self.tables.get(table, []) if id(row) not in self._left_out]

    def note(self, code: str, table: str, column: str | None, outcomes: Iterable[bool], tolerated: float = 0) -> None:
        """`outcomes` are of the rows asked: True where wrong."""
        wrong = Counter(map(bool, outcomes))
        self.counts[code, table, column] = (wrong[True] + wrong[False], wrong[True], tolerated)

    def count(self) -> Counts:
        for table, rows in self.tables.items():
            for code in ("table_known", "file_readable", "columns_known", "columns_required"):
                self.note(code, table, None, [False])
            for code in READING:
                # Names of concepts may be empty in some rows, those of CPT4, so that column is asked by itself.
                column = "concept_name" if (code, table) == ("value_required", "concept") else None
                self.note(code, table, column, [False] * len(rows))
            self._keys(table)
            for field in self.fields[table]:
                self._references(table, field)
                self._concepts_of(table, field)
                self._dates(table, field)
            self._pairs(table)
            self._numbers(table)
            self._concept_level(table)
            self._unmapped(table)
        self._persons_rows()
        return self.counts

    def _keys(self, table: str) -> None:
        primary = next((field.name for field in self.fields[table] if field.primary_key), None)
        column = NATURAL_KEYS.get(table, primary)
        code = "natural_key_unique" if table in NATURAL_KEYS else "primary_key_unique"
        if column is None:
            return  # a table without rows and without a key; nothing is asked of it
        names = column.split(", ")
        column = column if len(names) == 1 else None
        filled = [r for r in self.tables[table] if all(r.get(n) or n in MAY_BE_EMPTY_IN_A_KEY for n in names)]
        seen: set[tuple[str, ...]] = set()
        outcomes = []
        for row in filled:
            key = tuple(row.get(name, "") for name in names)
            outcomes.append(key in seen and not self._left_out)
            seen.add(key)
        self.note(code, table, column, outcomes)
        if any(id(row) in self._left_out for row in filled):
            self.note("duplicate_left_out", table, column, [id(row) in self._left_out for row in filled], 100)

    def _references(self, table: str, field: Field) -> None:
        if field.reference is None:
            return
        target, column = field.reference
        there = {row[column] for row in self.tables.get(target, [])}
        values = [row[field.name] for row in self.asked(table) if row.get(field.name)]
        if target in VOCABULARY:
            rows = [row[field.name] for row in self.kept(table) if row.get(field.name)]
            code = "concept_exists" if target == "concept" else "vocabulary_exists"
            zero = {"0"} if target == "concept" else set()
            self.note(code, table, field.name, [value not in there | zero for value in rows])
            return
        code = "person_exists" if target == "person" else "reference_exists"
        self.note(code, table, field.name, [value not in there for value in values])
        if target in ("visit_occurrence", "visit_detail"):
            owner = {row[column]: row["person_id"] for row in self.tables.get(target, [])}
            pairs = [(owner.get(r[field.name]), r["person_id"]) for r in self.asked(table) if r.get(field.name)]
            self.note("visit_same_person", table, field.name, [own != one for own, one in pairs if own])

    def _concepts_of(self, table: str, field: Field) -> None:
        if field.reference is None or field.reference[0] != "concept":
            return
        known = [self._concepts[row[field.name]] for row in self.kept(table) if row.get(field.name) in self._concepts]
        known = [concept for concept in known if concept["concept_id"] != "0"]
        if field.domain or field.concept_class:
            right = ("domain_id", field.domain) if field.domain else ("concept_class_id", field.concept_class)
            self.note("concept_domain", table, field.name, [concept[right[0]] != right[1] for concept in known])
        if field.standard:
            outcomes = [concept["standard_concept"] != "S" or bool(concept["invalid_reason"]) for concept in known]
            self.note("concept_standard", table, field.name, outcomes)

    def _dates(self, table: str, field: Field) -> None:
        if field.kind == "datetime" and any(f.name == field.name[:-4] for f in self.fields[table]):
            both = [(r[field.name[:-4]], r[field.name]) for r in self.kept(table) if r.get(field.name)]
            self.note("date_matches_datetime", table, field.name, [day != time[:10] for day, time in both if day])
        if field.kind != "date" or table in VOCABULARY or table in ("metadata", "cohort_definition"):
            return
        rows = [row for row in self.kept(table) if row.get(field.name)]
        bad = [not self._earliest <= row[field.name] <= self._latest for row in rows]
        self.note("plausible_date", table, field.name, bad, 1)
        if not any(f.name == "person_id" for f in self.fields[table]):
            return
        born = [(row[field.name], _birth(self._persons[row["person_id"]])) for row in rows]
        self.note("after_birth", table, field.name, [day < birth for day, birth in born], 1)
        if table != "death":
            last = [(row[field.name], self._last_death.get(row["person_id"])) for row in rows]
            self.note("before_death", table, field.name, [day > end for day, end in last if end], 1)
        if field.name in WITHIN_VISIT.get(table, {}):
            self._within_visit(table, field.name, rows)

    def _within_visit(self, table: str, column: str, rows: list[Row]) -> None:
        visits = {row["visit_occurrence_id"]: row for row in self.tables.get("visit_occurrence", [])}
        week, outcomes = timedelta(days=7), []
        for row in rows:
            if visit := visits.get(row["visit_occurrence_id"]):
                first, last = (date.fromisoformat(visit[f"visit_{end}_date"]) for end in ("start", "end"))
                outcomes.append(not first - week <= date.fromisoformat(row[column]) <= last + week)
        self.note("within_visit", table, column, outcomes, WITHIN_VISIT[table][column])

    def _pairs(self, table: str) -> None:
        names = [field.name for field in self.fields[table]]
        starts = [(name, name.replace("_start_", "_end_")) for name in names if "_start_" in name]
        found = [(start, end) for start, end in starts if end in names] if table != "cohort" else []
        for start, end in PAIRS.get(table, found):
            both = [(row[start], row[end]) for row in self.asked(table) if row.get(start) and row.get(end)]
            midnight = {(a, b) for a, b in both if b.endswith(" 00:00:00") and a[:10] == b[:10]}
            self.note("start_before_end", table, start, [pair[0] > pair[1] and pair not in midnight for pair in both])

    def _numbers(self, table: str) -> None:
        for column, plausible in PLAUSIBLE.get(table, {}).items():
            values = [float(row[column]) for row in self.kept(table) if row.get(column)]
            self.note("plausible_value", table, column, [not plausible(value) for value in values], 1)

    def _concept_level(self, table: str) -> None:
        if table == "measurement":
            units = {row["measurement_concept_id"]: row["unit_concept_ids"].split() for row in _table("units.csv")}
            rows = [row for row in self.kept(table) if row["measurement_concept_id"] in units]
            rows = [row for row in rows if row["unit_concept_id"] not in ("", "0")]
            wrong = [row["unit_concept_id"] not in units[row["measurement_concept_id"]] for row in rows]
            self.note("plausible_unit", table, "unit_concept_id", wrong, 5)
        sexes = {row["concept_id"]: row["gender_concept_id"] for row in _table("sexes.csv") if row["table"] == table}
        if sexes:
            column = table.removesuffix("_occurrence") + "_concept_id"
            rows = [row for row in self.kept(table) if row[column] in sexes]
            both = [(self._persons[row["person_id"]]["gender_concept_id"], sexes[row[column]]) for row in rows]
            outcomes = [sex != wanted for sex, wanted in both if sex in ("8507", "8532")]
            self.note("plausible_sex", table, column, outcomes, 5)

    def _unmapped(self, table: str) -> None:
        required = {field.name for field in self.fields[table] if field.required}
        for column, tolerated in UNMAPPED.get(table, {}).items():
            source = column.removesuffix("_concept_id") + "_source_value"
            asked = [r for r in self.kept(table) if r.get(column) or (column not in required and r.get(source))]
            self.note("concept_mapped", table, column, [row.get(column, "") in ("", "0") for row in asked], tolerated)
        if table in SOURCE_VALUES:
            source, mapped = SOURCE_VALUES[table]
            rows = [row for row in self.kept(table) if row.get(source)]
            nothing = {row[source] for row in rows if row.get(mapped, "") in ("", "0")}
            values = {row[source] for row in rows}
            self.note("source_values_mapped", table, source, [value in nothing for value in values], 10)
        if table == "concept":
            cpt4 = [row for row in self.kept(table) if row["vocabulary_id"] == "CPT4"]
            self.note("cpt4_named", table, "concept_name", [not row["concept_name"] for row in cpt4])

    def _persons_rows(self) -> None:
        periods = defaultdict(list)
        for row in self.kept("observation_period"):
            start, end = row["observation_period_start_date"], row["observation_period_end_date"]
            periods[row["person_id"]].append((date.fromisoformat(start), date.fromisoformat(end)))
        if "observation_period" in self.tables:
            day, outcomes = timedelta(days=1), []
            for spans in periods.values():
                spans.sort()
                outcomes += [any(o[1] + day >= s[0] for o in spans[:n]) for n, s in enumerate(spans)]
            column = "observation_period_start_date"
            self.note("observation_periods_apart", "observation_period", column, outcomes)
        if "person" in self.tables:
            persons = [row["person_id"] not in periods for row in self.kept("person")]
            self.note("observation_period_exists", "person", "person_id", persons)
        if "death" in self.tables:
            deaths = Counter(row["person_id"] for row in self.kept("death"))
            self.note("death_single", "death", "person_id", [number > 1 for number in deaths.values()])


def _table(name: str) -> list[Row]:
    """What OHDSI's Data Quality Dashboard holds plausible for single concepts."""
    with (CONCEPT_LEVEL / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _birth(person: Row) -> str:
    if person.get("birth_datetime"):
        return person["birth_datetime"][:10]
    return f"{person['year_of_birth']}-{person['month_of_birth'] or 1:0>2}-{person['day_of_birth'] or 1:0>2}"
