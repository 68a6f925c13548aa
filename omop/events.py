"""The event tables, described alike: where each keeps its key, concept, times and values.

What reads events from OMOP works from these descriptions and knows no table by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.db import models

from omop.models import (
    ConditionOccurrence,
    DeviceExposure,
    DrugExposure,
    Measurement,
    Note,
    Observation,
    ProcedureOccurrence,
)


@dataclass(frozen=True, slots=True)
class EventTable:
    """One event table; every attribute but `model` and `kind` is a column name, a tuple of them, or None.

    `later_columns` hold what may only have become known after the event began (ends, why it stopped, how long
    it was meant to last): a reader who stands at some point in time must blank those that lie after it.
    `value_columns` are the other columns that say what was found.
    """

    kind: str
    model: type[models.Model]
    id_column: str
    concept_column: str
    type_column: str
    start_date: str
    start_datetime: str | None
    end_date: str | None
    end_datetime: str | None
    later_columns: tuple[str, ...]
    value_columns: tuple[str, ...]
    source_value: str
    source_concept_column: str | None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column named here and the two that all event tables share, once each."""
        named = (
            self.id_column,
            "person_id",
            "visit_occurrence_id",
            self.concept_column,
            self.type_column,
            self.start_date,
            self.start_datetime,
            *self.later_columns,
            *self.value_columns,
            self.source_value,
            self.source_concept_column,
        )
        return tuple(dict.fromkeys(name for name in named if name))


_TABLES = (
    EventTable(
        kind="observation",
        model=Observation,
        id_column="observation_id",
        concept_column="observation_concept_id",
        type_column="observation_type_concept_id",
        start_date="observation_date",
        start_datetime="observation_datetime",
        end_date=None,
        end_datetime=None,
        later_columns=(),
        value_columns=(
            "value_as_number",
            "value_as_string",
            "value_as_concept_id",
            "qualifier_concept_id",
            "unit_concept_id",
            "unit_source_value",
            "qualifier_source_value",
            "value_source_value",
        ),
        source_value="observation_source_value",
        source_concept_column="observation_source_concept_id",
    ),
    EventTable(
        kind="measurement",
        model=Measurement,
        id_column="measurement_id",
        concept_column="measurement_concept_id",
        type_column="measurement_type_concept_id",
        start_date="measurement_date",
        start_datetime="measurement_datetime",
        end_date=None,
        end_datetime=None,
        later_columns=(),
        value_columns=(
            "operator_concept_id",
            "value_as_number",
            "value_as_concept_id",
            "unit_concept_id",
            "range_low",
            "range_high",
            "unit_source_value",
            "value_source_value",
        ),
        source_value="measurement_source_value",
        source_concept_column="measurement_source_concept_id",
    ),
    EventTable(
        kind="condition",
        model=ConditionOccurrence,
        id_column="condition_occurrence_id",
        concept_column="condition_concept_id",
        type_column="condition_type_concept_id",
        start_date="condition_start_date",
        start_datetime="condition_start_datetime",
        end_date="condition_end_date",
        end_datetime="condition_end_datetime",
        later_columns=("condition_end_date", "condition_end_datetime", "stop_reason"),
        value_columns=("condition_status_concept_id", "condition_status_source_value"),
        source_value="condition_source_value",
        source_concept_column="condition_source_concept_id",
    ),
    EventTable(
        kind="drug",
        model=DrugExposure,
        id_column="drug_exposure_id",
        concept_column="drug_concept_id",
        type_column="drug_type_concept_id",
        start_date="drug_exposure_start_date",
        start_datetime="drug_exposure_start_datetime",
        end_date="drug_exposure_end_date",
        end_datetime="drug_exposure_end_datetime",
        later_columns=(
            "drug_exposure_end_date",
            "drug_exposure_end_datetime",
            "verbatim_end_date",
            "stop_reason",
            # The conventions derive these from the end where the source has no prescription.
            "days_supply",
        ),
        value_columns=(
            "quantity",
            "refills",
            "sig",
            "route_concept_id",
            "route_source_value",
            "dose_unit_source_value",
        ),
        source_value="drug_source_value",
        source_concept_column="drug_source_concept_id",
    ),
    EventTable(
        kind="procedure",
        model=ProcedureOccurrence,
        id_column="procedure_occurrence_id",
        concept_column="procedure_concept_id",
        type_column="procedure_type_concept_id",
        start_date="procedure_date",
        start_datetime="procedure_datetime",
        end_date="procedure_end_date",
        end_datetime="procedure_end_datetime",
        later_columns=("procedure_end_date", "procedure_end_datetime"),
        value_columns=("modifier_concept_id", "quantity", "modifier_source_value"),
        source_value="procedure_source_value",
        source_concept_column="procedure_source_concept_id",
    ),
    EventTable(
        kind="device",
        model=DeviceExposure,
        id_column="device_exposure_id",
        concept_column="device_concept_id",
        type_column="device_type_concept_id",
        start_date="device_exposure_start_date",
        start_datetime="device_exposure_start_datetime",
        end_date="device_exposure_end_date",
        end_datetime="device_exposure_end_datetime",
        later_columns=("device_exposure_end_date", "device_exposure_end_datetime"),
        value_columns=("quantity", "unit_concept_id", "unit_source_value"),
        source_value="device_source_value",
        source_concept_column="device_source_concept_id",
    ),
    EventTable(
        kind="note",
        model=Note,
        id_column="note_id",
        concept_column="note_class_concept_id",
        type_column="note_type_concept_id",
        start_date="note_date",
        start_datetime="note_datetime",
        end_date=None,
        end_datetime=None,
        later_columns=(),
        value_columns=("note_title", "note_text"),
        source_value="note_source_value",
        source_concept_column=None,
    ),
)

EVENT_TABLES: Mapping[str, EventTable] = MappingProxyType({table.kind: table for table in _TABLES})
