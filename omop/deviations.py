"""Where the models differ from the specification of CDM 5.4, and why: the one list, checked by a test.

Whatever is not here is as specified: names, order, length, nullability, key.
"""

# Type of the specification to Django field classes that stand for it.
FIELD_TYPES: dict[str, tuple[str, ...]] = {
    # Ids are 64 bit wherever a column names a row of some table or a concept: sites have ids beyond 32 bits, and
    # negative ones. OHDSI calls its integer a minimum.
    "integer": ("IntegerField", "BigIntegerField"),
    "float": ("FreeNumericField",),  # numeric without precision
    "date": ("DateField",),
    "datetime": ("LocalDateTimeField",),  # timestamp without time zone
    "varchar": ("CharField",),
    "text": ("TextField",),
}

# The integer columns that are no ids and stay at 32 bits.
INTEGERS_32_BIT: frozenset[str] = frozenset(
    {
        "year_of_birth",
        "month_of_birth",
        "day_of_birth",
        "refills",
        "days_supply",
        "quantity",
        "drug_exposure_count",
        "gap_days",
        "condition_occurrence_count",
        "episode_number",
        "min_levels_of_separation",
        "max_levels_of_separation",
        "box_size",
    }
)

# Tables without a key in the CDM get a surrogate `id`: Django's admin can show no table without a single key.
SURROGATE_KEY = "id"
KEYLESS_TABLES: frozenset[str] = frozenset(
    {
        "death",
        "fact_relationship",
        "episode_event",
        "cdm_source",
        "concept_relationship",
        "concept_synonym",
        "concept_ancestor",
        "source_to_concept_map",
        "drug_strength",
        "cohort",
        "cohort_definition",
    }
)

# No reference is a database constraint; see docs/decisions/0010-omop-plain-columns.md.

# Indexes of OHDSI's script that only repeat a primary key, and are left out.
REDUNDANT_INDEXES: frozenset[str] = frozenset(
    {
        "idx_person_id",
        "idx_location_id_1",
        "idx_care_site_id_1",
        "idx_provider_id_1",
        "idx_concept_concept_id",
        "idx_vocabulary_vocabulary_id",
        "idx_domain_domain_id",
        "idx_concept_class_class_id",
        "idx_relationship_rel_id",
    }
)

# An index of OHDSI's script that no question here needs: some hundred kinds of relationship for 39 million rows.
UNSELECTIVE_INDEXES: frozenset[str] = frozenset({"idx_concept_relationship_id_3"})

# Indexes that OHDSI's script has not. concept_name_trigrams is made by SQL, so it is in no model.
ADDED_INDEXES: frozenset[str] = frozenset({"concept_name_prefix"})  # search by name in the admin
