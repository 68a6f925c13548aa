"""Parquet: batches of columns by row group, and their values as the text that a CSV file would have.

A row has a line number as it would have in a CSV file with a header: its number from 1 on, and 1 more.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from omop.imports.options import ImportOptions
from omop.imports.reading.header import columns_of, normalised
from omop.imports.reading.shape import Dialect
from omop.imports.reading.sources import SourceFile, UnreadableFile
from omop.imports.reading.survey import Survey
from omop.imports.report import FileReport, ImportReport
from omop.imports.schema import TableSchema

BATCH = 5_000
# Without a buffer, Arrow reads a whole column of a row group at once.
_CAREFULLY: dict[str, Any] = {"buffer_size": 1 << 20, "pre_buffer": False, "page_checksum_verification": True}
_BYTES = 16 << 20  # of a batch, about
_EXACT = 2**53  # beyond it, doubles skip whole numbers
FIRST_LINE = 2


def recognise_parquet(
    source: SourceFile, schema: TableSchema, options: ImportOptions, report: ImportReport, file: FileReport
) -> Dialect | None:
    """As `dialect.recognise`, for a Parquet file. Raises UnreadableFile and OSError."""
    with _opened(source) as parquet:
        fields = list(parquet.schema_arrow)
        rows = parquet.metadata.num_rows
    file.recognised = {"format": f"Parquet, {rows:,} rows", "compression": source.compression or "none"}
    columns = columns_of([normalised(field.name) for field in fields], schema, options, report, file)
    if columns is None:
        return None
    fit = True
    for field, column in zip(fields, columns, strict=True):
        if column is not None and (reason := _misfit(field.type, schema.columns[column].kind)):
            fit = False
            report.found(
                "file_readable", schema.name, reason, file=source.name, line=1, column=column, per_column=False
            )
    return Dialect("", False, "", 0, FIRST_LINE, columns, Survey(size=source.size)) if fit else None


def parquet_batches(source: SourceFile, dialect: Dialect, *, size: int = BATCH) -> Iterator[pa.RecordBatch]:
    """Batches of the file's own types, with all of its columns in its order. Row n, from 0 on, is line n + 2.

    A batch has at most `size` rows, fewer where they are long.
    """
    with _opened(source) as parquet:
        yield from _batches(parquet, size)


def raw_rows(source: SourceFile) -> Iterator[tuple[int, str]]:
    """Each row as JSON, with its line number."""
    line = FIRST_LINE
    with _opened(source) as parquet:
        for batch in _batches(parquet, BATCH):
            for row in zip(*map(_plain_values, batch.columns), strict=True):
                yield line, json.dumps(dict(zip(batch.schema.names, row, strict=True)), default=str, ensure_ascii=False)
                line += 1


def _plain_values(array: pa.Array) -> list[Any]:
    try:
        return array.to_pylist()
    except (OverflowError, ValueError):  # Python has no year 10000 and nothing finer than a microsecond
        return list(array.cast(pa.string()).to_pylist())


def cell_texts(array: pa.Array) -> list[str]:
    """The values as text for the parsers of `cells`: "" for none, whole numbers without a fraction, days as ISO.

    Doubles beyond 2**53 keep a fraction or exponent, so that no column of ids takes what is no longer exact.
    """
    if types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind = array.type
    if types.is_floating(kind):
        return [_of_float(value) for value in array.cast(pa.string()).to_pylist()]
    if types.is_decimal(kind):
        return [_of_decimal(value) for value in array.to_pylist()]
    if types.is_binary(kind) or types.is_large_binary(kind):
        return [(value or b"").decode("utf-8", "surrogateescape") for value in array.to_pylist()]
    return [value or "" for value in array.cast(pa.string()).to_pylist()]


def _of_float(text: str | None) -> str:
    if text is None:
        return ""
    if "e+" in text and abs(value := float(text)) < _EXACT and value.is_integer():
        return str(int(value))
    return text


def _of_decimal(value: Decimal | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if value == value.to_integral_value() else str(value)


def _batches(parquet: pq.ParquetFile, size: int) -> Iterator[pa.RecordBatch]:
    groups = [parquet.metadata.row_group(n) for n in range(parquet.metadata.num_row_groups)]
    widest = max((group.total_byte_size / max(1, group.num_rows) for group in groups), default=1.0)
    rows = max(1, min(size, int(_BYTES / max(1.0, widest))))
    for batch in parquet.iter_batches(batch_size=rows, use_threads=False):
        batch.validate(full=True)  # a damaged file must not reach what trusts offsets and UTF-8
        yield batch


def _misfit(kind: Any, column: str) -> str | None:
    """Why values of a Parquet type cannot be those of a column."""
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_timestamp(kind) and kind.tz is not None:
        return f"has the time zone {kind.tz}; OMOP times are local and have none"
    textual = types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind)
    if textual or types.is_large_binary(kind) or types.is_integer(kind) or types.is_null(kind):
        return None
    if column == "text":
        fits = types.is_date(kind)
    elif column in {"date", "moment"}:
        fits = types.is_date(kind) or types.is_timestamp(kind)
    else:
        fits = types.is_floating(kind) or types.is_decimal(kind)
    return None if fits else f"is {kind} in the file, which the column cannot take"


@contextmanager
def _opened(source: SourceFile) -> Iterator[pq.ParquetFile]:
    try:
        with _seekable(source) as stream, pq.ParquetFile(stream, **_CAREFULLY) as parquet:
            yield parquet
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk, not the file
        raise UnreadableFile(f"the Parquet file cannot be read: {str(error).strip()}") from error


@contextmanager
def _seekable(source: SourceFile) -> Iterator[BinaryIO]:
    """Parquet is read from its end; what is compressed around it goes through a temporary file."""
    with source.open() as stream:
        if not source.compression:
            yield stream
            return
        with tempfile.TemporaryFile() as unpacked:
            shutil.copyfileobj(stream, unpacked, 1 << 20)
            unpacked.seek(0)
            yield unpacked
