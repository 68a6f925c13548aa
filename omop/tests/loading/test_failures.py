"""Why a run failed, in words: of the disk what is the disk's, and no more."""

import errno
import sqlite3

import pytest

from omop.imports.failures import explain
from omop.imports.rejects import RejectWriter

MANY = [("person.csv", line, None, "value_type", "x" * 200) for line in range(200)]


def spooling_fails(folder, statement):
    """What keeping rejected lines raises after a statement on their spool."""
    with RejectWriter(folder) as writer:
        writer._connection.execute(statement)
        writer.add(MANY)
        with pytest.raises(sqlite3.Error) as raised:
            writer.write_csv([], {})
    return raised.value


def test_a_full_disk_is_told():
    assert "is full" in (explain(OSError(errno.ENOSPC, "no space left")) or "")
    assert explain(PermissionError(errno.EACCES, "not allowed")) is None


def test_a_spool_that_has_no_room_is_a_full_disk(tmp_path):
    error = spooling_fails(tmp_path, "PRAGMA max_page_count = 1")
    assert error.sqlite_errorcode == sqlite3.SQLITE_FULL
    assert "is full" in (explain(error) or "")


def test_another_fault_of_the_spool_is_no_full_disk(tmp_path):
    assert explain(spooling_fails(tmp_path, "DROP TABLE reject")) is None
