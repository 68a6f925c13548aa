"""Choices that do not fit the files, known before anything is read."""

from __future__ import annotations

from augmed.foundation.errors import Invalid
from omop.imports.options import ImportOptions, Mode
from omop.imports.reading.sources import UsageError, find_files
from omop.imports.report import ImportReport
from omop.sources import ImportSource

_NO_PERSON = (
    "Replacing persons needs the file of person, as it names whose rows are replaced, and it is not among these files."
    " Send it too, or choose otherwise."
)


def require_fitting(source: ImportSource, options: ImportOptions) -> None:
    """Raises Invalid, with the field, where the mode needs a file that is not there; or where the source is gone."""
    if options.mode is not Mode.REPLACE_PERSON:
        return
    report = ImportReport(dry_run=True, options=options)
    try:
        tables = {file.table for file in find_files(source.paths(), options, report)}
    except UsageError as error:
        raise Invalid(str(error)) from error
    # A file of an unknown name, or one that cannot be looked into, may be it: the check tells of those first.
    if "person" not in tables and not report.error_count:
        raise Invalid(_NO_PERSON, errors={"mode": [_NO_PERSON]})
