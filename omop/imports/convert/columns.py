"""One column of texts to canonical texts: by pyarrow where all its values are plain, else by the cell parser."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from omop.imports.cells import INT32, CellError, CellParser
from omop.imports.convert.result import TEXT, TooManyProblems
from omop.imports.schema import ColumnSchema

# Neither an exponent nor a second spelling, and few enough digits for a double.
_NUMBER = r"^-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?$"
_MOMENT = len("YYYY-MM-DD HH:MM:SS")
_FIRST_DAY = date(1, 1, 1)
_FIRST_MOMENT = datetime(1, 1, 1)  # noqa: DTZ001 - OMOP times are local


@dataclass(frozen=True, slots=True)
class Failure:
    """A cell that the parser refuses, by row."""

    row: int
    code: str
    reason: str
    value: str


class ColumnConverter:
    """Converts the cells of one column. `tokens` are the texts that mean "none", beside the empty text."""

    def __init__(self, column: ColumnSchema, parser: CellParser, tokens: frozenset[str]) -> None:
        self.column = column
        self.parser = parser
        self._none = pa.array(sorted({"", *tokens}), TEXT)
        self._plain = _PLAIN[column.kind]

    def convert(self, texts: pa.Array, most: int) -> tuple[pa.Array, list[Failure], int]:
        """Canonical texts, null for none; the cells that do not fit, which become none; how many were shortened.

        Raises TooManyProblems where more than `most` cells do not fit.
        """
        values = self._without_tokens(texts)
        if values.null_count == len(values):
            plain = not self.column.required
        else:
            plain = not (self.column.required and values.null_count) and self._plain(values, self.column)
        return (values, [], 0) if plain else self._by_parser(texts, most)

    def _without_tokens(self, texts: pa.Array) -> pa.Array:
        if len(self._none) == 1 and pc.min(pc.binary_length(texts)).as_py() != 0:
            return texts
        return pc.if_else(pc.is_in(texts, value_set=self._none), pa.scalar(None, TEXT), texts)

    def _by_parser(self, texts: pa.Array, most: int) -> tuple[pa.Array, list[Failure], int]:
        encoded = pc.fill_null(texts, "").dictionary_encode()
        distinct = encoded.dictionary.to_pylist()
        results: list[str | None] = []
        errors: dict[int, tuple[str, str]] = {}  # code and reason: an error itself would hold frames
        for index, text in enumerate(distinct):
            try:
                results.append(self.parser(text))
            except CellError as error:
                results.append(None)
                errors[index] = error.code, str(error)
                if len(errors) > most:
                    raise TooManyProblems from None
        values = pa.array(results, TEXT).take(encoded.indices)
        failures = _failures(encoded.indices, distinct, errors, most) if errors else []
        return values, failures, self._shortened(texts, values)

    def _shortened(self, texts: pa.Array, values: pa.Array) -> int:
        if self.column.kind != "text":
            return 0
        return pc.sum(pc.less(pc.utf8_length(values), pc.utf8_length(texts))).as_py() or 0


def _failures(indices: pa.Array, distinct: list[str], errors: dict[int, tuple[str, str]], most: int) -> list[Failure]:
    wrong = pc.is_in(indices, value_set=pa.array(list(errors), indices.type))
    rows = pc.indices_nonzero(wrong)
    if len(rows) > most:
        raise TooManyProblems
    return [
        Failure(row, *errors[index], distinct[index])
        for row, index in zip(rows.to_pylist(), indices.take(rows).to_pylist(), strict=True)
    ]


# --- what pyarrow may accept: each value is one that the cell parser leaves as it is, or only spells shorter


def _integers(values: pa.Array, column: ColumnSchema) -> bool:
    try:
        numbers = pc.cast(values, pa.int64())
    except pa.ArrowInvalid:
        return False
    if any(pc.any(pc.starts_with(values, prefix)).as_py() for prefix in ("0x", "0X")):  # pyarrow reads hexadecimals
        return False
    return column.kind == "id" or _within(numbers, -INT32 - 1, INT32)


def _within(values: pa.Array, least: object, most: object) -> bool:
    ends = pc.min_max(values)
    return bool(ends["min"].as_py() >= least and ends["max"].as_py() <= most)


def _numbers(values: pa.Array, column: ColumnSchema) -> bool:
    return bool(pc.all(pc.match_substring_regex(values, _NUMBER)).as_py())


def _days(values: pa.Array, column: ColumnSchema) -> bool:
    try:
        days = pc.cast(values, pa.date32())
    except pa.ArrowInvalid:
        return False
    return bool(pc.all(pc.greater_equal(days, pa.scalar(_FIRST_DAY))).as_py())


def _moments(values: pa.Array, column: ColumnSchema) -> bool:
    lengths = pc.min_max(pc.binary_length(values))
    if (
        not lengths["min"].as_py() == lengths["max"].as_py() == _MOMENT
        or pc.any(pc.match_substring(values, "T")).as_py()
    ):
        return False
    try:
        moments = pc.cast(values, pa.timestamp("s"))
    except pa.ArrowInvalid:
        return False
    return bool(pc.all(pc.greater_equal(moments, pa.scalar(_FIRST_MOMENT, pa.timestamp("s")))).as_py())


def _texts(values: pa.Array, column: ColumnSchema) -> bool:
    # NUL and bytes that are not UTF-8 have no way into a plain chunk, nor into the texts of a batch of Parquet.
    return column.length is None or pc.max(pc.utf8_length(values)).as_py() <= column.length


_PLAIN: dict[str, Callable[[pa.Array, ColumnSchema], bool]] = {
    "id": _integers,
    "integer": _integers,
    "number": _numbers,
    "date": _days,
    "moment": _moments,
    "text": _texts,
}
