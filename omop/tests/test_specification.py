"""Every table and column of the models against OHDSI's specification, through the one list of deviations."""

import pytest
from django.db import connection, models

from omop import deviations
from omop.imports.schema import NATURAL_KEYS, UNDECLARED, schemas
from omop.models.base import cdm_models
from omop.specification import Column, tables

MODELS = {model._meta.db_table: model for model in cdm_models()}
COLUMNS = [(table, column) for table in tables().values() for column in table.columns.values()]


def test_there_are_exactly_the_tables_of_the_specification():
    assert set(MODELS) == set(tables())
    assert len(MODELS) == 39
    assert len(COLUMNS) == 432


@pytest.mark.parametrize("table", tables())
def test_columns_are_the_specified_ones_in_their_order(table):
    columns = [field.column for field in MODELS[table]._meta.concrete_fields]
    if table in deviations.KEYLESS_TABLES:
        assert columns.pop(0) == deviations.SURROGATE_KEY
    assert columns == list(tables()[table].columns)


@pytest.mark.parametrize("table", tables())
def test_attributes_are_called_as_the_columns(table):
    for field in MODELS[table]._meta.concrete_fields:
        assert field.name == field.attname == field.column


@pytest.mark.parametrize("table", tables())
def test_types_lengths_and_nullability_are_the_specified_ones(table):
    for column in tables()[table].columns.values():
        field = MODELS[table]._meta.get_field(column.name)
        assert isinstance(field, models.Field)
        assert type(field).__name__ in deviations.FIELD_TYPES[column.type], column
        assert field.max_length == column.length, column
        assert field.null is not column.required, column
        assert field.blank is field.null, column
        if column.type == "integer":
            assert isinstance(field, models.BigIntegerField) is is_id(column), column


def is_id(column: Column) -> bool:
    return column.name not in deviations.INTEGERS_32_BIT


@pytest.mark.parametrize("table", tables())
def test_keys_are_the_specified_ones(table):
    key = MODELS[table]._meta.pk
    assert key is not None
    if table in deviations.KEYLESS_TABLES:
        assert tables()[table].primary_key is None
        assert isinstance(key, models.BigAutoField)
    else:
        assert key.column == tables()[table].primary_key
        assert not isinstance(key, models.AutoField)


def test_eleven_tables_have_no_key_and_a_natural_one_for_the_import():
    assert len(deviations.KEYLESS_TABLES) == 11
    assert set(NATURAL_KEYS) == deviations.KEYLESS_TABLES


def test_no_model_has_a_foreign_key():
    assert not [field for model in MODELS.values() for field in model._meta.get_fields() if field.is_relation]


def test_references_name_columns_that_exist():
    declared = [reference for table in tables().values() for reference in table.references.values()]
    assert len(declared) == 176
    for reference in [*declared, *UNDECLARED.values()]:
        assert tables()[reference.table].primary_key == reference.column
    for table, column in UNDECLARED:
        assert tables()[table].columns[column].reference is None


def test_load_order_puts_referenced_tables_first():
    order = list(schemas())
    assert sorted(order) == sorted(tables())
    for before, after in [
        ("location", "care_site"),
        ("care_site", "provider"),
        ("provider", "person"),
        ("person", "visit_occurrence"),
        ("visit_occurrence", "visit_detail"),
        ("visit_detail", "measurement"),
        ("concept", "person"),
        ("episode", "episode_event"),
        ("note", "note_nlp"),
    ]:
        assert order.index(before) < order.index(after)


def test_every_table_with_visits_has_an_index_on_them():
    for table, model in MODELS.items():
        names = {field.column for field in model._meta.concrete_fields if not field.primary_key}
        if "visit_occurrence_id" in names:
            assert ["visit_occurrence_id"] in [index.fields for index in model._meta.indexes], table


def test_indexes_carry_ohdsi_names():
    names = {index.name for model in MODELS.values() for index in model._meta.indexes}
    assert len(names - deviations.ADDED_INDEXES) == 60
    assert not names & (deviations.REDUNDANT_INDEXES | deviations.UNSELECTIVE_INDEXES)
    assert {"idx_measurement_visit_id_1", "idx_concept_code", "idx_source_to_concept_map_c"} <= names


@pytest.mark.django_db
@pytest.mark.postgresql
def test_postgresql_has_the_types_of_the_cdm():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type, numeric_precision FROM information_schema.columns"
            " WHERE table_name = 'measurement'"
        )
        types = {name: (kind, precision) for name, kind, precision in cursor.fetchall()}
    assert types["measurement_datetime"] == ("timestamp without time zone", None)
    assert types["value_as_number"] == ("numeric", None)
    assert types["person_id"][0] == "bigint"
