"""Search of concepts: what it finds, in which order, and that it stays in step with the table."""

import pytest
from django.db import connection, models

from omop import concept_search_index
from omop.concept_search import ConceptFilter, search_concepts
from omop.models import Concept

pytestmark = pytest.mark.django_db


def concept(concept_id, name, *, code="", standard="S", domain="Condition", vocabulary="SNOMED"):
    return Concept.objects.create(
        concept_id=concept_id,
        concept_name=name,
        domain_id=domain,
        vocabulary_id=vocabulary,
        concept_class_id="Finding",
        standard_concept=standard,
        concept_code=code or f"code{concept_id}",
        valid_start_date="1970-01-01",
        valid_end_date="2099-12-31",
    )


@pytest.fixture
def concepts():
    concept(316139, "Heart failure")
    concept(1, "Acute left-sided heart failure")
    concept(2, "Failure of heart valve", standard=None)
    concept(3, "HEART FAIL NOS", standard=None, vocabulary="Read")
    concept(4, "Heartburn")
    concept(5, "Amoxicillin 500 MG / 5% Oral Tablet", domain="Drug", vocabulary="RxNorm")
    concept(6, 'Rollabout chair with casters 5" or_greater \\', domain="Device", vocabulary="HCPCS", code="E1031")
    concept(7, "Niño fiebre", standard="C")
    concept(8, "Hb", domain="Measurement", code="316139")
    concept(-9, "Site's own concept", vocabulary="Ours")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("heart fail", [316139, 1, 3, 2]),
        ("fail heart", [316139, 1, 3, 2]),
        ("HEART  FAILURE", [316139, 1, 2]),
        ("heart", [4, 316139, 1, 3, 2]),
        ("cillin", [5]),
        ("amox 500 mg", [5]),
        ("oral 5%", [5]),
        ("or_g", [6]),
        ('5" cas', [6]),
        ("casters \\", [6]),
        ("ni", [7]),
        ("niñ", [7]),
        ("hb", [8]),
        ("e1031", [6]),
        ("316139", [8, 316139]),
        ("-9", [-9]),
        ("site's", [-9]),
        ("99999999999999999999", []),
        ("x" * 300, []),
        ("nothing", []),
        ("%%%", []),
        ("___", []),
        ("", []),
        ("   ", []),
        ("heart\x00fail", [316139, 1, 3, 2]),
        ('"heart" AND', []),
        ("ear* fail", []),
    ],
)
def test_what_is_found_best_first(concepts, text, found):
    assert search_concepts(text) == found


@pytest.mark.parametrize(
    ("only", "found"),
    [
        (ConceptFilter(vocabulary_id="Read"), [3]),
        (ConceptFilter(domain_id="Drug"), []),
        (ConceptFilter(standard="none"), [3, 2]),
        (ConceptFilter(standard="S", domain_id="Condition"), [316139, 1]),
        (ConceptFilter(standard="C"), []),
    ],
)
def test_filters_narrow_what_is_found(concepts, only, found):
    assert search_concepts("heart fail", only) == found


@pytest.mark.parametrize("text", ["316139", "hb", "heart", "E1031"])
def test_filters_narrow_ids_codes_and_beginnings_too(concepts, text):
    assert search_concepts(text, ConceptFilter(vocabulary_id="nowhere")) == []


def test_no_more_than_was_asked_for(concepts):
    assert search_concepts("heart", limit=2) == [4, 316139]


def test_it_takes_as_many_statements_for_a_thousand_concepts(concepts, django_assert_num_queries):
    Concept.objects.bulk_create(
        Concept(
            concept_id=number,
            concept_name=f"Heart failure {number}",
            domain_id="Condition",
            vocabulary_id="SNOMED",
            concept_class_id="Finding",
            concept_code=str(number),
            valid_start_date="1970-01-01",
            valid_end_date="2099-12-31",
        )
        for number in range(10_000, 11_000)
    )
    with django_assert_num_queries(4):
        found = search_concepts("heart fail")
    assert found[0] == 316139
    assert len(found) == 500
    with django_assert_num_queries(4):
        assert search_concepts("10500")[0] == 10_500


def test_edits_by_hand_are_found_at_once(concepts):
    Concept.objects.filter(pk=4).update(concept_name="Pyrosis")
    Concept.objects.filter(pk=1).delete()
    Concept.objects.filter(pk=2).update(concept_id=22)
    Concept.objects.filter(pk=3).update(standard_concept="S")
    assert search_concepts("yros") == [4]
    assert search_concepts("burn") == []
    assert search_concepts("left-sided") == []
    assert search_concepts("heart valve") == [22]
    assert search_concepts("heart fail") == [316139, 3, 22]


def test_without_the_index_names_are_found_by_their_beginning(concepts):
    concept_search_index.drop(connection)
    assert not concept_search_index.exists()
    assert search_concepts("heart f") == [316139, 3]
    assert search_concepts("failure") == [2]
    assert search_concepts("E1031") == [6]
    Concept.objects.filter(pk=4).update(concept_name="Pyrosis")
    assert concept_search_index.create(connection)
    assert search_concepts("yros") == [4]


def test_a_database_that_cannot_have_the_index_goes_on_without(concepts, monkeypatch):
    monkeypatch.setattr(concept_search_index, "_statements", lambda database: ["CREATE NONSENSE"])
    monkeypatch.setattr(concept_search_index, "_can_have", lambda database: False)
    assert concept_search_index.create(connection) is False
    assert search_concepts("heart f") == [316139, 3]


def test_a_failure_with_another_cause_is_no_fallback(concepts, monkeypatch):
    monkeypatch.setattr(concept_search_index, "_statements", lambda database: ["CREATE NONSENSE"])
    with pytest.raises(Exception, match="NONSENSE"):
        concept_search_index.create(connection)


@pytest.mark.sqlite
def test_the_index_of_sqlite_holds_what_the_table_does(concepts):
    Concept.objects.filter(pk=1).delete()
    Concept.objects.filter(pk=2).update(concept_name="Valve")
    index = concept_search_index.INDEX
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE VIRTUAL TABLE temp.concept_trigrams USING fts5vocab('main', '{index}', 'instance')")
        cursor.execute("SELECT DISTINCT doc FROM temp.concept_trigrams")
        held = {doc for (doc,) in cursor.fetchall()}
        cursor.execute("DROP TABLE temp.concept_trigrams")
    assert held == set(Concept.objects.exclude(pk=8).values_list("pk", flat=True))  # Hb is shorter than a trigram


@pytest.mark.postgresql
def test_postgresql_uses_its_indexes(concepts):
    from omop import concept_search

    plans = []
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")

    def explained(sql, values):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}", values)
            plans.append("\n".join(line for (line,) in cursor.fetchall()))
        return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(concept_search, "_fetched", explained)
        concept_search.candidates("heart fail", ConceptFilter())
    assert "idx_concept_code" in plans[0]
    assert "concept_name_prefix" in plans[0]
    assert concept_search_index.INDEX in plans[1]
    assert not any("Seq Scan" in plan for plan in plans)


def test_names_may_be_as_long_as_a_name_gets(concepts):
    field = Concept._meta.get_field("concept_name")
    assert isinstance(field, models.CharField)
    concept(10, "z" * (field.max_length - 4) + " end")
    assert search_concepts("zzz end") == [10]
