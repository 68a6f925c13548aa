"""Metadata: where the data come from and how they were made."""

# ruff: noqa: DJ001 - in the CDM an absent text is NULL, never an empty string.

from django.db import models

from omop.fields import FreeNumericField, LocalDateTimeField
from omop.models.base import CdmTable


class Metadata(CdmTable):
    """A fact about the data set itself."""

    metadata_id = models.BigIntegerField(primary_key=True)
    metadata_concept_id = models.BigIntegerField()
    metadata_type_concept_id = models.BigIntegerField()
    name = models.CharField(max_length=250)
    value_as_string = models.CharField(max_length=250, null=True, blank=True)
    value_as_concept_id = models.BigIntegerField(null=True, blank=True)
    value_as_number = FreeNumericField(null=True, blank=True)
    metadata_date = models.DateField(null=True, blank=True)
    metadata_datetime = LocalDateTimeField(null=True, blank=True)

    class Meta:
        db_table = "metadata"
        verbose_name = "metadata"
        verbose_name_plural = "metadata"
        indexes = [models.Index(fields=["metadata_concept_id"], name="idx_metadata_concept_id_1")]

    def __str__(self) -> str:
        return f"metadata {self.metadata_id}"


class CdmSource(CdmTable):
    """Where the data set comes from, and its versions."""

    id = models.BigAutoField(primary_key=True)  # surrogate: the CDM gives this table no key
    cdm_source_name = models.CharField(max_length=255)
    cdm_source_abbreviation = models.CharField(max_length=25)
    cdm_holder = models.CharField(max_length=255)
    source_description = models.TextField(null=True, blank=True)
    source_documentation_reference = models.CharField(max_length=255, null=True, blank=True)
    cdm_etl_reference = models.CharField(max_length=255, null=True, blank=True)
    source_release_date = models.DateField()
    cdm_release_date = models.DateField()
    cdm_version = models.CharField(max_length=10, null=True, blank=True)
    cdm_version_concept_id = models.BigIntegerField()
    vocabulary_version = models.CharField(max_length=20)

    class Meta:
        db_table = "cdm_source"
        verbose_name = "CDM source"
        verbose_name_plural = "CDM sources"

    def __str__(self) -> str:
        return f"CDM source {self.id}"
