"""Which columns each check asks, as data.

From the specification of CDM 5.4 (omop/specification): domains (fkDomain), references. The rest, as the specification
has no column for it, after the field level control file of OHDSI's DataQualityDashboard 2.8.4 (Apache-2.0,
inst/csv/OMOP_CDMv5.4_Field_Level.csv): which concept columns must be standard, how many rows may lack a concept,
starts and ends, plausible ranges, visit windows. Rules stand for lists where a rule gives exactly OHDSI's list; tests
count them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from omop.imports.schema import TableSchema, schemas
from omop.specification import tables

PERSON, VISIT, VISIT_DETAIL = "person", "visit_occurrence", "visit_detail"
WITHIN_DAYS = 7  # an event may be so many days before or after its visit (night shifts, next-day results)
AFTER_DEATH_DAYS = 60  # and so many days after a death (late results, autopsies)

# Domains that the control file asks beyond the specification's fkDomain; None where it asks none.
_DOMAINS: Mapping[tuple[str, str], str | None] = MappingProxyType(
    {
        ("cdm_source", "cdm_version_concept_id"): "Metadata",
        ("drug_strength", "drug_concept_id"): "Drug",
        ("location", "country_concept_id"): "Geography",
        ("measurement", "operator_concept_id"): "Meas Value Operator",
        ("episode", "episode_object_concept_id"): None,  # "Procedure, Regimen": a domain or a class
    }
)
CLASSES: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("drug_era", "drug_concept_id"): "Ingredient",
        ("dose_era", "drug_concept_id"): "Ingredient",
        ("drug_strength", "ingredient_concept_id"): "Ingredient",
    }
)

# Columns that refer to a concept which need not be standard, besides *_source_concept_id and vocabulary tables.
_NOT_STANDARD: frozenset[tuple[str, str]] = frozenset(
    {
        ("cost", "currency_concept_id"),
        ("cost", "drg_concept_id"),
        ("cost", "revenue_code_concept_id"),
        ("episode", "episode_object_concept_id"),
        ("fact_relationship", "domain_concept_id_1"),
        ("fact_relationship", "domain_concept_id_2"),
        ("fact_relationship", "relationship_concept_id"),
        ("measurement", "value_as_concept_id"),
        ("metadata", "metadata_concept_id"),
        ("metadata", "metadata_type_concept_id"),
        ("metadata", "value_as_concept_id"),
        ("observation", "value_as_concept_id"),
        ("payer_plan_period", "payer_concept_id"),
        ("payer_plan_period", "plan_concept_id"),
        ("payer_plan_period", "sponsor_concept_id"),
        ("payer_plan_period", "stop_reason_concept_id"),
    }
)

# Percent of rows that may have concept 0, or none beside a source value (standardConceptRecordCompleteness).
_MAIN, _NONE = 5.0, 0.0
UNMAPPED: Mapping[tuple[str, str], float] = MappingProxyType(
    {
        ("person", "gender_concept_id"): _MAIN,
        ("observation_period", "period_type_concept_id"): _NONE,
        ("visit_occurrence", "visit_concept_id"): _NONE,
        ("visit_occurrence", "visit_type_concept_id"): _NONE,
        ("visit_occurrence", "admitted_from_concept_id"): _MAIN,
        ("visit_occurrence", "discharged_to_concept_id"): _MAIN,
        ("visit_detail", "visit_detail_concept_id"): _NONE,
        ("visit_detail", "visit_detail_type_concept_id"): _NONE,
        ("visit_detail", "admitted_from_concept_id"): _MAIN,
        ("visit_detail", "discharged_to_concept_id"): _MAIN,
        ("condition_occurrence", "condition_concept_id"): _MAIN,
        ("condition_occurrence", "condition_type_concept_id"): _NONE,
        ("condition_occurrence", "condition_status_concept_id"): _MAIN,
        ("drug_exposure", "drug_concept_id"): _MAIN,
        ("drug_exposure", "drug_type_concept_id"): _NONE,
        ("procedure_occurrence", "procedure_concept_id"): _MAIN,
        ("procedure_occurrence", "procedure_type_concept_id"): _NONE,
        ("device_exposure", "device_concept_id"): _MAIN,
        ("device_exposure", "device_type_concept_id"): _NONE,
        ("device_exposure", "unit_concept_id"): _MAIN,
        ("measurement", "measurement_concept_id"): _MAIN,
        ("measurement", "measurement_type_concept_id"): _NONE,
        ("measurement", "unit_concept_id"): _MAIN,
        ("observation", "observation_concept_id"): _MAIN,
        ("observation", "observation_type_concept_id"): _NONE,
        ("observation", "unit_concept_id"): _MAIN,
        ("death", "death_type_concept_id"): _NONE,
        ("death", "cause_concept_id"): _MAIN,
        ("specimen", "specimen_concept_id"): _MAIN,
        ("specimen", "specimen_type_concept_id"): _NONE,
        ("specimen", "unit_concept_id"): _MAIN,
        ("cost", "cost_type_concept_id"): _NONE,
        ("drug_era", "drug_concept_id"): _NONE,
        ("dose_era", "drug_concept_id"): _NONE,
        ("dose_era", "unit_concept_id"): _NONE,
        ("condition_era", "condition_concept_id"): _NONE,
        ("episode", "episode_concept_id"): _MAIN,
    }
)

# Source values of which few may map to 0 (sourceValueCompleteness), with the column they are mapped to.
SOURCE_VALUES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "condition_occurrence": ("condition_source_value", "condition_concept_id"),
        "drug_exposure": ("drug_source_value", "drug_concept_id"),
        "measurement": ("measurement_source_value", "measurement_concept_id"),
        "procedure_occurrence": ("procedure_source_value", "procedure_concept_id"),
        "visit_occurrence": ("visit_source_value", "visit_concept_id"),
        "death": ("cause_source_value", "cause_concept_id"),
    }
)

# Starts with their ends (plausibleStartBeforeEnd), where the names do not tell: X_start_date and X_end_date do.
_PAIRS: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "procedure_occurrence": (
            ("procedure_date", "procedure_end_date"),
            ("procedure_datetime", "procedure_end_datetime"),
        ),
        "cdm_source": (("source_release_date", "cdm_release_date"),),
        "cohort": (),
    }
)

# Events that belong into their visit, with the percentage that need not (withinVisitDates).
IN_VISIT: Mapping[tuple[str, str], float] = MappingProxyType(
    {
        ("condition_occurrence", "condition_start_date"): 5.0,
        ("drug_exposure", "drug_exposure_start_date"): 5.0,
        ("procedure_occurrence", "procedure_date"): 5.0,
        ("device_exposure", "device_exposure_start_date"): 5.0,
        ("measurement", "measurement_date"): 5.0,
        ("observation", "observation_date"): 5.0,
        ("note", "note_date"): 5.0,
        ("visit_detail", "visit_detail_start_date"): 1.0,
        ("visit_detail", "visit_detail_end_date"): 1.0,
    }
)


@dataclass(frozen=True, slots=True)
class Range:
    """What a number may be, its ends included; `above` is an end that is not. `NEXT_YEAR` is the year after this."""

    low: int | None = None
    high: int | None = None
    above: int | None = None


NEXT_YEAR = -1
RANGES: Mapping[tuple[str, str], Range] = MappingProxyType(
    {
        ("person", "year_of_birth"): Range(1850, NEXT_YEAR),
        ("person", "month_of_birth"): Range(1, 12),
        ("person", "day_of_birth"): Range(1, 31),
        ("drug_exposure", "days_supply"): Range(1, 365),
        ("drug_exposure", "refills"): Range(0, 24),
        ("drug_exposure", "quantity"): Range(above=0),
        ("device_exposure", "quantity"): Range(above=0),
        ("procedure_occurrence", "quantity"): Range(above=0),
        ("specimen", "quantity"): Range(above=0),
        ("drug_era", "gap_days"): Range(0),
        ("drug_era", "drug_exposure_count"): Range(1),
        ("condition_era", "condition_occurrence_count"): Range(1),
        ("dose_era", "dose_value"): Range(0),
    }
)


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """What is asked of one table. Columns are in the table's order; `sources` gives a concept column's source value."""

    concepts: tuple[str, ...]
    domains: Mapping[str, str]
    classes: Mapping[str, str]
    standard: frozenset[str]
    sources: Mapping[str, str]
    dates: tuple[str, ...]  # that must be plausible
    events: tuple[str, ...]  # of a person: after the birth, and before the death but for the death itself
    pairs: tuple[tuple[str, str], ...]
    moments: tuple[tuple[str, str], ...]  # a date and the time of the same event
    visits: tuple[str, ...]  # columns whose row must be the same person's


@cache
def definitions() -> Mapping[str, TableDefinition]:
    """What is asked of each table of the CDM."""
    return MappingProxyType({name: _define(schema) for name, schema in schemas().items()})


def _define(schema: TableSchema) -> TableDefinition:
    name, columns = schema.name, schema.columns
    vocabulary = tables()[name].schema == "VOCAB"
    concepts = tuple(c.name for c in columns.values() if c.reference is not None and c.reference.table == "concept")
    dates = tuple(c.name for c in columns.values() if c.kind == "date")
    person = "person_id" in columns and name != PERSON
    return TableDefinition(
        concepts=concepts,
        domains=_domains(name),
        classes={column: concept_class for (table, column), concept_class in CLASSES.items() if table == name},
        standard=frozenset(column for column in concepts if _standard(name, column, vocabulary)),
        sources={c: source for c in concepts if (source := _source_of(c)) in columns},
        dates=() if vocabulary or name in {"metadata", "cohort_definition"} else dates,
        events=dates if person else (),
        pairs=_PAIRS.get(name, _pairs(schema)),
        moments=tuple(
            (c[: -len("time")], c) for c in columns if c.endswith("_datetime") and c[: -len("time")] in columns
        ),
        visits=tuple(
            c.name for c in columns.values() if person and c.reference and c.reference.table in {VISIT, VISIT_DETAIL}
        ),
    )


def visit_of(column: str) -> str:
    """What a column refers to whose row must be the same person's, in words."""
    return column.removesuffix("_occurrence_id").removesuffix("_id").replace("_", " ")


def _domains(table: str) -> dict[str, str]:
    found = {c.name: c.domain for c in tables()[table].columns.values() if c.domain is not None}
    for (name, column), domain in _DOMAINS.items():
        if name == table:
            found.pop(column, None)
            if domain is not None:
                found[column] = domain
    return found


def _standard(table: str, column: str, vocabulary: bool) -> bool:
    if vocabulary:
        return (table, column) == ("source_to_concept_map", "target_concept_id")
    return not column.endswith("_source_concept_id") and (table, column) not in _NOT_STANDARD


def _source_of(concept: str) -> str:
    return concept.removesuffix("_concept_id") + "_source_value"


def _pairs(schema: TableSchema) -> tuple[tuple[str, str], ...]:
    ends = {name: name.replace("_start_", "_end_") for name in schema.columns if "_start_" in name}
    return tuple((start, end) for start, end in ends.items() if end in schema.columns)
