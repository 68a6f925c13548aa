"""Writes to the OMOP tables."""

from omop.actions.imports import (
    IMPORT_JOB,
    ImportFailed,
    ImportOutcome,
    confirm_import,
    import_files,
    start_import,
)
from omop.actions.rows import save_row
from omop.imports.options import ImportOptions, OptionError
from omop.imports.reading.sources import UsageError
from omop.imports.report import ImportReport

__all__ = [
    "IMPORT_JOB",
    "ImportFailed",
    "ImportOptions",
    "ImportOutcome",
    "ImportReport",
    "OptionError",
    "UsageError",
    "confirm_import",
    "import_files",
    "save_row",
    "start_import",
]
