"""A download of Athena loads as it is: tabs without quoting, stray quotes, dates as YYYYMMDD, CPT4 without names."""

from datetime import date

import pytest

from omop.actions import import_files
from omop.imports.options import ImportOptions, LongText, Mode
from omop.models import (
    Concept,
    ConceptAncestor,
    ConceptClass,
    ConceptRelationship,
    ConceptSynonym,
    Domain,
    DrugStrength,
    Relationship,
    Vocabulary,
)
from omop.vocabulary import concept_names

pytestmark = pytest.mark.django_db

CONCEPT = [
    "concept_id",
    "concept_name",
    "domain_id",
    "vocabulary_id",
    "concept_class_id",
    "standard_concept",
    "concept_code",
    "valid_start_date",
    "valid_end_date",
    "invalid_reason",
]
DATES = ["19700101", "20991231"]
CONCEPTS = [
    ["0", "No matching concept", "Metadata", "None", "Undefined", "", "No matching concept", *DATES, ""],
    ["42081869", 'Wilson"s Mills', "Geography", "OSM", "8th level", "S", "177402", *DATES, ""],
    ["4000001", '"y set" tubing', "Device", "SNOMED", "Physical Object", "S", "467136001", *DATES, ""],
    ["36311145", "NA", "Meas Value", "LOINC", "Answer", "S", "LA12334-1", *DATES, ""],
    ["36311146", "None", "Meas Value", "LOINC", "Answer", "S", "LA12335-1", *DATES, ""],
    ["4000002", r"back\slash \N and \t kept", "Device", "SNOMED", "Physical Object", "", "1234567", *DATES, "D"],
    ["4000004", '"unbalanced', "Device", "SNOMED", "Physical Object", "S", "99", *DATES, ""],
    ["44819096", "SNOMED", "Metadata", "Vocabulary", "Vocabulary", "", "OMOP generated", *DATES, ""],
]
CPT4 = [
    ["2211349", "", "Procedure", "CPT4", "CPT4", "S", "99213", *DATES, ""],
    ["2211350", "", "Procedure", "CPT4", "CPT4", "S", "99214", *DATES, ""],
]
REST = {
    "VOCABULARY.csv": [
        ["vocabulary_id", "vocabulary_name", "vocabulary_reference", "vocabulary_version", "vocabulary_concept_id"],
        ["None", "OMOP Standardized Vocabularies", "OMOP generated", "v5.0 31-AUG-25", "44819096"],
        ["SNOMED", "Systematic Nomenclature (IHTSDO)", "http://x", "", "44819096"],
    ],
    "DOMAIN.csv": [["domain_id", "domain_name", "domain_concept_id"], ["Device", "Device", "17"]],
    "CONCEPT_CLASS.csv": [
        ["concept_class_id", "concept_class_name", "concept_class_concept_id"],
        ["Physical Object", "Physical Object", "44819096"],
    ],
    "RELATIONSHIP.csv": [
        [
            "relationship_id",
            "relationship_name",
            "is_hierarchical",
            "defines_ancestry",
            "reverse_relationship_id",
            "relationship_concept_id",
        ],
        ["Is a", "Is a", "1", "0", "Subsumes", "44818723"],
        ["Subsumes", "Subsumes", "1", "1", "Is a", "44818724"],
    ],
    "CONCEPT_RELATIONSHIP.csv": [
        ["concept_id_1", "concept_id_2", "relationship_id", "valid_start_date", "valid_end_date", "invalid_reason"],
        ["4000001", "4000002", "Is a", *DATES, ""],
        ["4000002", "4000001", "Subsumes", *DATES, ""],
        ["4000001", "999", "Is a", *DATES, ""],  # a concept of a vocabulary that was not selected
    ],
    "CONCEPT_ANCESTOR.csv": [
        ["ancestor_concept_id", "descendant_concept_id", "min_levels_of_separation", "max_levels_of_separation"],
        ["4000002", "4000002", "0", "0"],
        ["4000002", "4000001", "1", "1"],
    ],
    "CONCEPT_SYNONYM.csv": [
        ["concept_id", "concept_synonym_name", "language_concept_id"],
        ["4000001", 'tubing, "y set"', "4180186"],
    ],
    "DRUG_STRENGTH.csv": [
        [
            "drug_concept_id",
            "ingredient_concept_id",
            "amount_value",
            "amount_unit_concept_id",
            "numerator_value",
            "numerator_unit_concept_id",
            "denominator_value",
            "denominator_unit_concept_id",
            "box_size",
            "valid_start_date",
            "valid_end_date",
            "invalid_reason",
        ],
        ["4000001", "4000002", "0.5", "8576", "", "", "", "", "", *DATES, ""],
    ],
}


@pytest.fixture
def download(tmp_path):
    """Write a download; `name=rows` replaces a file, None leaves it out."""

    def write(end="\n", **changes):
        files = {"CONCEPT.csv": [CONCEPT, *CONCEPTS], "CONCEPT_CPT4.csv": [CONCEPT, *CPT4], **REST}
        files.update({f"{name}.csv": rows for name, rows in changes.items()})
        for name, rows in files.items():
            path = tmp_path / name
            if rows is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes("".join("\t".join(row) + end for row in rows).encode() + end.encode())
        return tmp_path

    return write


def load(folder, **options):
    return import_files(paths=[folder], by=None, options=ImportOptions(**options)).report


def of(report, code):
    return {
        (check.table, check.column): (check.checked, check.count)
        for check in report.checks.values()
        if check.code == code
    }


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_download_loads_as_it_is(download, end):
    report = load(download(end))
    assert report.errors == []
    assert report.status == "loaded"
    assert {name: counts.loaded for name, counts in report.tables.items()} == {
        "concept": 10,
        "vocabulary": 2,
        "domain": 1,
        "concept_class": 1,
        "relationship": 2,
        "concept_relationship": 3,
        "concept_ancestor": 2,
        "concept_synonym": 1,
        "drug_strength": 1,
    }
    names = dict(Concept.objects.values_list("concept_id", "concept_name"))
    assert names == {int(row[0]): row[1] for row in [*CONCEPTS, *CPT4]}
    assert set(Concept.objects.values_list("standard_concept", flat=True)) == {"S", None}
    assert set(Concept.objects.values_list("invalid_reason", flat=True)) == {"D", None}
    assert Concept.objects.get(pk=0).vocabulary_id == "None"
    assert Concept.objects.get(pk=0).valid_end_date == date(2099, 12, 31)
    assert Vocabulary.objects.get(pk="SNOMED").vocabulary_version is None
    assert ConceptSynonym.objects.get().concept_synonym_name == 'tubing, "y set"'
    assert DrugStrength.objects.get().box_size is None


def test_the_same_download_again_changes_nothing(download):
    load(download())
    report = load(download(DOMAIN=[*REST["DOMAIN.csv"], ["Drug", "Drug", "13"]]))
    assert report.errors == []
    assert {name: counts.loaded for name, counts in report.tables.items() if counts.loaded} == {"domain": 1}
    assert (Concept.objects.count(), ConceptAncestor.objects.count(), ConceptRelationship.objects.count()) == (10, 2, 3)
    assert (ConceptClass.objects.count(), Relationship.objects.count(), Domain.objects.count()) == (1, 2, 2)


def test_what_points_outside_a_subset_is_a_warning(download):
    report = load(download())
    missing = of(report, "concept_exists")
    assert missing["concept_relationship", "concept_id_2"] == (3, 1)
    assert missing["concept_relationship", "concept_id_1"] == (3, 0)
    assert missing["concept_synonym", "language_concept_id"] == (1, 1)
    assert report.status == "loaded"


def test_concepts_of_cpt4_without_names_load_with_a_warning_and_are_shown_by_code(download):
    report = load(download())
    assert of(report, "cpt4_named") == {("concept", "concept_name"): (2, 2)}
    assert concept_names([2211349, 36311145, 5]) == {2211349: "CPT4 99213", 36311145: "NA"}
    assert str(Concept.objects.get(pk=2211349)) == "CPT4 99213 (2211349)"


def test_a_later_run_with_the_names_fills_them_in(download):
    load(download())
    named = [[*row[:1], f"Office visit {row[6]}", *row[2:]] for row in CPT4]
    report = load(download(CONCEPT=[CONCEPT, *CONCEPTS, *named], CONCEPT_CPT4=None), mode=Mode.UPSERT)
    assert report.errors == []
    assert (report.tables["concept"].changed, report.tables["concept"].unchanged) == (2, 8)
    assert of(report, "cpt4_named") == {("concept", "concept_name"): (2, 0)}
    assert concept_names([2211349]) == {2211349: "Office visit 99213"}


def test_a_later_release_without_the_names_takes_none_away(download):
    named = [[*row[:1], f"Office visit {row[6]}", *row[2:]] for row in CPT4]
    load(download(CONCEPT=[CONCEPT, *CONCEPTS, *named], CONCEPT_CPT4=None))
    released = [[*CPT4[0][:-1], "D"], CPT4[1]]
    report = load(download(CONCEPT_CPT4=[CONCEPT, *released]), mode=Mode.UPSERT)
    assert report.errors == []
    assert (report.tables["concept"].changed, report.tables["concept"].unchanged) == (1, 9)
    assert of(report, "cpt4_named") == {("concept", "concept_name"): (2, 0)}
    assert concept_names([2211349, 2211350]) == {2211349: "Office visit 99213", 2211350: "Office visit 99214"}
    assert Concept.objects.get(pk=2211349).invalid_reason == "D"


def test_a_concept_with_and_without_its_name_in_one_download_is_refused(download):
    named = [[*CPT4[0][:1], "Office visit", *CPT4[0][2:]]]
    report = load(download(CONCEPT=[CONCEPT, *CONCEPTS, *named]))
    assert report.status == "refused"
    (error,) = report.errors
    assert (error.file, error.line, error.reason) == (
        "CONCEPT_CPT4.csv",
        2,
        "the same key is in CONCEPT.csv, line 10",
    )


def test_other_vocabularies_need_their_names(download):
    nameless = ["77", "", "Drug", "RxNorm", "Ingredient", "S", "77", *DATES, ""]
    report = load(download(CONCEPT=[CONCEPT, *CONCEPTS, nameless]))
    assert report.status == "refused"
    (error,) = report.errors
    assert (error.file, error.line, error.column) == ("CONCEPT.csv", 10, "concept_name")
    assert error.reason == "is empty, but this column is required; only CPT4 comes without names"


@pytest.mark.parametrize(("table", "length"), [("CONCEPT", 255), ("CONCEPT_SYNONYM", 1000)])
def test_names_that_are_too_long_are_refused_or_cut_as_said(download, table, length):
    header, *rows = [CONCEPT, *CONCEPTS] if table == "CONCEPT" else REST["CONCEPT_SYNONYM.csv"]
    row = ["4000005", *rows[-1][1:]] if table == "CONCEPT" else list(rows[-1])
    row[1] = "n" * (length + 1)
    folder = download(**{table: [header, *rows, row]})
    refused = load(folder)
    assert refused.status == "refused"
    assert [error.reason for error in refused.errors] == [f"has {length + 1} characters; at most {length} fit"]
    report = load(folder, long_text=LongText.TRUNCATE)
    assert report.status == "loaded"
    stored = Concept.objects.get(pk=4000005).concept_name if table == "CONCEPT" else "n" * length
    assert stored == "n" * length
    assert ConceptSynonym.objects.filter(concept_synonym_name="n" * length).exists() is (table != "CONCEPT")


def test_drug_strength_may_lack_optional_columns(download):
    header, row = REST["DRUG_STRENGTH.csv"]
    kept = [index for index, name in enumerate(header) if name != "box_size"]
    report = load(download(DRUG_STRENGTH=[[cells[index] for index in kept] for cells in (header, row)]))
    assert report.status == "loaded"
    assert next(file for file in report.files if file.table == "drug_strength").missing == ["box_size"]
