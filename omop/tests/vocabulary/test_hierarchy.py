"""What lies below a concept, and names: right, in few statements, and read from indexes."""

import pytest
from django.db import connection

from omop.models import Concept, ConceptAncestor
from omop.vocabulary import concept_names, descendants

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree():
    """1 above 2 to 1,000, and 2 above 3."""
    pairs = [(1, below) for below in range(1, 1_001)] + [(2, 2), (2, 3), (5_000, 5_000)]
    ConceptAncestor.objects.bulk_create(
        ConceptAncestor(
            ancestor_concept_id=above,
            descendant_concept_id=below,
            min_levels_of_separation=int(above != below),
            max_levels_of_separation=int(above != below),
        )
        for above, below in pairs
    )


def test_descendants_are_the_concepts_and_what_lies_below(tree):
    assert descendants([2]) == {2, 3}
    assert descendants([1]) == set(range(1, 1_001))
    assert descendants([2, 7_777]) == {2, 3, 7_777}
    assert descendants([]) == set()


def test_one_statement_for_each_900_concepts(tree, django_assert_num_queries):
    with django_assert_num_queries(1):
        descendants(range(1, 901))
    with django_assert_num_queries(2):
        descendants(range(1, 902))
    with django_assert_num_queries(2):
        assert concept_names(range(1, 902)) == {}


def _plan(queryset):
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE concept_ancestor")
        cursor.execute("ANALYZE concept")
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # the tables of a test are too small for an index
    return queryset.explain()


def test_descendants_are_read_from_the_index_of_pairs(tree):
    rows = ConceptAncestor.objects.filter(ancestor_concept_id__in=[2, 5_000])
    plan = _plan(rows.values_list("descendant_concept_id", flat=True))
    assert "idx_concept_ancestor_id_1" in plan
    assert "Seq Scan" not in plan
    assert "SCAN" not in plan


def test_names_are_read_by_key(tree):
    plan = _plan(Concept.objects.filter(pk__in=[1, 2]).values_list("concept_name"))
    assert "concept_pkey" in plan or "sqlite_autoindex_concept_1" in plan
