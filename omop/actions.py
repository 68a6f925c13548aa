"""Writes to the OMOP tables."""

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from augmed.foundation import audit
from omop.imports import engine
from omop.imports.discovery import UsageError
from omop.imports.report import ImportReport

__all__ = ["ImportReport", "UsageError", "import_files"]


def _silent(done: int, total: int, message: str) -> None:
    """The progress of a caller who does not ask for it."""


def import_files(
    *,
    paths: Sequence[Path | str],
    by: Any,
    dry_run: bool = False,
    progress: Callable[[int, int, str], None] = _silent,
) -> ImportReport:
    """Load CSV files of CDM tables, all of them or, where one row is wrong, none.

    `paths` are files and folders; the name of a file is the name of its table. Rows that are there already with the
    same content are left alone, so a run can be repeated. `progress` gets bytes read, bytes in all and a message; an
    exception from it stops the run, with nothing loaded. `by` is a user, or None for the system.

    Wrong data never raise: they are errors in the report, whose status then is "refused". Raises UsageError where a
    path does not exist or holds no file to read.
    """

    def record(report: ImportReport) -> None:
        audit.record(
            action="omop_imported",
            by=by,
            target=("omop.import", uuid.uuid4()),
            data={
                "files": list(report.files),
                "loaded": {name: counts.loaded for name, counts in report.tables.items()},
                "unchanged": {name: counts.unchanged for name, counts in report.tables.items()},
                "warnings": report.warning_count,
            },
        )

    return engine.run(paths=[Path(path) for path in paths], dry_run=dry_run, progress=progress, when_loaded=record)
