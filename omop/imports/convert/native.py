"""A plain chunk, or a batch of Parquet, to columns by pyarrow."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from omop.imports.convert.chunks import Chunk, lines
from omop.imports.convert.columns import ColumnConverter, Failure
from omop.imports.convert.result import MOST_PROBLEMS, TEXT, Converted, Problem, TooManyProblems, rising, rows_at_once
from omop.imports.reading.dialect import Dialect
from omop.imports.reading.parquet import cell_texts


def texts_of(chunk: Chunk, dialect: Dialect) -> list[pa.Array] | None:
    """The texts of each column that is read, null for the empty one; None where the chunk must be read exactly."""
    data = _utf8(chunk.data, dialect.encoding) if chunk.plain and len(dialect.columns) > 1 else None
    if data is None:
        return None
    try:
        table = pa.csv.read_csv(pa.BufferReader(data), *_how(dialect, len(data)))
    except pa.ArrowInvalid:  # not as many fields as the header, or not UTF-8
        return None
    if table.num_rows != lines(data) + (not data.endswith(b"\n")):
        return None
    return [_one(column) for column in table.columns]


def convert_texts(
    texts: Sequence[pa.Array], starts: pa.Array, converters: Sequence[ColumnConverter], key: int | None
) -> Iterator[Converted]:
    """Rows that begin on the lines `starts`, in one piece, or in slices where that would have too many problems.

    `key` is the place of the key column, where that is one of numbers.
    """
    try:
        yield _convert(texts, starts, converters, key)
        return
    except TooManyProblems:
        size = rows_at_once(len(texts))
    for row in range(0, len(starts), size):
        yield _convert([values.slice(row, size) for values in texts], starts.slice(row, size), converters, key)


def _convert(
    texts: Sequence[pa.Array], starts: pa.Array, converters: Sequence[ColumnConverter], key: int | None
) -> Converted:
    columns: list[pa.Array] = []
    failures: list[tuple[int, Failure]] = []
    shortened: list[int] = []
    for position, (values, converter) in enumerate(zip(texts, converters, strict=True)):
        column, failed, cut = converter.convert(values, MOST_PROBLEMS - len(failures))
        columns.append(column)
        shortened.append(cut)
        failures += [(position, failure) for failure in failed]
    problems = [
        Problem(
            starts[failure.row].as_py(),
            position,
            failure.code,
            failure.reason,
            converters[position].column.name,
            failure.value,
        )
        for position, failure in failures
    ]
    return Converted(
        lines=starts,
        columns=columns,
        rejected=frozenset(failure.row for _, failure in failures),
        problems=sorted(problems, key=Problem.place),
        misfits=0,
        shortened=shortened,
        keys=None if key is None else rising(columns[key]),
    )


def convert_chunk(
    chunk: Chunk, texts: Sequence[pa.Array], converters: Sequence[ColumnConverter], key: int | None
) -> Iterator[Converted]:
    """`texts` are those of the chunk, each line of which is a record."""
    return convert_texts(texts, pa.arange(chunk.line, chunk.line + len(texts[0])), converters, key)


def texts_of_batch(batch: pa.RecordBatch, dialect: Dialect) -> list[pa.Array] | None:
    """The texts of each column of Parquet that is read; None where one holds a NUL or bytes that are not UTF-8."""
    wanted = zip(batch.columns, dialect.columns, strict=True)
    try:
        texts = [_text(values) for values, name in wanted if name is not None]
    except pa.ArrowInvalid:
        return None
    return None if any(pc.any(pc.match_substring(values, "\0")).as_py() for values in texts) else texts


def _text(values: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    texts = None if pa.types.is_decimal(values.type) else pc.cast(values, TEXT)
    # Large whole doubles: 1e+15 is no whole number where it is an id, 1000000000000000 is.
    if texts is None or (pa.types.is_floating(values.type) and pc.any(pc.match_substring(texts, "e+")).as_py()):
        return pa.array(cell_texts(values), TEXT)
    return texts


def _utf8(data: bytes, encoding: str) -> bytes | None:
    if encoding == "utf-8":
        return data
    try:
        return data.decode(encoding).encode()
    except UnicodeDecodeError:
        return None


def _how(
    dialect: Dialect, size: int
) -> tuple[pyarrow.csv.ReadOptions, pyarrow.csv.ParseOptions, pyarrow.csv.ConvertOptions]:
    names = [str(position) for position in range(len(dialect.columns))]
    wanted = [name for name, column in zip(names, dialect.columns, strict=True) if column is not None]
    return (
        pyarrow.csv.ReadOptions(use_threads=False, block_size=size + 1, column_names=names),
        pyarrow.csv.ParseOptions(
            delimiter=dialect.separator,
            quote_char='"' if dialect.quoted else False,
            double_quote=False,
            newlines_in_values=False,
            ignore_empty_lines=False,
        ),
        pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(wanted, TEXT),
            include_columns=wanted,
            null_values=[""],
            strings_can_be_null=True,
            check_utf8=True,
        ),
    )


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
