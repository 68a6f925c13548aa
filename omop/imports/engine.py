"""One run: stage every file, check it all, then load it all in one transaction, or nothing."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path

from django.db import DatabaseError, InterfaceError, transaction

from omop.imports.backends import Backend, backend
from omop.imports.checks import Checker, load, staged_tables
from omop.imports.discovery import SourceFile, find_files
from omop.imports.progress import Progress
from omop.imports.report import FileReport, ImportReport, TableCounts
from omop.imports.schema import schemas
from omop.imports.staging import Stager


def run(*, paths: Sequence[Path], report: ImportReport, progress: Progress, loaded: Callable[[], None]) -> None:
    """Import `paths` into the tables, or only check them where the report is of a dry run; `report` is filled.

    `loaded` is called last in the transaction that loads. Raises UsageError where there is nothing to read; whatever
    is wrong with the data is in the report.
    """
    files = find_files(paths, report)
    report.files = [FileReport(file.name, file.table, file.path.stat().st_size, _sha256(file)) for file in files]
    report.tables = {file.table: TableCounts() for file in files}
    database = backend()
    try:
        stager = Stager(database, report)
        _stage(files, database, stager, report, progress)
        with transaction.atomic():
            database.lock()
            _check(files, database, stager, report)
            if not report.refused and not report.dry_run:
                _load(database, report)
                loaded()
    finally:
        # Where the database is gone, so are its temporary tables; the error that says so must not be replaced.
        with suppress(DatabaseError, InterfaceError):
            database.drop()


def _sha256(file: SourceFile) -> str:
    with file.path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def _stage(
    files: Sequence[SourceFile], database: Backend, stager: Stager, report: ImportReport, progress: Progress
) -> None:
    total = sum(file.path.stat().st_size for file in files)
    done = 0

    def tell(read: int) -> None:
        rows = sum(counts.read for counts in report.tables.values())
        progress(done + read, total, rows, f"Reading {file.name}")

    for file in files:
        schema = schemas()[file.table]
        if file.table not in database.tables:
            database.create(schema)
        stager.stage(file, schema, tell)
        done += file.path.stat().st_size
    for schema in staged_tables(database.tables, schemas()):
        database.finish(schema)
    # The last word before the transaction: what is written inside it is seen only after its end.
    progress(total, total, sum(counts.read for counts in report.tables.values()), "Checking and loading")


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
