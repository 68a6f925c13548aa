"""Writes to the OMOP tables."""

from omop.actions.imports import (
    CHECK_JOB,
    IMPORT_JOB,
    ImportFailed,
    ImportOutcome,
    check_database,
    check_tables,
    confirm_import,
    import_files,
    start_import,
)
from omop.actions.reports import purge_import_reports
from omop.actions.rows import save_row
from omop.imports.options import ImportOptions, OptionError
from omop.imports.reading.sources import UsageError
from omop.imports.report import ImportReport

__all__ = [
    "CHECK_JOB",
    "IMPORT_JOB",
    "ImportFailed",
    "ImportOptions",
    "ImportOutcome",
    "ImportReport",
    "OptionError",
    "UsageError",
    "check_database",
    "check_tables",
    "confirm_import",
    "import_files",
    "purge_import_reports",
    "save_row",
    "start_import",
]
