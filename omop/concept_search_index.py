"""The index behind the search of concepts: trigrams of their names, on both databases.

PostgreSQL: a GIN index of pg_trgm over lower(concept_name), which the database keeps. SQLite: a table of FTS5 that
holds no text, kept by triggers on `concept`; they write as fast as the index could be built afterwards.
Where a database has neither, there is no index, and the search goes by the beginnings of names alone.
"""

from typing import Any

from django.db import DatabaseError, connection, migrations, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

INDEX = "concept_name_trigrams"
_POSTGRESQL = f"CREATE INDEX {INDEX} ON concept USING gin (lower(concept_name) gin_trgm_ops)"

# `columnsize=0`: the lengths of names are only for ranking by relevance, which is not asked for.
_TABLE = f"CREATE VIRTUAL TABLE {INDEX} USING fts5(concept_name, content='', columnsize=0, tokenize='trigram')"
_FILL = f"INSERT INTO {INDEX} (rowid, concept_name) SELECT concept_id, concept_name FROM concept"
_ADD = f"INSERT INTO {INDEX} (rowid, concept_name) VALUES (NEW.concept_id, NEW.concept_name);"
# A table without text cannot look up what it holds: it has to be told what to forget.
_FORGET = f"INSERT INTO {INDEX} ({INDEX}, rowid, concept_name) VALUES ('delete', OLD.concept_id, OLD.concept_name);"
_TRIGGERS = {
    "added": f"AFTER INSERT ON concept BEGIN {_ADD} END",
    "removed": f"AFTER DELETE ON concept BEGIN {_FORGET} END",
    "renamed": (
        "AFTER UPDATE OF concept_id, concept_name ON concept"
        " WHEN OLD.concept_id <> NEW.concept_id OR OLD.concept_name <> NEW.concept_name"
        f" BEGIN {_FORGET} {_ADD} END"
    ),
}


def exists(database: Any = connection) -> bool:
    """Whether names can be searched by trigrams; one statement."""
    sql = (
        "SELECT to_regclass(%s) IS NOT NULL"
        if database.vendor == "postgresql"
        else "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = %s)"
    )
    with database.cursor() as cursor:
        cursor.execute(sql, [INDEX])
        return bool(cursor.fetchone()[0])


def create(database: BaseDatabaseWrapper) -> bool:
    """Make the index anew and fill it; False where the database cannot have one, which is left as it was."""
    drop(database)
    statements = _statements(database)
    try:
        with transaction.atomic(using=database.alias), database.cursor() as cursor:
            for sql in statements:
                cursor.execute(sql)
    except DatabaseError:
        # No pg_trgm, or not allowed to install it; no FTS5 in this SQLite, or one without trigrams (before 3.34).
        if _can_have(database):
            raise
        return False
    return True


def drop(database: BaseDatabaseWrapper) -> None:
    """Remove the index. The extension stays: others may use it."""
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute(f"DROP INDEX IF EXISTS {INDEX}")
            return
        for name in _TRIGGERS:
            cursor.execute(f"DROP TRIGGER IF EXISTS concept_{name}")
        cursor.execute(f"DROP TABLE IF EXISTS {INDEX}")


def _statements(database: BaseDatabaseWrapper) -> list[str]:
    if database.vendor == "postgresql":
        return ["CREATE EXTENSION IF NOT EXISTS pg_trgm", _POSTGRESQL]
    triggers = [f"CREATE TRIGGER concept_{name} {body}" for name, body in _TRIGGERS.items()]
    return [_TABLE, _FILL, *triggers]


def _can_have(database: BaseDatabaseWrapper) -> bool:
    """Whether what the index needs is there, so that a failure has another cause (a full disk, a lost connection)."""
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm')")
            return bool(cursor.fetchone()[0])
        try:
            cursor.execute("CREATE VIRTUAL TABLE temp.concept_name_probe USING fts5(name, tokenize='trigram')")
        except DatabaseError:
            return False
        cursor.execute("DROP TABLE temp.concept_name_probe")
        return True


class MakeConceptSearch(migrations.RunPython):
    """The operation for migrations. SQLite remakes a table to alter it, and its triggers are lost with the old one:
    a later migration that alters `concept` ends with this operation, which makes the index anew.
    """

    def __init__(self) -> None:
        super().__init__(_make, _undo)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [], {}


def _make(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    create(editor.connection)


def _undo(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    drop(editor.connection)
