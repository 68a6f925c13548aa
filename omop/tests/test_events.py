import pytest

from omop.events import EVENT_TABLES
from omop.models import Concept, ConceptAncestor
from omop.specification import tables
from omop.vocabulary import concept_names, descendants


def test_the_kinds():
    assert list(EVENT_TABLES) == ["observation", "measurement", "condition", "drug", "procedure", "device", "note"]


@pytest.mark.parametrize("table", EVENT_TABLES.values(), ids=EVENT_TABLES)
def test_every_column_named_is_there(table):
    specification = tables()[table.model._meta.db_table]
    assert set(table.columns) <= set(specification.columns)
    assert table.id_column == specification.primary_key
    for column in (table.concept_column, table.type_column, table.start_date):
        assert specification.columns[column].required


@pytest.mark.parametrize("table", EVENT_TABLES.values(), ids=EVENT_TABLES)
def test_every_end_and_reason_counts_as_known_later(table):
    late = {
        name
        for name in tables()[table.model._meta.db_table].columns
        if "_end_" in name or name.startswith("verbatim_end") or name == "stop_reason"
    }
    assert late <= set(table.later_columns)
    assert {name for name in (table.end_date, table.end_datetime) if name} <= set(table.later_columns)
    assert not set(table.later_columns) & set(table.value_columns)


@pytest.mark.django_db
def test_concept_names_of_those_that_are_there(django_assert_num_queries):
    for concept_id in (1, 2):
        Concept.objects.create(
            concept_id=concept_id,
            concept_name=f"name {concept_id}",
            domain_id="d",
            vocabulary_id="v",
            concept_class_id="c",
            concept_code="x",
            valid_start_date="1970-01-01",
            valid_end_date="2099-12-31",
        )
    with django_assert_num_queries(1):
        assert concept_names([2, 1, 404, 1]) == {1: "name 1", 2: "name 2"}
    with django_assert_num_queries(0):
        assert concept_names([]) == {}


@pytest.mark.django_db
def test_descendants_include_the_concepts_themselves(django_assert_num_queries):
    for ancestor, descendant in [(1, 1), (1, 2), (1, 3), (2, 3), (9, 8)]:
        ConceptAncestor.objects.create(
            ancestor_concept_id=ancestor,
            descendant_concept_id=descendant,
            min_levels_of_separation=0,
            max_levels_of_separation=0,
        )
    with django_assert_num_queries(1):
        assert descendants([1]) == {1, 2, 3}
    assert descendants([2, 77]) == {2, 3, 77}
    assert descendants([]) == set()


@pytest.mark.django_db
def test_thousands_of_ids_are_no_trouble(django_assert_num_queries):
    with django_assert_num_queries(2):
        assert descendants(range(1_500)) == set(range(1_500))
