"""Indexes that are built after the rows of an empty table: as they were, whatever happens."""

from contextlib import closing

import pytest
from django.db import connection, transaction

from omop.imports.loading.indexes import built_after
from omop.imports.schema import schemas
from omop.models import Person

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]


def indexes(table: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.relname, pg_get_indexdef(i.oid), c.conname, c.contype, pg_get_constraintdef(c.oid),"
            " x.indisunique, x.indisprimary, x.indisvalid FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid"
            " LEFT JOIN pg_constraint c ON c.conindid = i.oid WHERE x.indrelid = %s::regclass ORDER BY 1",
            [table],
        )
        return cursor.fetchall()


def add_person(key: int = 1) -> None:
    Person.objects.create(
        person_id=key, gender_concept_id=0, year_of_birth=1980, race_concept_id=0, ethnicity_concept_id=0
    )


@pytest.mark.parametrize("table", sorted(schemas()))
def test_every_table_has_its_indexes_as_they_were(table):
    before = indexes(table)
    assert before
    with built_after(schemas()[table]) as built:
        assert built
        assert indexes(table) == []
    assert indexes(table) == before


def test_rows_of_the_block_are_indexed():
    with built_after(schemas()["person"]):
        add_person()
    with pytest.raises(Exception, match="person_pkey"), transaction.atomic():
        add_person()


def load_and_stop() -> None:
    with transaction.atomic(), built_after(schemas()["person"]):
        add_person()
        raise RuntimeError("stopped")


def load_twice() -> None:
    with transaction.atomic(), built_after(schemas()["person"]), connection.cursor() as cursor:
        add_person()
        cursor.execute("INSERT INTO person SELECT * FROM person")


@pytest.mark.parametrize(("load", "words"), [(load_and_stop, "stopped"), (load_twice, "could not create unique index")])
def test_a_failure_leaves_them_as_they_were(load, words):
    before = indexes("person")
    with pytest.raises(Exception, match=words):
        load()
    assert indexes("person") == before
    assert not Person.objects.exists()


def test_a_table_with_rows_keeps_its_indexes():
    add_person()
    before = indexes("person")
    with built_after(schemas()["person"]) as built:
        assert not built
        assert indexes("person") == before


def test_a_table_that_somebody_reads_keeps_its_indexes():
    """To wait for a reader who waits for another table of this run would end one of both."""
    before = indexes("person")
    reader = connection.copy()
    with closing(reader), reader.cursor() as cursor:
        cursor.execute("BEGIN; SELECT count(*) FROM person")
        with built_after(schemas()["person"]) as built:
            assert not built
            add_person()
        with connection.cursor() as own:
            own.execute("SHOW lock_timeout")
            assert own.fetchone() == ("0",)
    assert indexes("person") == before


def test_an_index_that_a_foreign_key_needs_stays():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE needs_person (person_id bigint REFERENCES person (person_id))")
        cursor.execute("COMMENT ON INDEX idx_gender IS 'of the site''s own'")
    before = indexes("person")
    with built_after(schemas()["person"]):
        assert {name for name, *_ in indexes("person")} == {"person_pkey", "idx_gender"}
    assert indexes("person") == before


def test_indexes_of_the_sites_own_come_back_too():
    with connection.cursor() as cursor:
        cursor.execute("CREATE UNIQUE INDEX own ON person (upper(person_source_value) DESC) WHERE provider_id > 0")
        cursor.execute("ALTER TABLE person ADD CONSTRAINT own_2 UNIQUE (person_source_value) DEFERRABLE")
    before = indexes("person")
    with built_after(schemas()["person"]):
        assert indexes("person") == []
    assert indexes("person") == before
