"""Records to columns cell by cell: for whatever is not plain, and what the other way is tested against."""

from collections.abc import Sequence

import pyarrow as pa

from omop.imports.cells import CellError, CellParser
from omop.imports.convert.columns import ColumnConverter
from omop.imports.convert.result import TEXT, Converted, Problem, rising
from omop.imports.reading.dialect import Dialect
from omop.imports.reading.records import Batch

_REMEMBERED = 50_000
_SHORT = 40


class _Remembering(dict[str, str | None]):
    """A parser that keeps its answers for short texts, up to a limit: most come again and again."""

    def __init__(self, parse: CellParser) -> None:
        super().__init__()
        self._parse = parse

    def __missing__(self, text: str) -> str | None:
        value = self._parse(text)
        if len(text) <= _SHORT:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[text] = value
        return value


def convert_batch(batch: Batch, dialect: Dialect, converters: Sequence[ColumnConverter], key: int | None) -> Converted:
    """The records of a batch. One whose fields are not as many as the header's is a misfit."""
    width = len(dialect.columns)
    problems = [Problem(problem.line, -1, problem.code, problem.reason) for problem in batch.problems]
    misfits = len(problems)
    rows, starts = batch.rows, batch.lines
    if set(map(len, rows)) - {width}:
        odd = [(len(row), line) for row, line in zip(rows, starts, strict=True) if len(row) != width]
        misfits += len(odd)
        problems += [
            Problem(
                line, -1, "field_count", f"the line has {fields} field{'' if fields == 1 else 's'}, the header {width}"
            )
            for fields, line in odd
        ]
        starts = [line for row, line in zip(rows, starts, strict=True) if len(row) == width]
        rows = [row for row in rows if len(row) == width]
    wanted = [position for position, name in enumerate(dialect.columns) if name is not None]
    cells = list(zip(*rows, strict=True)) if rows else [()] * width
    rejected: set[int] = set()
    columns: list[pa.Array] = []
    shortened: list[int] = []
    for position, place in enumerate(wanted):
        converter = converters[position]
        parsed = _parse(cells[place], converter, position, starts, rejected, problems)
        columns.append(pa.array(parsed, TEXT))
        shortened.append(_shortened(cells[place], parsed) if converter.column.kind == "text" else 0)
    return Converted(
        lines=pa.array(starts, pa.int64()),
        columns=columns,
        rejected=frozenset(rejected),
        problems=sorted(problems, key=Problem.place),
        misfits=misfits,
        shortened=shortened,
        keys=None if key is None else rising(columns[key]),
    )


def _parse(
    cells: Sequence[str],
    converter: ColumnConverter,
    position: int,
    starts: Sequence[int],
    rejected: set[int],
    problems: list[Problem],
) -> list[str | None]:
    parse = _Remembering(converter.parser).__getitem__
    try:
        return list(map(parse, cells))
    except CellError:
        pass
    parsed: list[str | None] = []
    for row, text in enumerate(cells):
        try:
            parsed.append(parse(text))
        except CellError as error:
            # The row is staged all the same, without this cell: rows that refer to it are not to blame.
            parsed.append(None)
            rejected.add(row)
            name = converter.column.name
            problems.append(Problem(starts[row], position, error.code, str(error), name, text))
    return parsed


def _shortened(cells: Sequence[str], parsed: Sequence[str | None]) -> int:
    return sum(value is not None and len(value) < len(text) for text, value in zip(cells, parsed, strict=True))
