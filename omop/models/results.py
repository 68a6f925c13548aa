"""Results: cohorts of persons and how they are defined."""

# ruff: noqa: DJ001 - in the CDM an absent text is NULL, never an empty string.

from django.db import models

from omop.models.base import CdmTable


class Cohort(CdmTable):
    """A subject who meets a definition in a span."""

    id = models.BigAutoField(primary_key=True)  # surrogate: the CDM gives this table no key
    cohort_definition_id = models.BigIntegerField()
    subject_id = models.BigIntegerField()
    cohort_start_date = models.DateField()
    cohort_end_date = models.DateField()

    class Meta:
        db_table = "cohort"
        verbose_name = "cohort"
        verbose_name_plural = "cohorts"

    def __str__(self) -> str:
        return f"cohort {self.id}"


class CohortDefinition(CdmTable):
    """What a cohort is and how it is found."""

    id = models.BigAutoField(primary_key=True)  # surrogate: the CDM gives this table no key
    cohort_definition_id = models.BigIntegerField()
    cohort_definition_name = models.CharField(max_length=255)
    cohort_definition_description = models.TextField(null=True, blank=True)
    definition_type_concept_id = models.BigIntegerField()
    cohort_definition_syntax = models.TextField(null=True, blank=True)
    subject_concept_id = models.BigIntegerField()
    cohort_initiation_date = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "cohort_definition"
        verbose_name = "cohort definition"
        verbose_name_plural = "cohort definitions"

    def __str__(self) -> str:
        return f"cohort definition {self.id}"
