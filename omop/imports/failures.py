"""Why a run failed, in words for people: what ran out or went away, and never what a row holds."""

import errno
import sqlite3
from collections.abc import Iterator

import psycopg
from django.db import DatabaseError, InterfaceError

_NOTHING = "Nothing was loaded."
_DISK = {errno.ENOSPC, errno.EDQUOT}
_SPOOL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
_LOST = f"The connection to the database was lost. {_NOTHING} Start the import again once it is back."


def explain(error: BaseException) -> str | None:
    """One or two sentences for a failure that has nothing to do with the files; None for an unforeseen one."""
    if _is_disk(error):
        return f"The disk for uploads and reports is full. {_NOTHING} Free some space and start the import again."
    if isinstance(error, DatabaseError | InterfaceError | psycopg.Error):
        return _database(error)
    return None


def may_come_back(error: BaseException) -> bool:
    """Whether the database is but away, as when it is restarted: then it is worth while to try again."""
    return explain(error) == _LOST


def was_cancelled(error: BaseException) -> bool:
    """Whether somebody ended the statement that ran; a time limit of the server is a failure."""
    chain = list(_chain(error))
    if any(getattr(each, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT for each in chain):
        return True
    ended = any(getattr(each, "sqlstate", None) == "57014" for each in chain)
    return ended and not any(_has(str(each), "timeout") for each in chain)


def _is_disk(error: BaseException) -> bool:
    if isinstance(error, sqlite3.Error):  # the spool of rejected lines is a file of SQLite whatever the database is
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _SPOOL
    return isinstance(error, OSError) and error.errno in _DISK


def _database(error: BaseException) -> str | None:
    chain = list(_chain(error))
    states = [state for each in chain if (state := getattr(each, "sqlstate", None))]
    texts = [str(each) for each in chain]
    if {"53100", "53000"} & {*states} or any(_has(text, "disk is full", "disk I/O error") for text in texts):
        return f"The database ran out of disk space. {_NOTHING} Free some space and start the import again."
    if "53200" in states:
        return f"The database ran out of memory. {_NOTHING}"
    if "40P01" in states or any(_has(text, "database is locked") for text in texts):  # 40P01: a deadlock was broken
        return f"The database was busy with other work for too long. {_NOTHING} Start the import again."
    if any(state.startswith(("08", "57P")) for state in states):
        return _LOST
    # A connection that breaks off has no state of its own.
    lost = (psycopg.OperationalError, psycopg.InterfaceError)
    return _LOST if not states and any(isinstance(each, lost) for each in chain) else None


def _has(text: str, *parts: str) -> bool:
    return any(part in text for part in parts)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it: a COMMIT that fails after a full disk hides what came first, and Django wraps what
    the database's driver raises, though not within a COPY."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
