"""Records to typed rows in the staging table, with an error for every cell and line that does not fit.

The work is done column by column: a batch is turned on its side, and a column's values go through a table of texts
already converted, as most of them (concepts, dates, types) come again and again. Only a column that holds a bad
value is looked at cell by cell.
"""

from collections.abc import Callable, Sequence
from typing import Any

from omop.imports import cells
from omop.imports.backends import FILE, LINE, REJECTED, Backend
from omop.imports.dialect import Batch, HeaderError, RecordReader, open_records
from omop.imports.discovery import SourceFile
from omop.imports.report import ImportReport
from omop.imports.schema import ColumnSchema, TableSchema

Convert = Callable[[str], Any]
Progress = Callable[[int], None]
_REMEMBERED = 50_000
_SHORT = 40


class Remembering(dict[str, Any]):
    """A conversion that keeps its answers for short texts, up to a limit."""

    def __init__(self, convert: Convert) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, text: str) -> Any:
        value = self._convert(text)
        if len(text) <= _SHORT:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[text] = value
        return value


class Converters:
    """The conversions for one backend; columns of the same type share one."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._made: dict[tuple[str, int | None, bool], Convert] = {}

    def of(self, column: ColumnSchema, *, unique: bool) -> Convert:
        """The conversion of a column; `unique` says that its values do not come again."""
        if unique:
            return self._plain(column)
        key = (column.kind, column.length, column.required)
        if key not in self._made:
            # The bound method of dict itself: with it, map() stays out of Python for texts that are known.
            self._made[key] = Remembering(self._plain(column)).__getitem__
        return self._made[key]

    def _plain(self, column: ColumnSchema) -> Convert:
        parse, encode = self._parser(column), self._backend.encoder(column.kind)
        null, required = self._backend.null, column.required

        def convert(text: str) -> Any:
            if not text:
                if required:
                    raise cells.CellError("is empty, but this column is required", "value_required")
                return null
            value = parse(text)
            return value if encode is None else encode(value)

        return convert

    def _parser(self, column: ColumnSchema) -> cells.Parser:
        match column.kind:
            case "id":
                return cells.integer(cells.INT64)
            case "integer":
                return cells.integer(cells.INT32)
            case "number":
                return cells.number(self._backend.max_digits)
            case "date":
                return cells.day
            case "moment":
                return cells.moment
            case _:
                return cells.text(column.length)


class Stager:
    """Reads files into staging tables. `unstaged` counts, by table, the lines that could not be staged at all."""

    def __init__(self, backend: Backend, report: ImportReport) -> None:
        self._backend = backend
        self._report = report
        self._converters = Converters(backend)
        self.unstaged: dict[str, int] = {}

    def stage(self, source: SourceFile, schema: TableSchema, progress: Progress) -> None:
        """Stage one file. `progress` is told the number of bytes read so far."""
        try:
            with open_records(source.path) as records:
                if self._header_fits(records.header, source, schema):
                    self._stage_records(records, source, schema, progress)
        except HeaderError as error:
            self._report.found("file_readable", source.table, str(error), file=source.name, line=1)
        except OSError as error:
            self._report.found(
                "file_readable", source.table, f"the file cannot be read: {error.strerror}", file=source.name
            )

    def _header_fits(self, header: list[str], source: SourceFile, schema: TableSchema) -> bool:
        before = self._report.error_count
        for position, name in enumerate(header):
            if name not in schema.columns:
                reason = f"{schema.name} has no such column in CDM 5.4" if name else "a column has no name"
                self._header_error("columns_known", source, reason, name or f"column {position + 1}")
            elif name in header[:position]:
                self._header_error("columns_known", source, "the column is there twice", name)
        for column in schema.columns.values():
            if column.required and column.name not in header:
                self._header_error("columns_required", source, "the column is required, but not there", column.name)
        return self._report.error_count == before

    def _header_error(self, code: str, source: SourceFile, reason: str, column: str) -> None:
        self._report.found(code, source.table, reason, file=source.name, line=1, column=column, per_column=False)

    def _stage_records(
        self, records: RecordReader, source: SourceFile, schema: TableSchema, progress: Progress
    ) -> None:
        columns = [schema.columns[name] for name in records.header]
        converts = [self._converters.of(column, unique=_comes_once(column, schema)) for column in columns]
        names = [FILE, LINE, REJECTED, *records.header]
        for batch in records.batches():
            self._drop_misfits(batch, len(columns), source, schema)
            if batch.rows:
                rejected: set[int] = set()
                data = [
                    self._convert(values, convert, column.name, batch.lines, rejected, source)
                    for values, convert, column in zip(zip(*batch.rows, strict=True), converts, columns, strict=True)
                ]
                self._backend.write(
                    schema.name, names, [*self._own_columns(source.number, batch.lines, rejected), *data]
                )
            progress(records.bytes_read)

    def _own_columns(
        self, number: int, lines: Sequence[int], rejected: set[int]
    ) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
        flags = ["0"] * len(lines)
        for index in rejected:
            flags[index] = "1"
        return [str(number)] * len(lines), list(map(str, lines)), flags

    def _convert(
        self,
        values: Sequence[str],
        convert: Convert,
        name: str,
        lines: Sequence[int],
        rejected: set[int],
        source: SourceFile,
    ) -> Sequence[Any]:
        try:
            return list(map(convert, values))
        except cells.CellError:
            pass
        converted: list[Any] = []
        for index, value in enumerate(values):
            try:
                converted.append(convert(value))
            except cells.CellError as error:
                # The row is staged all the same, without this cell: rows that refer to it are not to blame.
                converted.append(self._backend.null)
                rejected.add(index)
                self._report.found(
                    error.code, source.table, str(error), file=source.name, line=lines[index], column=name, value=value
                )
        return converted

    def _drop_misfits(self, batch: Batch, width: int, source: SourceFile, schema: TableSchema) -> None:
        counts = self._report.tables[schema.name]
        counts.read += len(batch.rows) + len(batch.problems)
        misfits = len(batch.problems)
        for line, reason in batch.problems:
            self._report.found("record_readable", source.table, reason, file=source.name, line=line)
        if set(map(len, batch.rows)) != {width}:
            kept = [len(row) == width for row in batch.rows]
            for row, line, fits in zip(batch.rows, batch.lines, kept, strict=True):
                if not fits:
                    misfits += 1
                    reason = f"the line has {len(row)} fields, the header {width}"
                    self._report.found("field_count", source.table, reason, file=source.name, line=line)
            batch.rows = [row for row, fits in zip(batch.rows, kept, strict=True) if fits]
            batch.lines = [line for line, fits in zip(batch.lines, kept, strict=True) if fits]
        if misfits:
            self.unstaged[schema.name] = self.unstaged.get(schema.name, 0) + misfits


def _comes_once(column: ColumnSchema, schema: TableSchema) -> bool:
    """Keys never come again, and long texts seldom do: remembering them is only a cost."""
    return schema.key == (column.name,) or (column.kind == "text" and (column.length or 1_000) > 255)
