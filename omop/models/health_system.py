"""Health system: where care is given, and by whom."""

# ruff: noqa: DJ001 - in the CDM an absent text is NULL, never an empty string.

from django.db import models

from omop.fields import FreeNumericField
from omop.models.base import CdmTable


class Location(CdmTable):
    """An address or area."""

    location_id = models.BigIntegerField(primary_key=True)
    address_1 = models.CharField(max_length=50, null=True, blank=True)
    address_2 = models.CharField(max_length=50, null=True, blank=True)
    city = models.CharField(max_length=50, null=True, blank=True)
    state = models.CharField(max_length=2, null=True, blank=True)
    zip = models.CharField(max_length=9, null=True, blank=True)
    county = models.CharField(max_length=20, null=True, blank=True)
    location_source_value = models.CharField(max_length=50, null=True, blank=True)
    country_concept_id = models.BigIntegerField(null=True, blank=True)
    country_source_value = models.CharField(max_length=80, null=True, blank=True)
    latitude = FreeNumericField(null=True, blank=True)
    longitude = FreeNumericField(null=True, blank=True)

    class Meta:
        db_table = "location"
        verbose_name = "location"
        verbose_name_plural = "locations"

    def __str__(self) -> str:
        return f"location {self.location_id}"


class CareSite(CdmTable):
    """An organisational unit where care is given."""

    care_site_id = models.BigIntegerField(primary_key=True)
    care_site_name = models.CharField(max_length=255, null=True, blank=True)
    place_of_service_concept_id = models.BigIntegerField(null=True, blank=True)
    location_id = models.BigIntegerField(null=True, blank=True)
    care_site_source_value = models.CharField(max_length=50, null=True, blank=True)
    place_of_service_source_value = models.CharField(max_length=50, null=True, blank=True)

    class Meta:
        db_table = "care_site"
        verbose_name = "care site"
        verbose_name_plural = "care sites"

    def __str__(self) -> str:
        return f"care site {self.care_site_id}"


class Provider(CdmTable):
    """A person who gives care."""

    provider_id = models.BigIntegerField(primary_key=True)
    provider_name = models.CharField(max_length=255, null=True, blank=True)
    npi = models.CharField(max_length=20, null=True, blank=True)
    dea = models.CharField(max_length=20, null=True, blank=True)
    specialty_concept_id = models.BigIntegerField(null=True, blank=True)
    care_site_id = models.BigIntegerField(null=True, blank=True)
    year_of_birth = models.IntegerField(null=True, blank=True)
    gender_concept_id = models.BigIntegerField(null=True, blank=True)
    provider_source_value = models.CharField(max_length=50, null=True, blank=True)
    specialty_source_value = models.CharField(max_length=50, null=True, blank=True)
    specialty_source_concept_id = models.BigIntegerField(null=True, blank=True)
    gender_source_value = models.CharField(max_length=50, null=True, blank=True)
    gender_source_concept_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "provider"
        verbose_name = "provider"
        verbose_name_plural = "providers"

    def __str__(self) -> str:
        return f"provider {self.provider_id}"
