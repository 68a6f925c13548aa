"""One run: stage every file, check it all, then load it all in one transaction, or nothing."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from django.db import transaction

from omop.imports.backends import Backend, backend
from omop.imports.checks import Checker, load, staged_tables
from omop.imports.discovery import SourceFile, find_files
from omop.imports.options import ImportOptions
from omop.imports.report import FileReport, ImportReport, TableCounts
from omop.imports.schema import schemas
from omop.imports.staging import Stager

Progress = Callable[[int, int, str], None]


def run(
    *,
    paths: Sequence[Path],
    dry_run: bool,
    options: ImportOptions,
    progress: Progress,
    when_loaded: Callable[[ImportReport], None],
) -> ImportReport:
    """Import `paths`. `progress` gets bytes done, bytes in all and what is being done; it may raise to cancel.

    `when_loaded` is called last in the transaction that loads. Raises discovery.UsageError where there is nothing to
    read; whatever is wrong with the data is in the report.
    """
    started = time.monotonic()
    report = ImportReport(dry_run=dry_run, options=options)
    files = find_files(paths, report)
    report.files = [FileReport(file.name, file.table) for file in files]
    report.tables = {file.table: TableCounts() for file in files}
    database = backend()
    try:
        stager = Stager(database, report)
        _stage(files, database, stager, progress)
        with transaction.atomic():
            database.lock()
            _check(files, database, stager, report)
            if not report.refused and not dry_run:
                _load(database, report)
                when_loaded(report)
    finally:
        database.drop()
    if not report.refused:
        report.status = "checked" if dry_run else "loaded"
    report.seconds = round(time.monotonic() - started, 3)
    return report


def _stage(files: Sequence[SourceFile], database: Backend, stager: Stager, progress: Progress) -> None:
    total = sum(file.path.stat().st_size for file in files)
    done = 0
    for file in files:
        schema = schemas()[file.table]
        if file.table not in database.tables:
            database.create(schema)
        before = done
        stager.stage(file, schema, lambda read, b=before, n=file.name: progress(b + read, total, f"Reading {n}"))  # type: ignore[misc]
        done += file.path.stat().st_size
    for schema in staged_tables(database.tables, schemas()):
        database.finish(schema)
    # The last word before the transaction: what is written inside it is seen only after its end.
    progress(total, total, "Checking and loading")


def _check(files: Sequence[SourceFile], database: Backend, stager: Stager, report: ImportReport) -> None:
    checker = Checker(database, report, {file.number: file.name for file in files})
    tables = staged_tables(database.tables, schemas())
    for schema in tables:
        checker.check(schema)
    for schema in tables:
        checker.count(schema, stager.unstaged.get(schema.name, 0))


def _load(database: Backend, report: ImportReport) -> None:
    for schema in staged_tables(database.tables, schemas()):
        counts = report.tables[schema.name]
        counts.loaded = load(schema, database)
        if counts.loaded != counts.new:
            # What was counted and what was inserted must be one; anything else is a fault of the engine.
            raise RuntimeError(f"{schema.name}: {counts.new} rows to load, {counts.loaded} inserted")
