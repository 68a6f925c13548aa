"""Derived elements: spans of time computed from clinical events."""

# ruff: noqa: DJ001 - in the CDM an absent text is NULL, never an empty string.

from django.db import models

from omop.fields import FreeNumericField, LocalDateTimeField
from omop.models.base import CdmTable


class DrugEra(CdmTable):
    """A span in which a person is taken to be exposed to an ingredient."""

    drug_era_id = models.BigIntegerField(primary_key=True)
    person_id = models.BigIntegerField()
    drug_concept_id = models.BigIntegerField()
    drug_era_start_date = models.DateField()
    drug_era_end_date = models.DateField()
    drug_exposure_count = models.IntegerField(null=True, blank=True)
    gap_days = models.IntegerField(null=True, blank=True)

    class Meta:
        db_table = "drug_era"
        verbose_name = "drug era"
        verbose_name_plural = "drug eras"
        indexes = [
            models.Index(fields=["person_id"], name="idx_drug_era_person_id_1"),
            models.Index(fields=["drug_concept_id"], name="idx_drug_era_concept_id_1"),
        ]

    def __str__(self) -> str:
        return f"drug era {self.drug_era_id}"


class DoseEra(CdmTable):
    """A span of exposure to an ingredient at one constant dose."""

    dose_era_id = models.BigIntegerField(primary_key=True)
    person_id = models.BigIntegerField()
    drug_concept_id = models.BigIntegerField()
    unit_concept_id = models.BigIntegerField()
    dose_value = FreeNumericField()
    dose_era_start_date = models.DateField()
    dose_era_end_date = models.DateField()

    class Meta:
        db_table = "dose_era"
        verbose_name = "dose era"
        verbose_name_plural = "dose eras"
        indexes = [
            models.Index(fields=["person_id"], name="idx_dose_era_person_id_1"),
            models.Index(fields=["drug_concept_id"], name="idx_dose_era_concept_id_1"),
        ]

    def __str__(self) -> str:
        return f"dose era {self.dose_era_id}"


class ConditionEra(CdmTable):
    """A span in which a person is taken to have a condition."""

    condition_era_id = models.BigIntegerField(primary_key=True)
    person_id = models.BigIntegerField()
    condition_concept_id = models.BigIntegerField()
    condition_era_start_date = models.DateField()
    condition_era_end_date = models.DateField()
    condition_occurrence_count = models.IntegerField(null=True, blank=True)

    class Meta:
        db_table = "condition_era"
        verbose_name = "condition era"
        verbose_name_plural = "condition eras"
        indexes = [
            models.Index(fields=["person_id"], name="idx_condition_era_person_id_1"),
            models.Index(fields=["condition_concept_id"], name="idx_condition_era_concept_id_1"),
        ]

    def __str__(self) -> str:
        return f"condition era {self.condition_era_id}"


class Episode(CdmTable):
    """A disease phase or treatment regimen that groups events."""

    episode_id = models.BigIntegerField(primary_key=True)
    person_id = models.BigIntegerField()
    episode_concept_id = models.BigIntegerField()
    episode_start_date = models.DateField()
    episode_start_datetime = LocalDateTimeField(null=True, blank=True)
    episode_end_date = models.DateField(null=True, blank=True)
    episode_end_datetime = LocalDateTimeField(null=True, blank=True)
    episode_parent_id = models.BigIntegerField(null=True, blank=True)
    episode_number = models.IntegerField(null=True, blank=True)
    episode_object_concept_id = models.BigIntegerField()
    episode_type_concept_id = models.BigIntegerField()
    episode_source_value = models.CharField(max_length=50, null=True, blank=True)
    episode_source_concept_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "episode"
        verbose_name = "episode"
        verbose_name_plural = "episodes"

    def __str__(self) -> str:
        return f"episode {self.episode_id}"


class EpisodeEvent(CdmTable):
    """One event that belongs to an episode."""

    id = models.BigAutoField(primary_key=True)  # surrogate: the CDM gives this table no key
    episode_id = models.BigIntegerField()
    event_id = models.BigIntegerField()
    episode_event_field_concept_id = models.BigIntegerField()

    class Meta:
        db_table = "episode_event"
        verbose_name = "episode event"
        verbose_name_plural = "episode events"

    def __str__(self) -> str:
        return f"episode event {self.id}"
