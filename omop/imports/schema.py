"""What a table's columns want: types from the models, references from the specification."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from django.db import models

from omop.fields import FreeNumericField, LocalDateTimeField
from omop.models.base import cdm_models
from omop.specification import Reference, tables

# Tables without a key in the CDM: which columns make a row the same row.
# A person can have several rows in `death` (sources disagree), so there the whole row is the key.
NATURAL_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "fact_relationship": (
            "domain_concept_id_1",
            "fact_id_1",
            "domain_concept_id_2",
            "fact_id_2",
            "relationship_concept_id",
        ),
        "episode_event": ("episode_id", "event_id", "episode_event_field_concept_id"),
        "cdm_source": ("cdm_source_name",),
        "concept_relationship": ("concept_id_1", "concept_id_2", "relationship_id"),
        "concept_synonym": ("concept_id", "concept_synonym_name", "language_concept_id"),
        "concept_ancestor": ("ancestor_concept_id", "descendant_concept_id"),
        "source_to_concept_map": (
            "source_code",
            "source_vocabulary_id",
            "target_concept_id",
            "valid_end_date",
        ),
        "drug_strength": ("drug_concept_id", "ingredient_concept_id", "valid_start_date"),
        "cohort": ("cohort_definition_id", "subject_id", "cohort_start_date", "cohort_end_date"),
        "cohort_definition": ("cohort_definition_id",),
        "death": (
            "person_id",
            "death_date",
            "death_datetime",
            "death_type_concept_id",
            "cause_concept_id",
            "cause_source_value",
            "cause_source_concept_id",
        ),
    }
)

# References that the specification describes in words but does not declare.
UNDECLARED: Mapping[tuple[str, str], Reference] = MappingProxyType(
    {
        ("note_nlp", "note_id"): Reference("note", "note_id"),
        ("cost", "payer_plan_period_id"): Reference("payer_plan_period", "payer_plan_period_id"),
        ("episode", "episode_parent_id"): Reference("episode", "episode_id"),
        ("relationship", "reverse_relationship_id"): Reference("relationship", "relationship_id"),
        ("source_to_concept_map", "source_vocabulary_id"): Reference("vocabulary", "vocabulary_id"),
    }
)

# Rows without a person_id that are a person's all the same: the person's of the row they refer to.
OWNED: Mapping[str, Reference] = MappingProxyType(
    {"note_nlp": Reference("note", "note_id"), "episode_event": Reference("episode", "episode_id")}
)


@dataclass(frozen=True, slots=True)
class ColumnSchema:
    """One column. `kind` is id, integer, number, date, moment or text."""

    name: str
    kind: str
    length: int | None
    required: bool
    reference: Reference | None


@dataclass(frozen=True, slots=True)
class TableSchema:
    """One table; `key` tells a row from every other."""

    name: str
    model: type[models.Model]
    columns: Mapping[str, ColumnSchema]
    key: tuple[str, ...]


@cache
def schemas() -> Mapping[str, TableSchema]:
    """All tables by name, referenced tables before those that refer to them."""
    by_table = {model._meta.db_table: model for model in cdm_models()}
    return MappingProxyType({name: _table(name, by_table[name]) for name in _load_order()})


def is_vocabulary(table: str) -> bool:
    """Vocabulary downloads are subsets as a rule, so what refers to these tables may miss."""
    return tables()[table].schema == "VOCAB"


def _load_order() -> list[str]:
    # Depth first; circles (concept and vocabulary) and references to the own table are passed over.
    order: dict[str, None] = {}
    visiting: set[str] = set()

    def visit(name: str) -> None:
        if name in order or name in visiting:
            return
        visiting.add(name)
        targets = {reference.table for reference in tables()[name].references.values()}
        targets |= {reference.table for (table, _), reference in UNDECLARED.items() if table == name}
        for target in sorted(targets):
            visit(target)
        order[name] = None

    for name in tables():
        visit(name)
    return list(order)


def _table(name: str, model: type[models.Model]) -> TableSchema:
    specification = tables()[name]
    columns = {}
    for field in model._meta.concrete_fields:
        if field.column not in specification.columns:
            continue  # the surrogate key
        reference = specification.references.get(field.column) or UNDECLARED.get((name, field.column))
        columns[field.column] = ColumnSchema(
            field.column, _kind(field), getattr(field, "max_length", None), not field.null, reference
        )
    primary_key = specification.primary_key
    return TableSchema(name, model, MappingProxyType(columns), (primary_key,) if primary_key else NATURAL_KEYS[name])


_KINDS: tuple[tuple[type[models.Field], str], ...] = (
    (LocalDateTimeField, "moment"),
    (FreeNumericField, "number"),
    (models.BigIntegerField, "id"),
    (models.IntegerField, "integer"),
    (models.DateField, "date"),
    (models.CharField, "text"),
    (models.TextField, "text"),
)


def _kind(field: models.Field) -> str:
    return next(kind for field_type, kind in _KINDS if isinstance(field, field_type))
