"""Standardized vocabularies: the concepts all other tables point to, and how they relate."""

# ruff: noqa: DJ001 - in the CDM an absent text is NULL, never an empty string.

from django.db import models

from omop.fields import FreeNumericField
from omop.models.base import CdmTable


class Concept(CdmTable):
    """One meaning, with its code, vocabulary and domain."""

    concept_id = models.BigIntegerField(primary_key=True)
    concept_name = models.CharField(max_length=255)
    domain_id = models.CharField(max_length=20)
    vocabulary_id = models.CharField(max_length=20)
    concept_class_id = models.CharField(max_length=20)
    standard_concept = models.CharField(max_length=1, null=True, blank=True)
    concept_code = models.CharField(max_length=50)
    valid_start_date = models.DateField()
    valid_end_date = models.DateField()
    invalid_reason = models.CharField(max_length=1, null=True, blank=True)

    class Meta:
        db_table = "concept"
        verbose_name = "concept"
        verbose_name_plural = "concepts"
        indexes = [
            models.Index(fields=["concept_code"], name="idx_concept_code"),
            models.Index(fields=["vocabulary_id"], name="idx_concept_vocabluary_id"),
            models.Index(fields=["domain_id"], name="idx_concept_domain_id"),
            models.Index(fields=["concept_class_id"], name="idx_concept_class_id"),
            # Search by the beginning of a name: on PostgreSQL LIKE 'x%' needs this operator class.
            models.Index(fields=["concept_name"], name="concept_name_prefix", opclasses=["varchar_pattern_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.shown_name} ({self.concept_id})"

    @property
    def shown_name(self) -> str:
        """The name; the vocabulary and code where it is empty, as the names of CPT4 are in a download."""
        return self.concept_name or f"{self.vocabulary_id} {self.concept_code}"


class Vocabulary(CdmTable):
    """A vocabulary that concepts come from. One is really called "None"."""

    vocabulary_id = models.CharField(max_length=20, primary_key=True)
    vocabulary_name = models.CharField(max_length=255)
    vocabulary_reference = models.CharField(max_length=255, null=True, blank=True)
    vocabulary_version = models.CharField(max_length=255, null=True, blank=True)
    vocabulary_concept_id = models.BigIntegerField()

    class Meta:
        db_table = "vocabulary"
        verbose_name = "vocabulary"
        verbose_name_plural = "vocabularies"

    def __str__(self) -> str:
        return self.vocabulary_id


class Domain(CdmTable):
    """A subject area of concepts."""

    domain_id = models.CharField(max_length=20, primary_key=True)
    domain_name = models.CharField(max_length=255)
    domain_concept_id = models.BigIntegerField()

    class Meta:
        db_table = "domain"
        verbose_name = "domain"
        verbose_name_plural = "domains"

    def __str__(self) -> str:
        return self.domain_id


class ConceptClass(CdmTable):
    """A class of concepts within a vocabulary."""

    concept_class_id = models.CharField(max_length=20, primary_key=True)
    concept_class_name = models.CharField(max_length=255)
    concept_class_concept_id = models.BigIntegerField()

    class Meta:
        db_table = "concept_class"
        verbose_name = "concept class"
        verbose_name_plural = "concept classes"

    def __str__(self) -> str:
        return self.concept_class_id


class ConceptRelationship(CdmTable):
    """A directed link between two concepts."""

    id = models.BigAutoField(primary_key=True)  # surrogate: the CDM gives this table no key
    concept_id_1 = models.BigIntegerField()
    concept_id_2 = models.BigIntegerField()
    relationship_id = models.CharField(max_length=20)
    valid_start_date = models.DateField()
    valid_end_date = models.DateField()
    invalid_reason = models.CharField(max_length=1, null=True, blank=True)

    class Meta:
        db_table = "concept_relationship"
        verbose_name = "concept relationship"
        verbose_name_plural = "concept relationships"
        indexes = [
            models.Index(fields=["concept_id_1"], name="idx_concept_relationship_id_1"),
            models.Index(fields=["concept_id_2"], name="idx_concept_relationship_id_2"),
        ]

    def __str__(self) -> str:
        return f"concept relationship {self.id}"


class Relationship(CdmTable):
    """A kind of link between concepts."""

    relationship_id = models.CharField(max_length=20, primary_key=True)
    relationship_name = models.CharField(max_length=255)
    is_hierarchical = models.CharField(max_length=1)
    defines_ancestry = models.CharField(max_length=1)
    reverse_relationship_id = models.CharField(max_length=20)
    relationship_concept_id = models.BigIntegerField()

    class Meta:
        db_table = "relationship"
        verbose_name = "relationship"
        verbose_name_plural = "relationships"

    def __str__(self) -> str:
        return self.relationship_id


class ConceptSynonym(CdmTable):
    """A further name of a concept."""

    id = models.BigAutoField(primary_key=True)  # surrogate: the CDM gives this table no key
    concept_id = models.BigIntegerField()
    concept_synonym_name = models.CharField(max_length=1000)
    language_concept_id = models.BigIntegerField()

    class Meta:
        db_table = "concept_synonym"
        verbose_name = "concept synonym"
        verbose_name_plural = "concept synonyms"
        indexes = [models.Index(fields=["concept_id"], name="idx_concept_synonym_id")]

    def __str__(self) -> str:
        return f"concept synonym {self.id}"


class ConceptAncestor(CdmTable):
    """A concept and one of its descendants, itself included, with their distance."""

    id = models.BigAutoField(primary_key=True)  # surrogate: the CDM gives this table no key
    ancestor_concept_id = models.BigIntegerField()
    descendant_concept_id = models.BigIntegerField()
    min_levels_of_separation = models.IntegerField()
    max_levels_of_separation = models.IntegerField()

    class Meta:
        db_table = "concept_ancestor"
        verbose_name = "concept ancestor"
        verbose_name_plural = "concept ancestors"
        indexes = [
            # Both columns: what lies below a concept is read from the index alone, and a pair is found by it.
            models.Index(fields=["ancestor_concept_id", "descendant_concept_id"], name="idx_concept_ancestor_id_1"),
            models.Index(fields=["descendant_concept_id"], name="idx_concept_ancestor_id_2"),
        ]

    def __str__(self) -> str:
        return f"concept ancestor {self.id}"


class SourceToConceptMap(CdmTable):
    """A local code and the concept it is mapped to."""

    id = models.BigAutoField(primary_key=True)  # surrogate: the CDM gives this table no key
    source_code = models.CharField(max_length=50)
    source_concept_id = models.BigIntegerField()
    source_vocabulary_id = models.CharField(max_length=20)
    source_code_description = models.CharField(max_length=255, null=True, blank=True)
    target_concept_id = models.BigIntegerField()
    target_vocabulary_id = models.CharField(max_length=20)
    valid_start_date = models.DateField()
    valid_end_date = models.DateField()
    invalid_reason = models.CharField(max_length=1, null=True, blank=True)

    class Meta:
        db_table = "source_to_concept_map"
        verbose_name = "source to concept map"
        verbose_name_plural = "source to concept maps"
        indexes = [
            models.Index(fields=["target_concept_id"], name="idx_source_to_concept_map_3"),
            models.Index(fields=["source_vocabulary_id"], name="idx_source_to_concept_map_1"),
            models.Index(fields=["target_vocabulary_id"], name="idx_source_to_concept_map_2"),
            models.Index(fields=["source_code"], name="idx_source_to_concept_map_c"),
        ]

    def __str__(self) -> str:
        return f"source to concept map {self.id}"


class DrugStrength(CdmTable):
    """How much of an ingredient a drug product holds."""

    id = models.BigAutoField(primary_key=True)  # surrogate: the CDM gives this table no key
    drug_concept_id = models.BigIntegerField()
    ingredient_concept_id = models.BigIntegerField()
    amount_value = FreeNumericField(null=True, blank=True)
    amount_unit_concept_id = models.BigIntegerField(null=True, blank=True)
    numerator_value = FreeNumericField(null=True, blank=True)
    numerator_unit_concept_id = models.BigIntegerField(null=True, blank=True)
    denominator_value = FreeNumericField(null=True, blank=True)
    denominator_unit_concept_id = models.BigIntegerField(null=True, blank=True)
    box_size = models.IntegerField(null=True, blank=True)
    valid_start_date = models.DateField()
    valid_end_date = models.DateField()
    invalid_reason = models.CharField(max_length=1, null=True, blank=True)

    class Meta:
        db_table = "drug_strength"
        verbose_name = "drug strength"
        verbose_name_plural = "drug strengths"
        indexes = [
            models.Index(fields=["drug_concept_id"], name="idx_drug_strength_id_1"),
            models.Index(fields=["ingredient_concept_id"], name="idx_drug_strength_id_2"),
        ]

    def __str__(self) -> str:
        return f"drug strength {self.id}"
