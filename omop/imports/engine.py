"""One run: stage every file, check it all, then load it all in one transaction, or nothing."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.db import DatabaseError, InterfaceError, transaction

from omop.imports import runs
from omop.imports.backends import backend
from omop.imports.gate.gate import Gate
from omop.imports.loading.changes import Changes
from omop.imports.loading.merge import Absent, fill_from_database
from omop.imports.loading.modes import TableLoader
from omop.imports.loading.persons import check_rows_that_stay, drop_replaced, name_replaced
from omop.imports.options import Mode
from omop.imports.progress import Progress, Work
from omop.imports.reading.sources import SourceFile, UsageError, find_files
from omop.imports.rejects import RejectWriter
from omop.imports.report import ImportReport, TableCounts
from omop.imports.schema import TableSchema, schemas
from omop.imports.staging import Stager
from omop.models.imports import ImportRun

WriteDown = Callable[[str, dict[str, Any]], None]
"""Remembers the run: its status, and what others had to say of the rows that change."""


class Engine:
    """One run over files. `write_down` is called last, with "loaded" inside the transaction that loads.

    The staging tables belong to the connection and are filled outside of any transaction: a long read of files holds
    no lock, and its progress can be seen. `checked` is the checksum of the files as they were checked and confirmed,
    "" where nobody did.
    """

    def __init__(
        self, run: ImportRun, report: ImportReport, progress: Progress, write_down: WriteDown, *, checked: str = ""
    ) -> None:
        self._run = run
        self._report = report
        self._progress = progress
        self._write_down = write_down
        self._checked = checked
        self._database = backend()
        self._stager = Stager(self._database, report)
        self._changes = Changes(self._database)
        self._files: list[SourceFile] = []

    def run(self, paths: Sequence[Path]) -> None:
        """Import `paths`, or only check them where the report is of a dry run; the report is filled.

        Raises UsageError where there is nothing to read, or not what was checked; whatever is wrong with the data is in
        the report.
        """
        self._find(paths)
        with self._temporary_tables(), RejectWriter(runs.make_folder(self._run)) as rejects:
            self._report.on_reject = rejects
            self._stage()
            if self._checked and runs.checksum_of(self._report) != self._checked:
                raise UsageError("The files changed after they were checked. Check them again; nothing was loaded.")
            if self._report.dry_run:
                with self._database.reading():
                    self._check(rejects)
                    self._preview()
                return
            with transaction.atomic():
                self._database.lock()
                self._check(rejects)
                if not self._report.refused:
                    self._load()
                    return
            self._preview()

    def _find(self, paths: Sequence[Path]) -> None:
        report = self._report
        self._files = find_files(paths, report.options, report)
        if report.options.mode is Mode.REPLACE_PERSON and "person" not in {file.table for file in self._files}:
            raise UsageError("The mode replace-person needs the file of person: it names whose rows are replaced.")
        report.tables = {file.table: TableCounts() for file in self._files}

    @contextmanager
    def _temporary_tables(self) -> Iterator[None]:
        try:
            yield
        finally:
            # Where the database is gone, so are its temporary tables; the error that says so must not be replaced.
            with suppress(DatabaseError, InterfaceError):
                self._changes.drop()
                drop_replaced()
            with suppress(DatabaseError, InterfaceError):
                self._database.drop()

    def _stage(self) -> None:
        sizes = {name: sum(file.size for file in self._files if file.table == name) for name in self._report.tables}
        self._work = Work(self._progress, sizes, loads=not self._report.dry_run)
        done = rows = 0

        def tell(bytes_read: int, rows_read: int) -> None:
            self._work.reading(done + bytes_read, rows + rows_read, source.name)

        for source in self._files:
            file = self._report.files[source.number]
            self._work.reading(done, rows, source.name)
            state = source.state()
            file.sha256 = source.sha256()
            if source.table not in self._database.tables:
                self._database.create(schemas()[source.table])
            self._stager.stage(source, schemas()[source.table], file, tell)
            if source.state() != state:  # its checksum would be that of something else
                raise UsageError(f"{source.name} changed while it was read. Start again; nothing was loaded.")
            done += source.size
            rows += file.rows
        for schema in self._staged():
            self._database.finish(schema)

    def _check(self, rejects: RejectWriter) -> None:
        tables = self._staged()
        if self._report.options.mode is Mode.REPLACE_PERSON:
            name_replaced(self._database)
        if self._report.options.mode is Mode.UPSERT:
            self._database.memory()
            for schema in tables:
                fill_from_database(schema, self._database, self._absent(schema))
        names = [schema.name for schema in tables]
        Gate(
            self._database,
            self._report,
            {file.number: file.name for file in self._files},
            increasing=self._stager.increasing,
            unstaged=self._stager.unstaged,
            tell=lambda table: self._work.checking(table, names),
        ).check(tables)
        if self._report.options.mode is Mode.REPLACE_PERSON:
            name_replaced(self._database)  # anew: rows of the person file may have been rejected
            check_rows_that_stay({schema.name: schema for schema in tables}, self._database, self._report)
        rejects.write_csv(self._files, self._stager.dialects)

    def _preview(self) -> None:
        """Count what a load would do, and remember the run as checked or refused."""
        for loader in self._loaders():
            loader.preview(self._report.tables[loader.schema.name])
        if self._report.refused:
            self._write_down("refused", {})
        else:
            self._find_changes()
            self._write_down("checked", self._changes.tell(self._run, dry_run=True))

    def _load(self) -> None:
        self._find_changes()
        loaders = self._loaders()
        names = [loader.schema.name for loader in loaders]
        for loader in loaders:
            self._work.loading(loader.schema.name, names)
            loader.load(self._report.tables[loader.schema.name])
        self._work.finished("Writing down what was done")
        self._write_down("loaded", self._changes.tell(self._run, dry_run=False))

    def _find_changes(self) -> None:
        self._changes.prepare()
        for loader in self._loaders():
            self._changes.find(loader)

    def _loaders(self) -> list[TableLoader]:
        options = self._report.options
        return [
            TableLoader(schema, self._database, options.mode, self._keeps(schema), options.indexes)
            for schema in self._staged()
        ]

    def _absent(self, schema: TableSchema) -> Absent:
        """Which of the table's files lack which column."""
        numbers = self._numbers(schema)
        return {
            name: frozenset(number for number in numbers if name in self._report.files[number].missing)
            for name in schema.columns
        }

    def _keeps(self, schema: TableSchema) -> frozenset[str]:
        """Columns that no file of the table has: an upsert does not touch them, whoever else edits them meanwhile."""
        if self._report.options.mode is not Mode.UPSERT:
            return frozenset()
        numbers = frozenset(self._numbers(schema))
        return frozenset(name for name, lacking in self._absent(schema).items() if lacking == numbers)

    def _numbers(self, schema: TableSchema) -> list[int]:
        return [file.number for file in self._files if file.table == schema.name]

    def _staged(self) -> list[TableSchema]:
        return [schema for name, schema in schemas().items() if name in self._database.tables]
