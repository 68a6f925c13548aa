"""Files to typed rows in the staging tables, with a finding for every cell and record that does not fit.

Chunks of a file are converted ahead by threads (pyarrow works without Python's lock), and written and reported by the
caller's thread in the order of the file: whatever the number of threads, rows and report are the same.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from typing import Any, BinaryIO

import pyarrow as pa

from omop.imports.backends import FILE, LINE, REJECTED, Backend
from omop.imports.cells import parser_of
from omop.imports.convert.ahead import ahead
from omop.imports.convert.chunks import LONGEST, SIZE, Chunk, Rest, cut
from omop.imports.convert.columns import ColumnConverter
from omop.imports.convert.exact import convert_batch
from omop.imports.convert.native import convert_chunk, convert_texts, texts_of, texts_of_batch
from omop.imports.convert.result import MOST_PROBLEMS, TEXT, Converted, Keys, rows_at_once
from omop.imports.options import ImportOptions
from omop.imports.reading.dialect import Dialect, recognise
from omop.imports.reading.parquet import FIRST_LINE, cell_texts, parquet_batches
from omop.imports.reading.records import BATCH, Batch, read_records
from omop.imports.reading.sources import SourceFile, UnreadableFile
from omop.imports.report import FileReport, ImportReport
from omop.imports.schema import TableSchema

Progress = Callable[[int, int], None]
_PARQUET_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class _Rows:
    """A batch of Parquet: its columns' texts and the line of each row."""

    texts: list[pa.Array]
    starts: pa.Array


_Piece = tuple[Chunk | Batch | _Rows, int]  # with the bytes of the file that are read by then
_Ready = tuple[Iterable[tuple[Converted, Any]], int]  # what to report and to write


class Stager:
    """Reads files into staging tables.

    `unstaged` counts, by table, the records that could not be staged at all. `dialects` are those of the files that
    were read, by number. `increasing` are the tables whose rows have rising keys, all of one number: so no key is
    there twice.

    `exact` reads every cell by its parser, for comparison; `chunk` is how many bytes are converted at a time.
    """

    def __init__(
        self,
        database: Backend,
        report: ImportReport,
        *,
        threads: int | None = None,
        exact: bool = False,
        chunk: int = SIZE,
    ) -> None:
        self._database = database
        self._report = report
        self._threads = threads or report.options.threads
        self._exact = exact
        self._chunk = chunk
        self._last_key: dict[str, int | None] = {}
        self.dialects: dict[int, Dialect] = {}
        self.unstaged: dict[str, int] = {}

    @property
    def increasing(self) -> set[str]:
        return {table for table, key in self._last_key.items() if key is not None}

    def stage(self, source: SourceFile, schema: TableSchema, file: FileReport, progress: Progress) -> None:
        """Stage one file. `progress` is told the bytes of it as stored and the rows read so far; it may raise."""
        dialect = recognise(source, schema, self._report.options, self._report, file)
        if dialect is None:
            return
        self.dialects[source.number] = dialect
        share = file.bytes / max(1, dialect.survey.size)  # of what is read, as stored
        worker = _Worker(source, schema, dialect, self._database, self._report.options)
        shortened = [0] * len(worker.columns)
        try:
            with worker.pieces(exact=self._exact, chunk=self._chunk) as pieces:
                for ready, done in ahead(pieces, worker.convert, self._threads):
                    for converted, encoded in ready:
                        self._take(converted, encoded, worker, file)
                        shortened = list(map(int.__add__, shortened, converted.shortened))
                    progress(min(file.bytes, int(done * share)), file.rows)
        except UnreadableFile as error:
            self._report.found("file_readable", source.table, str(error), file=source.name)
        except OSError as error:
            reason = f"the file cannot be read: {error.strerror or error}"
            self._report.found("file_readable", source.table, reason, file=source.name)
        for column, rows in zip(worker.columns, shortened, strict=True):
            if rows:
                reason = f"longer than {column.length} characters; shortened, as said"
                self._report.found(
                    "value_truncated", schema.name, reason, file=source.name, column=column.name, rows=rows
                )

    def _take(self, converted: Converted, encoded: Any, worker: "_Worker", file: FileReport) -> None:
        table = worker.schema.name
        read = converted.rows + converted.misfits
        self._report.tables[table].read += read
        file.rows += read
        self.unstaged[table] = self.unstaged.get(table, 0) + converted.misfits
        for problem in converted.problems:
            self._report.found(
                problem.code,
                table,
                problem.reason,
                file=worker.source.name,
                line=problem.line,
                column=problem.column,
                value=problem.value,
            )
        if converted.rows:
            self._follow(table, converted.keys)
            self._database.write(worker.schema, worker.staged_columns, converted.rows, encoded)

    def _follow(self, table: str, keys: Keys | None) -> None:
        if table not in self._last_key:
            self._last_key[table] = keys.last if keys else None
            return
        last = self._last_key[table]
        self._last_key[table] = keys.last if keys and last is not None and keys.first > last else None


class _Worker:
    """The reading and conversion of one file, which needs no database."""

    def __init__(
        self,
        source: SourceFile,
        schema: TableSchema,
        dialect: Dialect,
        database: Backend,
        options: ImportOptions,
    ) -> None:
        self.source = source
        self.schema = schema
        self._dialect = dialect
        self._database = database
        names = [name for name in dialect.columns if name is not None]
        self.columns = [schema.columns[name] for name in names]
        self._converters = [
            ColumnConverter(
                column,
                parser_of(column, schema.name, options, database.max_digits),
                options.tokens_of(schema.name, column.name),
            )
            for column in self.columns
        ]
        self.staged_columns = [FILE, LINE, REJECTED, *names]
        numbered = len(schema.key) == 1 and schema.columns[schema.key[0]].kind in {"id", "integer"}
        self._batch = min(BATCH, rows_at_once(len(names)))
        self._key = names.index(schema.key[0]) if numbered and schema.key[0] in names else None

    @contextmanager
    def pieces(self, *, exact: bool, chunk: int) -> Iterator[Iterable[_Piece]]:
        """The file's pieces in order, to be read inside the block."""
        if self.source.kind == "parquet":
            yield self._rows(exact)
            return
        with self.source.open() as stream:
            stream.read(self._dialect.header_bytes)
            yield self._batches(stream, self._dialect.first_line) if exact else self._chunks(stream, chunk)

    def _chunks(self, stream: BinaryIO, size: int) -> Iterator[_Piece]:
        dialect, done = self._dialect, self._dialect.header_bytes
        separator = dialect.separator.encode()
        longest = min(size, LONGEST)
        pieces = cut(
            stream, separator=separator, quoted=dialect.quoted, line=dialect.first_line, size=size, longest=longest
        )
        for piece in pieces:
            if isinstance(piece, Rest):
                yield from self._batches(piece.stream, piece.line, done)
            else:
                done += len(piece.data)
                yield piece, done

    def _batches(self, stream: BinaryIO, line: int, before: int = 0) -> Iterator[_Piece]:
        for batch in read_records(stream, self._dialect, line, size=self._batch):
            yield batch, before + stream.tell()

    def _rows(self, exact: bool) -> Iterator[_Piece]:
        line = FIRST_LINE
        for batch in parquet_batches(self.source, self._dialect, size=_PARQUET_ROWS):
            starts = pa.arange(line, line + batch.num_rows)
            line += batch.num_rows
            texts = None if exact else texts_of_batch(batch, self._dialect)
            if texts is None:
                cells = list(map(list, zip(*map(cell_texts, batch.columns), strict=True)))
                for row in range(0, len(cells), self._batch):
                    some = slice(row, row + self._batch)
                    yield Batch(cells[some], starts[some].to_pylist(), []), 0
            else:
                yield _Rows(texts, starts), 0

    def convert(self, piece: _Piece) -> _Ready:
        """One piece, ready to be reported and written. Runs in a thread of its own.

        Of a piece with many problems only the beginning is; what follows is converted as its turn comes.
        """
        work, done = piece
        results = ((converted, self._encode(converted)) for converted in self._converted(work))
        ready: list[tuple[Converted, Any]] = []
        problems = 0
        for converted, encoded in results:
            ready.append((converted, encoded))
            problems += len(converted.problems)
            if problems >= MOST_PROBLEMS // 2:
                return chain(ready, results), done
        return ready, done

    def _converted(self, work: Chunk | Batch | _Rows) -> Iterator[Converted]:
        if isinstance(work, Batch):
            yield convert_batch(work, self._dialect, self._converters, self._key)
        elif isinstance(work, Chunk):
            texts = texts_of(work, self._dialect)
            if texts is not None:
                yield from convert_chunk(work, texts, self._converters, self._key)
                return
            for batch in read_records(BytesIO(work.data), self._dialect, work.line, size=self._batch):
                yield convert_batch(batch, self._dialect, self._converters, self._key)
        else:
            yield from convert_texts(work.texts, work.starts, self._converters, self._key)

    def _encode(self, converted: Converted) -> Any:
        if not converted.rows:
            return None
        marks = [int(row in converted.rejected) for row in range(converted.rows)] if converted.rejected else None
        own = [
            pa.repeat(str(self.source.number), converted.rows),
            converted.lines.cast(TEXT),
            pa.repeat("0", converted.rows) if marks is None else pa.array(marks).cast(TEXT),
        ]
        return self._database.encode(self.schema, pa.table([*own, *converted.columns], names=self.staged_columns))
