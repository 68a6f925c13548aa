"""Clinical data: who the persons are, when they were seen, what was written about them, how they died."""

# ruff: noqa: DJ001 - in the CDM an absent text is NULL, never an empty string.

from django.db import models

from omop.fields import FreeNumericField, LocalDateTimeField
from omop.models.base import CdmTable


class Person(CdmTable):
    """One row a person, with what is known of birth, sex, race and ethnicity."""

    person_id = models.BigIntegerField(primary_key=True)
    gender_concept_id = models.BigIntegerField()
    year_of_birth = models.IntegerField()
    month_of_birth = models.IntegerField(null=True, blank=True)
    day_of_birth = models.IntegerField(null=True, blank=True)
    birth_datetime = LocalDateTimeField(null=True, blank=True)
    race_concept_id = models.BigIntegerField()
    ethnicity_concept_id = models.BigIntegerField()
    location_id = models.BigIntegerField(null=True, blank=True)
    provider_id = models.BigIntegerField(null=True, blank=True)
    care_site_id = models.BigIntegerField(null=True, blank=True)
    person_source_value = models.CharField(max_length=50, null=True, blank=True)
    gender_source_value = models.CharField(max_length=50, null=True, blank=True)
    gender_source_concept_id = models.BigIntegerField(null=True, blank=True)
    race_source_value = models.CharField(max_length=50, null=True, blank=True)
    race_source_concept_id = models.BigIntegerField(null=True, blank=True)
    ethnicity_source_value = models.CharField(max_length=50, null=True, blank=True)
    ethnicity_source_concept_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "person"
        verbose_name = "person"
        verbose_name_plural = "persons"
        indexes = [models.Index(fields=["gender_concept_id"], name="idx_gender")]

    def __str__(self) -> str:
        return f"person {self.person_id}"


class ObservationPeriod(CdmTable):
    """A span in which events of the person would have been recorded."""

    observation_period_id = models.BigIntegerField(primary_key=True)
    person_id = models.BigIntegerField()
    observation_period_start_date = models.DateField()
    observation_period_end_date = models.DateField()
    period_type_concept_id = models.BigIntegerField()

    class Meta:
        db_table = "observation_period"
        verbose_name = "observation period"
        verbose_name_plural = "observation periods"
        indexes = [models.Index(fields=["person_id"], name="idx_observation_period_id_1")]

    def __str__(self) -> str:
        return f"observation period {self.observation_period_id}"


class VisitOccurrence(CdmTable):
    """One contact of a person with the health system; cases are made from these."""

    visit_occurrence_id = models.BigIntegerField(primary_key=True)
    person_id = models.BigIntegerField()
    visit_concept_id = models.BigIntegerField()
    visit_start_date = models.DateField()
    visit_start_datetime = LocalDateTimeField(null=True, blank=True)
    visit_end_date = models.DateField()
    visit_end_datetime = LocalDateTimeField(null=True, blank=True)
    visit_type_concept_id = models.BigIntegerField()
    provider_id = models.BigIntegerField(null=True, blank=True)
    care_site_id = models.BigIntegerField(null=True, blank=True)
    visit_source_value = models.CharField(max_length=50, null=True, blank=True)
    visit_source_concept_id = models.BigIntegerField(null=True, blank=True)
    admitted_from_concept_id = models.BigIntegerField(null=True, blank=True)
    admitted_from_source_value = models.CharField(max_length=50, null=True, blank=True)
    discharged_to_concept_id = models.BigIntegerField(null=True, blank=True)
    discharged_to_source_value = models.CharField(max_length=50, null=True, blank=True)
    preceding_visit_occurrence_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "visit_occurrence"
        verbose_name = "visit occurrence"
        verbose_name_plural = "visit occurrences"
        indexes = [
            models.Index(fields=["person_id"], name="idx_visit_person_id_1"),
            models.Index(fields=["visit_concept_id"], name="idx_visit_concept_id_1"),
        ]

    def __str__(self) -> str:
        return f"visit occurrence {self.visit_occurrence_id}"


class VisitDetail(CdmTable):
    """A part of a visit, such as a stay on one ward."""

    visit_detail_id = models.BigIntegerField(primary_key=True)
    person_id = models.BigIntegerField()
    visit_detail_concept_id = models.BigIntegerField()
    visit_detail_start_date = models.DateField()
    visit_detail_start_datetime = LocalDateTimeField(null=True, blank=True)
    visit_detail_end_date = models.DateField()
    visit_detail_end_datetime = LocalDateTimeField(null=True, blank=True)
    visit_detail_type_concept_id = models.BigIntegerField()
    provider_id = models.BigIntegerField(null=True, blank=True)
    care_site_id = models.BigIntegerField(null=True, blank=True)
    visit_detail_source_value = models.CharField(max_length=50, null=True, blank=True)
    visit_detail_source_concept_id = models.BigIntegerField(null=True, blank=True)
    admitted_from_concept_id = models.BigIntegerField(null=True, blank=True)
    admitted_from_source_value = models.CharField(max_length=50, null=True, blank=True)
    discharged_to_source_value = models.CharField(max_length=50, null=True, blank=True)
    discharged_to_concept_id = models.BigIntegerField(null=True, blank=True)
    preceding_visit_detail_id = models.BigIntegerField(null=True, blank=True)
    parent_visit_detail_id = models.BigIntegerField(null=True, blank=True)
    visit_occurrence_id = models.BigIntegerField()

    class Meta:
        db_table = "visit_detail"
        verbose_name = "visit detail"
        verbose_name_plural = "visit details"
        indexes = [
            models.Index(fields=["person_id"], name="idx_visit_det_person_id_1"),
            models.Index(fields=["visit_detail_concept_id"], name="idx_visit_det_concept_id_1"),
            models.Index(fields=["visit_occurrence_id"], name="idx_visit_det_occ_id"),
        ]

    def __str__(self) -> str:
        return f"visit detail {self.visit_detail_id}"


class Death(CdmTable):
    """That and when a person died. No key in the CDM: real data hold several rows a person."""

    id = models.BigAutoField(primary_key=True)  # surrogate: the CDM gives this table no key
    person_id = models.BigIntegerField()
    death_date = models.DateField()
    death_datetime = LocalDateTimeField(null=True, blank=True)
    death_type_concept_id = models.BigIntegerField(null=True, blank=True)
    cause_concept_id = models.BigIntegerField(null=True, blank=True)
    cause_source_value = models.CharField(max_length=50, null=True, blank=True)
    cause_source_concept_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "death"
        verbose_name = "death"
        verbose_name_plural = "deaths"
        indexes = [models.Index(fields=["person_id"], name="idx_death_person_id_1")]

    def __str__(self) -> str:
        return f"death {self.id}"


class Note(CdmTable):
    """Free text written about a person."""

    note_id = models.BigIntegerField(primary_key=True)
    person_id = models.BigIntegerField()
    note_date = models.DateField()
    note_datetime = LocalDateTimeField(null=True, blank=True)
    note_type_concept_id = models.BigIntegerField()
    note_class_concept_id = models.BigIntegerField()
    note_title = models.CharField(max_length=250, null=True, blank=True)
    note_text = models.TextField()
    encoding_concept_id = models.BigIntegerField()
    language_concept_id = models.BigIntegerField()
    provider_id = models.BigIntegerField(null=True, blank=True)
    visit_occurrence_id = models.BigIntegerField(null=True, blank=True)
    visit_detail_id = models.BigIntegerField(null=True, blank=True)
    note_source_value = models.CharField(max_length=50, null=True, blank=True)
    note_event_id = models.BigIntegerField(null=True, blank=True)
    note_event_field_concept_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "note"
        verbose_name = "note"
        verbose_name_plural = "notes"
        indexes = [
            models.Index(fields=["person_id"], name="idx_note_person_id_1"),
            models.Index(fields=["note_type_concept_id"], name="idx_note_concept_id_1"),
            models.Index(fields=["visit_occurrence_id"], name="idx_note_visit_id_1"),
        ]

    def __str__(self) -> str:
        return f"note {self.note_id}"


class NoteNlp(CdmTable):
    """One term that a language processor found in a note."""

    note_nlp_id = models.BigIntegerField(primary_key=True)
    note_id = models.BigIntegerField()
    section_concept_id = models.BigIntegerField(null=True, blank=True)
    snippet = models.CharField(max_length=250, null=True, blank=True)
    offset = models.CharField(max_length=50, null=True, blank=True)
    lexical_variant = models.CharField(max_length=250)
    note_nlp_concept_id = models.BigIntegerField(null=True, blank=True)
    note_nlp_source_concept_id = models.BigIntegerField(null=True, blank=True)
    nlp_system = models.CharField(max_length=250, null=True, blank=True)
    nlp_date = models.DateField()
    nlp_datetime = LocalDateTimeField(null=True, blank=True)
    term_exists = models.CharField(max_length=1, null=True, blank=True)
    term_temporal = models.CharField(max_length=50, null=True, blank=True)
    term_modifiers = models.CharField(max_length=2000, null=True, blank=True)

    class Meta:
        db_table = "note_nlp"
        verbose_name = "note NLP term"
        verbose_name_plural = "note NLP terms"
        indexes = [
            models.Index(fields=["note_id"], name="idx_note_nlp_note_id_1"),
            models.Index(fields=["note_nlp_concept_id"], name="idx_note_nlp_concept_id_1"),
        ]

    def __str__(self) -> str:
        return f"note NLP term {self.note_nlp_id}"


class Specimen(CdmTable):
    """A biological sample taken from a person."""

    specimen_id = models.BigIntegerField(primary_key=True)
    person_id = models.BigIntegerField()
    specimen_concept_id = models.BigIntegerField()
    specimen_type_concept_id = models.BigIntegerField()
    specimen_date = models.DateField()
    specimen_datetime = LocalDateTimeField(null=True, blank=True)
    quantity = FreeNumericField(null=True, blank=True)
    unit_concept_id = models.BigIntegerField(null=True, blank=True)
    anatomic_site_concept_id = models.BigIntegerField(null=True, blank=True)
    disease_status_concept_id = models.BigIntegerField(null=True, blank=True)
    specimen_source_id = models.CharField(max_length=50, null=True, blank=True)
    specimen_source_value = models.CharField(max_length=50, null=True, blank=True)
    unit_source_value = models.CharField(max_length=50, null=True, blank=True)
    anatomic_site_source_value = models.CharField(max_length=50, null=True, blank=True)
    disease_status_source_value = models.CharField(max_length=50, null=True, blank=True)

    class Meta:
        db_table = "specimen"
        verbose_name = "specimen"
        verbose_name_plural = "specimens"
        indexes = [
            models.Index(fields=["person_id"], name="idx_specimen_person_id_1"),
            models.Index(fields=["specimen_concept_id"], name="idx_specimen_concept_id_1"),
        ]

    def __str__(self) -> str:
        return f"specimen {self.specimen_id}"


class FactRelationship(CdmTable):
    """A link between two rows of any two tables."""

    id = models.BigAutoField(primary_key=True)  # surrogate: the CDM gives this table no key
    domain_concept_id_1 = models.BigIntegerField()
    fact_id_1 = models.BigIntegerField()
    domain_concept_id_2 = models.BigIntegerField()
    fact_id_2 = models.BigIntegerField()
    relationship_concept_id = models.BigIntegerField()

    class Meta:
        db_table = "fact_relationship"
        verbose_name = "fact relationship"
        verbose_name_plural = "fact relationships"
        indexes = [
            models.Index(fields=["domain_concept_id_1"], name="idx_fact_relationship_id1"),
            models.Index(fields=["domain_concept_id_2"], name="idx_fact_relationship_id2"),
            models.Index(fields=["relationship_concept_id"], name="idx_fact_relationship_id3"),
        ]

    def __str__(self) -> str:
        return f"fact relationship {self.id}"
