"""Why a run failed, in words for people: what ran out or went away, and never what a row holds."""

import errno

from django.db import DatabaseError, InterfaceError, OperationalError

_NOTHING = "Nothing was loaded."
_DISK = {errno.ENOSPC, errno.EDQUOT}


def explain(error: BaseException) -> str | None:
    """One or two sentences for a failure that has nothing to do with the files; None for an unforeseen one."""
    if isinstance(error, OSError) and error.errno in _DISK:
        return f"The disk for uploads and reports is full. {_NOTHING} Free some space and start the import again."
    if isinstance(error, DatabaseError | InterfaceError):
        return _database(error)
    return None


def _database(error: Exception) -> str | None:
    state = getattr(error.__cause__, "sqlstate", None) or ""
    text = str(error)
    if state in {"53100", "53000"} or "database or disk is full" in text:
        return f"The database ran out of disk space. {_NOTHING} Free some space and start the import again."
    if state == "53200":
        return f"The database ran out of memory. {_NOTHING}"
    if "database is locked" in text:
        return f"The database was busy with other work for too long. {_NOTHING} Start the import again."
    if state.startswith(("08", "57P")) or (isinstance(error, OperationalError | InterfaceError) and not state):
        return f"The connection to the database was lost. {_NOTHING} Start the import again once it is back."
    return None
