"""The checks by code: what each asks, how grave a failure is, how much it tolerates.

Most are those of OHDSI's Data Quality Dashboard 2.8.4 (Kahn et al. 2016 name the categories), with its thresholds for
what is a warning here. `visit_same_person` and the keys of keyless tables are this project's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Level(StrEnum):
    """What a failure does."""

    REFUSE = "refuse"  # the run is refused, whatever the threshold
    REJECT = "reject"  # the row is rejected; more of them than the threshold refuse the run
    WARN = "warn"  # the rows load; more of them than the threshold are told as a warning


class Outcome(StrEnum):
    """`not_applicable`: there was no row to ask, which is not the same as having passed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"


class Category(StrEnum):
    """Kahn's categories of data quality."""

    CONFORMANCE = "conformance"
    COMPLETENESS = "completeness"
    PLAUSIBILITY = "plausibility"


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of check. `threshold` is the tolerated percentage of rows, where no option says another."""

    code: str
    level: Level
    category: Category
    question: str
    threshold: float = 0.0


_CHECKS = (
    # While reading
    Check("table_known", Level.REFUSE, Category.CONFORMANCE, "Is the file a table of CDM 5.4?"),
    Check("file_readable", Level.REFUSE, Category.CONFORMANCE, "Can the file be read, and has it a header?"),
    Check("columns_known", Level.REFUSE, Category.CONFORMANCE, "Is each column of the file one of the table, once?"),
    Check("columns_required", Level.REFUSE, Category.CONFORMANCE, "Are the required columns there?"),
    Check("record_readable", Level.REJECT, Category.CONFORMANCE, "Can each record be read?"),
    Check("field_count", Level.REJECT, Category.CONFORMANCE, "Has each line as many fields as the header?"),
    Check("value_type", Level.REJECT, Category.CONFORMANCE, "Is each value of its column's type?"),
    Check("value_length", Level.REJECT, Category.CONFORMANCE, "Does each text fit its column?"),
    Check("value_truncated", Level.WARN, Category.CONFORMANCE, "Which texts were shortened, as said, to fit?"),
    Check("value_required", Level.REJECT, Category.COMPLETENESS, "Has each required column a value?"),
    Check("cpt4_named", Level.WARN, Category.COMPLETENESS, "Have the concepts of CPT4 their names?"),
    # Keys
    Check("primary_key_unique", Level.REJECT, Category.CONFORMANCE, "Is each key there once in the files?"),
    Check("natural_key_unique", Level.REJECT, Category.CONFORMANCE, "Is each row of a table without key there once?"),
    Check("duplicate_left_out", Level.WARN, Category.CONFORMANCE, "Is each row loaded, none left out as said?", 100.0),
    Check("key_conflict", Level.REJECT, Category.CONFORMANCE, "Is a known key there with the same content?"),
    Check("death_single", Level.WARN, Category.PLAUSIBILITY, "Has each person at most one death?"),
    # References
    Check("person_exists", Level.REJECT, Category.CONFORMANCE, "Is each row's person there?"),
    Check("reference_exists", Level.REJECT, Category.CONFORMANCE, "Is there what a row refers to?"),
    Check("visit_same_person", Level.REJECT, Category.CONFORMANCE, "Is each row's visit the same person's?"),
    Check("rows_that_stay", Level.REFUSE, Category.CONFORMANCE, "Keep the rows of other tables what they refer to?"),
    Check("concept_exists", Level.WARN, Category.CONFORMANCE, "Is each concept in the vocabulary?"),
    Check("vocabulary_exists", Level.WARN, Category.CONFORMANCE, "Are vocabularies, domains and classes there?"),
    Check("concept_domain", Level.WARN, Category.CONFORMANCE, "Is each concept of its column's domain?"),
    Check("concept_standard", Level.WARN, Category.CONFORMANCE, "Is each concept of a standard column standard?"),
    Check("concept_mapped", Level.WARN, Category.COMPLETENESS, "How many rows have no standard concept (0)?", 5.0),
    Check("source_values_mapped", Level.WARN, Category.COMPLETENESS, "How many distinct source values map to 0?", 10.0),
    # Times
    Check("start_before_end", Level.REJECT, Category.PLAUSIBILITY, "Is each start at or before its end?"),
    Check("date_matches_datetime", Level.WARN, Category.PLAUSIBILITY, "Is each date the day of its time?"),
    Check("after_birth", Level.WARN, Category.PLAUSIBILITY, "Is each event at or after the birth?", 1.0),
    Check("before_death", Level.WARN, Category.PLAUSIBILITY, "Is each event within 60 days of the death?", 1.0),
    Check("within_visit", Level.WARN, Category.PLAUSIBILITY, "Is each event within a week of its visit?", 5.0),
    Check("observation_period_exists", Level.WARN, Category.COMPLETENESS, "Has each person an observation period?"),
    Check("observation_periods_apart", Level.REJECT, Category.PLAUSIBILITY, "Are observation periods apart?"),
    Check("plausible_date", Level.WARN, Category.PLAUSIBILITY, "Are dates within the range said?", 1.0),
    Check("plausible_unit", Level.WARN, Category.PLAUSIBILITY, "Are units those of their measurements?", 5.0),
    Check(
        "plausible_sex", Level.WARN, Category.PLAUSIBILITY, "Are conditions and procedures of the person's sex?", 5.0
    ),
    Check("plausible_value", Level.WARN, Category.PLAUSIBILITY, "Are numbers in their plausible range?", 1.0),
)

CATALOGUE: Mapping[str, Check] = MappingProxyType({check.code: check for check in _CHECKS})
