"""Clinical data: what happened to a person or was found (the tables that cases are mostly made of)."""

# ruff: noqa: DJ001 - in the CDM an absent text is NULL, never an empty string.

from django.db import models

from omop.fields import FreeNumericField, LocalDateTimeField
from omop.models.base import CdmTable


class ConditionOccurrence(CdmTable):
    """A disease, symptom or finding stated for a person."""

    condition_occurrence_id = models.BigIntegerField(primary_key=True)
    person_id = models.BigIntegerField()
    condition_concept_id = models.BigIntegerField()
    condition_start_date = models.DateField()
    condition_start_datetime = LocalDateTimeField(null=True, blank=True)
    condition_end_date = models.DateField(null=True, blank=True)
    condition_end_datetime = LocalDateTimeField(null=True, blank=True)
    condition_type_concept_id = models.BigIntegerField()
    condition_status_concept_id = models.BigIntegerField(null=True, blank=True)
    stop_reason = models.CharField(max_length=20, null=True, blank=True)
    provider_id = models.BigIntegerField(null=True, blank=True)
    visit_occurrence_id = models.BigIntegerField(null=True, blank=True)
    visit_detail_id = models.BigIntegerField(null=True, blank=True)
    condition_source_value = models.CharField(max_length=50, null=True, blank=True)
    condition_source_concept_id = models.BigIntegerField(null=True, blank=True)
    condition_status_source_value = models.CharField(max_length=50, null=True, blank=True)

    class Meta:
        db_table = "condition_occurrence"
        verbose_name = "condition occurrence"
        verbose_name_plural = "condition occurrences"
        indexes = [
            models.Index(fields=["person_id"], name="idx_condition_person_id_1"),
            models.Index(fields=["condition_concept_id"], name="idx_condition_concept_id_1"),
            models.Index(fields=["visit_occurrence_id"], name="idx_condition_visit_id_1"),
        ]

    def __str__(self) -> str:
        return f"condition occurrence {self.condition_occurrence_id}"


class DrugExposure(CdmTable):
    """A drug ordered for, given to or taken by a person."""

    drug_exposure_id = models.BigIntegerField(primary_key=True)
    person_id = models.BigIntegerField()
    drug_concept_id = models.BigIntegerField()
    drug_exposure_start_date = models.DateField()
    drug_exposure_start_datetime = LocalDateTimeField(null=True, blank=True)
    drug_exposure_end_date = models.DateField()
    drug_exposure_end_datetime = LocalDateTimeField(null=True, blank=True)
    verbatim_end_date = models.DateField(null=True, blank=True)
    drug_type_concept_id = models.BigIntegerField()
    stop_reason = models.CharField(max_length=20, null=True, blank=True)
    refills = models.IntegerField(null=True, blank=True)
    quantity = FreeNumericField(null=True, blank=True)
    days_supply = models.IntegerField(null=True, blank=True)
    sig = models.TextField(null=True, blank=True)
    route_concept_id = models.BigIntegerField(null=True, blank=True)
    lot_number = models.CharField(max_length=50, null=True, blank=True)
    provider_id = models.BigIntegerField(null=True, blank=True)
    visit_occurrence_id = models.BigIntegerField(null=True, blank=True)
    visit_detail_id = models.BigIntegerField(null=True, blank=True)
    drug_source_value = models.CharField(max_length=50, null=True, blank=True)
    drug_source_concept_id = models.BigIntegerField(null=True, blank=True)
    route_source_value = models.CharField(max_length=50, null=True, blank=True)
    dose_unit_source_value = models.CharField(max_length=50, null=True, blank=True)

    class Meta:
        db_table = "drug_exposure"
        verbose_name = "drug exposure"
        verbose_name_plural = "drug exposures"
        indexes = [
            models.Index(fields=["person_id"], name="idx_drug_person_id_1"),
            models.Index(fields=["drug_concept_id"], name="idx_drug_concept_id_1"),
            models.Index(fields=["visit_occurrence_id"], name="idx_drug_visit_id_1"),
        ]

    def __str__(self) -> str:
        return f"drug exposure {self.drug_exposure_id}"


class ProcedureOccurrence(CdmTable):
    """Something done to a person for diagnosis or treatment."""

    procedure_occurrence_id = models.BigIntegerField(primary_key=True)
    person_id = models.BigIntegerField()
    procedure_concept_id = models.BigIntegerField()
    procedure_date = models.DateField()
    procedure_datetime = LocalDateTimeField(null=True, blank=True)
    procedure_end_date = models.DateField(null=True, blank=True)
    procedure_end_datetime = LocalDateTimeField(null=True, blank=True)
    procedure_type_concept_id = models.BigIntegerField()
    modifier_concept_id = models.BigIntegerField(null=True, blank=True)
    quantity = models.IntegerField(null=True, blank=True)
    provider_id = models.BigIntegerField(null=True, blank=True)
    visit_occurrence_id = models.BigIntegerField(null=True, blank=True)
    visit_detail_id = models.BigIntegerField(null=True, blank=True)
    procedure_source_value = models.CharField(max_length=50, null=True, blank=True)
    procedure_source_concept_id = models.BigIntegerField(null=True, blank=True)
    modifier_source_value = models.CharField(max_length=50, null=True, blank=True)

    class Meta:
        db_table = "procedure_occurrence"
        verbose_name = "procedure occurrence"
        verbose_name_plural = "procedure occurrences"
        indexes = [
            models.Index(fields=["person_id"], name="idx_procedure_person_id_1"),
            models.Index(fields=["procedure_concept_id"], name="idx_procedure_concept_id_1"),
            models.Index(fields=["visit_occurrence_id"], name="idx_procedure_visit_id_1"),
        ]

    def __str__(self) -> str:
        return f"procedure occurrence {self.procedure_occurrence_id}"


class DeviceExposure(CdmTable):
    """A device, implant or supply used on a person."""

    device_exposure_id = models.BigIntegerField(primary_key=True)
    person_id = models.BigIntegerField()
    device_concept_id = models.BigIntegerField()
    device_exposure_start_date = models.DateField()
    device_exposure_start_datetime = LocalDateTimeField(null=True, blank=True)
    device_exposure_end_date = models.DateField(null=True, blank=True)
    device_exposure_end_datetime = LocalDateTimeField(null=True, blank=True)
    device_type_concept_id = models.BigIntegerField()
    unique_device_id = models.CharField(max_length=255, null=True, blank=True)
    production_id = models.CharField(max_length=255, null=True, blank=True)
    quantity = models.IntegerField(null=True, blank=True)
    provider_id = models.BigIntegerField(null=True, blank=True)
    visit_occurrence_id = models.BigIntegerField(null=True, blank=True)
    visit_detail_id = models.BigIntegerField(null=True, blank=True)
    device_source_value = models.CharField(max_length=50, null=True, blank=True)
    device_source_concept_id = models.BigIntegerField(null=True, blank=True)
    unit_concept_id = models.BigIntegerField(null=True, blank=True)
    unit_source_value = models.CharField(max_length=50, null=True, blank=True)
    unit_source_concept_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "device_exposure"
        verbose_name = "device exposure"
        verbose_name_plural = "device exposures"
        indexes = [
            models.Index(fields=["person_id"], name="idx_device_person_id_1"),
            models.Index(fields=["device_concept_id"], name="idx_device_concept_id_1"),
            models.Index(fields=["visit_occurrence_id"], name="idx_device_visit_id_1"),
        ]

    def __str__(self) -> str:
        return f"device exposure {self.device_exposure_id}"


class Measurement(CdmTable):
    """A structured finding by test or examination: laboratory values, vital signs, scores."""

    measurement_id = models.BigIntegerField(primary_key=True)
    person_id = models.BigIntegerField()
    measurement_concept_id = models.BigIntegerField()
    measurement_date = models.DateField()
    measurement_datetime = LocalDateTimeField(null=True, blank=True)
    measurement_time = models.CharField(max_length=10, null=True, blank=True)
    measurement_type_concept_id = models.BigIntegerField()
    operator_concept_id = models.BigIntegerField(null=True, blank=True)
    value_as_number = FreeNumericField(null=True, blank=True)
    value_as_concept_id = models.BigIntegerField(null=True, blank=True)
    unit_concept_id = models.BigIntegerField(null=True, blank=True)
    range_low = FreeNumericField(null=True, blank=True)
    range_high = FreeNumericField(null=True, blank=True)
    provider_id = models.BigIntegerField(null=True, blank=True)
    visit_occurrence_id = models.BigIntegerField(null=True, blank=True)
    visit_detail_id = models.BigIntegerField(null=True, blank=True)
    measurement_source_value = models.CharField(max_length=50, null=True, blank=True)
    measurement_source_concept_id = models.BigIntegerField(null=True, blank=True)
    unit_source_value = models.CharField(max_length=50, null=True, blank=True)
    unit_source_concept_id = models.BigIntegerField(null=True, blank=True)
    value_source_value = models.CharField(max_length=50, null=True, blank=True)
    measurement_event_id = models.BigIntegerField(null=True, blank=True)
    meas_event_field_concept_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "measurement"
        verbose_name = "measurement"
        verbose_name_plural = "measurements"
        indexes = [
            models.Index(fields=["person_id"], name="idx_measurement_person_id_1"),
            models.Index(fields=["measurement_concept_id"], name="idx_measurement_concept_id_1"),
            models.Index(fields=["visit_occurrence_id"], name="idx_measurement_visit_id_1"),
        ]

    def __str__(self) -> str:
        return f"measurement {self.measurement_id}"


class Observation(CdmTable):
    """A fact about a person that no other table is meant for: history, surveys, family."""

    observation_id = models.BigIntegerField(primary_key=True)
    person_id = models.BigIntegerField()
    observation_concept_id = models.BigIntegerField()
    observation_date = models.DateField()
    observation_datetime = LocalDateTimeField(null=True, blank=True)
    observation_type_concept_id = models.BigIntegerField()
    value_as_number = FreeNumericField(null=True, blank=True)
    value_as_string = models.CharField(max_length=60, null=True, blank=True)
    value_as_concept_id = models.BigIntegerField(null=True, blank=True)
    qualifier_concept_id = models.BigIntegerField(null=True, blank=True)
    unit_concept_id = models.BigIntegerField(null=True, blank=True)
    provider_id = models.BigIntegerField(null=True, blank=True)
    visit_occurrence_id = models.BigIntegerField(null=True, blank=True)
    visit_detail_id = models.BigIntegerField(null=True, blank=True)
    observation_source_value = models.CharField(max_length=50, null=True, blank=True)
    observation_source_concept_id = models.BigIntegerField(null=True, blank=True)
    unit_source_value = models.CharField(max_length=50, null=True, blank=True)
    qualifier_source_value = models.CharField(max_length=50, null=True, blank=True)
    value_source_value = models.CharField(max_length=50, null=True, blank=True)
    observation_event_id = models.BigIntegerField(null=True, blank=True)
    obs_event_field_concept_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "observation"
        verbose_name = "observation"
        verbose_name_plural = "observations"
        indexes = [
            models.Index(fields=["person_id"], name="idx_observation_person_id_1"),
            models.Index(fields=["observation_concept_id"], name="idx_observation_concept_id_1"),
            models.Index(fields=["visit_occurrence_id"], name="idx_observation_visit_id_1"),
        ]

    def __str__(self) -> str:
        return f"observation {self.observation_id}"
