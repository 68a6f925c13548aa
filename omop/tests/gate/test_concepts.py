"""Concepts by distinct value, shares of what has none, source values, names of CPT4."""

import pytest

from omop.imports.gate.catalogue import Outcome
from omop.imports.options import ImportOptions
from omop.tests.gate.conftest import failed, told

pytestmark = pytest.mark.django_db


def test_unknown_concepts_are_told_most_frequent_first(staged):
    staged.put("person")
    staged.put("measurement", *[{"measurement_concept_id": concept} for concept in (5, 7, 7, 6, 7, 6, 0)])
    result = staged.gate().checks["concept_exists", "measurement", "measurement_concept_id"]
    assert [(finding.value, finding.rows) for finding in result.first] == [("7", 3), ("6", 2), ("5", 1)]
    assert (result.checked, result.count, result.outcome) == (7, 6, Outcome.FAILED)
    assert {finding.reason for finding in result.first} == {"not in concept"}


def test_twenty_values_are_told_and_all_are_counted(staged):
    staged.put("person")
    staged.put("measurement", *[{"measurement_concept_id": concept} for concept in range(1, 31)])
    result = staged.gate().checks["concept_exists", "measurement", "measurement_concept_id"]
    assert (len(result.first), result.count) == (20, 30)


def test_a_concept_of_the_run_counts_before_the_live_one(staged, live):
    live("concept", {"concept_id": 3025315, "domain_id": "Measurement", "standard_concept": "S"})
    staged.put("concept", {"concept_id": 3025315, "domain_id": "Measurement", "standard_concept": None})
    staged.put("person")
    staged.put("measurement")
    report = staged.gate()
    assert report.checks["concept_standard", "measurement", "measurement_concept_id"].count == 1
    assert report.checks["concept_domain", "measurement", "measurement_concept_id"].count == 0


def test_why_a_concept_does_not_fit_is_said(staged):
    staged.put(
        "concept",
        {"concept_id": 1, "domain_id": "Drug", "concept_class_id": "Clinical Drug"},
        {"concept_id": 2, "domain_id": "Drug", "concept_class_id": "Ingredient", "standard_concept": None},
        {"concept_id": 3, "domain_id": "Device", "concept_class_id": "Ingredient", "invalid_reason": "D"},
    )
    staged.put("person")
    staged.put("drug_era", *[{"drug_concept_id": concept} for concept in (1, 2, 3)])
    report = staged.gate()
    domain, standard = (
        report.checks[code, "drug_era", "drug_concept_id"] for code in ("concept_domain", "concept_standard")
    )
    assert [(finding.value, finding.reason) for finding in domain.first] == [
        ("1", "is of the class Clinical Drug, not Ingredient"),
        ("3", "is of the domain Device, not Drug"),
    ]
    assert [(finding.value, finding.reason) for finding in standard.first] == [
        ("2", "is not standard"),
        ("3", "is no longer valid"),
    ]


def test_concept_zero_and_none_beside_a_source_value_are_unmapped(staged):
    staged.put("person")
    staged.put(
        "measurement",
        {"unit_concept_id": 9529},
        {"unit_concept_id": 0},
        {"unit_source_value": "mg/dl"},
        {},
        {"measurement_concept_id": 0},
    )
    report = staged.gate()
    unit = report.checks["concept_mapped", "measurement", "unit_concept_id"]
    assert (unit.checked, unit.count, unit.threshold) == (3, 2, 5.0)
    assert [str(finding) for finding in unit.first] == ["unit_concept_id: rows have no standard concept (0) (2 rows)"]
    main = report.checks["concept_mapped", "measurement", "measurement_concept_id"]
    assert (main.checked, main.count, main.outcome) == (5, 1, Outcome.FAILED)


def test_no_type_may_be_zero_and_few_main_concepts(staged):
    staged.put("person")
    staged.put("measurement", {"measurement_concept_id": 0, "measurement_type_concept_id": 0}, *[{}] * 19)
    report = staged.gate()
    assert report.checks["concept_mapped", "measurement", "measurement_concept_id"].outcome is Outcome.PASSED  # 5 %
    kind = report.checks["concept_mapped", "measurement", "measurement_type_concept_id"]
    assert (kind.threshold, kind.outcome) == (0.0, Outcome.FAILED)


def test_what_the_options_tolerate_goes_before_the_columns_own_threshold(staged):
    staged.put("person")
    staged.put("measurement", {"measurement_type_concept_id": 0})
    report = staged.gate(ImportOptions(thresholds={"concept_mapped": 100.0}))
    kind = report.checks["concept_mapped", "measurement", "measurement_type_concept_id"]
    assert (kind.threshold, kind.outcome) == (100.0, Outcome.PASSED)


def test_source_values_without_concept_are_counted_once_each(staged):
    staged.put("person")
    values = [("A", 0), ("A", 0), ("B", 0), ("C", 5), ("D", 5), (None, 0)]
    staged.put(
        "condition_occurrence", *[{"condition_source_value": text, "condition_concept_id": n} for text, n in values]
    )
    result = staged.gate().checks["source_values_mapped", "condition_occurrence", "condition_source_value"]
    assert (result.checked, result.count, result.threshold, result.outcome) == (4, 2, 10.0, Outcome.FAILED)
    assert [(finding.value, finding.rows) for finding in result.first] == [("A", 2), ("B", 1)]


def test_causes_of_death_without_concept_are_unmapped_source_values(staged):
    staged.put("person")
    staged.put("death", {"cause_source_value": "I21"})
    result = staged.gate().checks["source_values_mapped", "death", "cause_source_value"]
    assert (result.checked, result.count) == (1, 1)


def test_rejected_rows_are_not_asked_for_concepts(staged):
    staged.put("person")
    staged.put(
        "measurement", {"person_id": 404, "visit_occurrence_id": None, "measurement_concept_id": 5, "_rejected": 1}
    )
    result = staged.gate().checks["concept_exists", "measurement", "measurement_concept_id"]
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_vocabularies_that_are_not_there_are_told_by_value(staged):
    staged.put("concept", {"concept_id": 1}, {"concept_id": 2}, {"concept_id": 3, "vocabulary_id": "None"})
    staged.put("concept_relationship", {"concept_id_1": 1, "concept_id_2": 9}, {"concept_id_1": 0, "concept_id_2": 3})
    report = staged.gate()
    vocabulary = report.checks["vocabulary_exists", "concept", "vocabulary_id"]
    assert [(finding.value, finding.rows) for finding in vocabulary.first] == [("Gender", 2), ("None", 1)]
    assert (vocabulary.checked, vocabulary.count) == (3, 3)
    relation = report.checks["concept_exists", "concept_relationship", "concept_id_2"]
    assert (told(relation.first), relation.checked) == ([(None, "concept_id_2", "9")], 2)
    assert report.checks["concept_exists", "concept_relationship", "concept_id_1"].outcome is Outcome.PASSED


def test_concepts_of_cpt4_without_name_are_one_warning(staged):
    staged.put("concept", *[{"concept_name": "", "vocabulary_id": "CPT4"}] * 2, {"vocabulary_id": "CPT4"}, {})
    report = staged.gate()
    result = report.checks["cpt4_named", "concept", "concept_name"]
    assert (result.checked, result.count, len(result.first), result.first[0].rows) == (3, 2, 1, 2)
    assert not report.refused


def test_other_concepts_without_name_are_rejected(staged):
    staged.put("concept", {"concept_name": ""}, {})
    report = staged.gate()
    assert failed(report) == {("value_required", "concept", "concept_name")}
    assert told(report.errors) == [(2, "concept_name", "")]
    assert staged.marks("concept") == [1, 0]
