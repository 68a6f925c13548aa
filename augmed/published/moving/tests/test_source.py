"""Where the tables come from: files and a database say the same, and what cannot be read is said before anything is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from augmed.published.models import CameOver
from augmed.published.moving.run import import_augmed
from augmed.published.moving.source import fill, spoken
from augmed.published.moving.staging import SourceError, Staging
from augmed.published.moving.tables import TABLES
from augmed.published.moving.tests.dump import small_study
from augmed.published.tests.augmed_study import make_visits


def staged(source: str) -> dict[str, list[dict[str, Any]]]:
    with Staging() as staging:
        fill(staging, source)
        return {
            table: [{**dict(row), "row_number": None} for row in staging.rows(f'SELECT * FROM "{table}"')]
            for table in staging.found
        }


def refusal(source: object) -> str:
    with pytest.raises(SourceError) as refused:
        staged(str(source))
    return str(refused.value)


def test_a_folder_that_is_none_or_empty(tmp_path):
    assert "neither a folder" in refusal(tmp_path / "none")
    assert "no table of AugMed's" in refusal(tmp_path)


def test_a_table_without_a_column_that_is_needed(tmp_path):
    (tmp_path / "answer.csv").write_text("id,task_id\n1,t\n")
    assert refusal(tmp_path).startswith("Table answer lacks case_id, user_email")


def test_a_column_twice(tmp_path):
    (tmp_path / "system_config.csv").write_text("id,json_config,id\n")
    assert "id twice" in refusal(tmp_path)


def test_a_row_with_too_many_cells_names_its_row_and_not_its_words(tmp_path):
    (tmp_path / "system_config.csv").write_text("id,json_config\npage_config,{}\nsecret,{},x\n")
    assert refusal(tmp_path) == "system_config.csv, row 3: 3 cells under a header of 2."


@pytest.mark.parametrize("content", [b"id,json_config\na,\xff\n", b'id,json_config\na,"b\n', b"id,json_config\na\n"])
def test_what_is_no_csv_in_utf8(tmp_path, content):
    (tmp_path / "system_config.csv").write_bytes(content)
    assert "system_config.csv" in refusal(tmp_path)


def test_a_byte_order_mark_other_columns_and_blank_lines_do_not_matter(tmp_path):
    (tmp_path / "system_config.csv").write_bytes(b"\xef\xbb\xbfid,json_config,else\n\npage_config,{},1\n\n")
    assert staged(str(tmp_path))["system_config"] == [{"row_number": None, "id": "page_config", "json_config": "{}"}]


def test_a_page_config_of_a_megabyte_is_read(tmp_path):
    (tmp_path / "system_config.csv").write_text(f"id,json_config\npage_config,{'x' * 2**20}\n")
    assert len(staged(str(tmp_path))["system_config"][0]["json_config"]) == 2**20


def test_the_source_is_written_down_without_who_reads_it():
    assert spoken("postgresql+psycopg2://me:secret@db:5432/aim?sslmode=require") == "postgresql+psycopg2://db:5432/aim"
    assert spoken("/dumps/augmed") == "/dumps/augmed"


def test_a_database_that_cannot_be_reached_is_exit_status_2_without_its_password(capsys):
    with pytest.raises(CommandError) as refused:
        call_command("import_augmed", "postgresql://me:secret@127.0.0.1:9/none")
    assert refused.value.returncode == 2
    assert "secret" not in str(refused.value)


def test_no_folder_for_the_report_is_exit_status_2(tmp_path):
    with pytest.raises(CommandError) as refused:
        call_command("import_augmed", str(tmp_path), "--report", str(tmp_path / "none" / "report.json"))
    assert refused.value.returncode == 2


@pytest.fixture
def augmed_database(db: None) -> Iterator[str]:
    """A schema beside ours, committed by another connection, as AugMed's own database is."""
    given = connection.settings_dict
    address = (
        f"postgresql://{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT'] or 5432}/{given['NAME']}"
    )
    schema = f"augmed_{uuid4().hex[:12]}"
    with psycopg.connect(address, autocommit=True) as other:
        other.execute(f'CREATE SCHEMA "{schema}"')
        small_study().to_database(other, schema)
        yield f"{address}?options={quote(f'-csearch_path={schema}')}"
        other.execute(f'DROP SCHEMA "{schema}" CASCADE')


@pytest.mark.postgresql
def test_a_database_says_what_files_say(augmed_database, tmp_path):
    from_files = staged(small_study().to_folder(tmp_path / "dump"))
    from_tables = staged(augmed_database)
    assert from_tables.keys() == from_files.keys() == TABLES.keys()
    for table, rows in from_files.items():
        assert [_alike(row) for row in from_tables[table]] == [_alike(row) for row in rows]


def _alike(row: dict[str, Any]) -> dict[str, Any]:
    """True is written True by a script and true by the database; an empty text is an empty cell."""
    return {name: value.lower() if value in ("True", "False") else value or None for name, value in row.items()}


@pytest.mark.postgresql
def test_everything_comes_over_from_a_database(augmed_database):
    make_visits(3)
    report = import_augmed(source=augmed_database.replace("postgresql://", "postgresql+psycopg2://"), by=None)
    assert report.problems == []
    assert CameOver.objects.filter(kind="answer").count() == 2
    again = import_augmed(source=augmed_database, by=None)
    assert sum(one.came_over for one in again.counts.values()) == 0


@pytest.mark.postgresql
def test_a_database_of_something_else(augmed_database):
    elsewhere = augmed_database.split("?")[0] + "?options=-csearch_path%3Dpg_catalog"
    assert "no table of AugMed's" in refusal(elsewhere)


def test_tables_that_are_not_there_are_left_out(tmp_path: Path):
    dump = small_study()
    dump.tables = {"user": dump.tables["user"]}
    assert staged(dump.to_folder(tmp_path / "dump")).keys() == {"user"}
