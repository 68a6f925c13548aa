"""What both ways of conversion give."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

TEXT = pa.string()
MOST_PROBLEMS = 25_000  # that are made at once, as each is an object: a chunk of narrow rows may have a million


class TooManyProblems(Exception):
    """What is converted has more than MOST_PROBLEMS; in slices of `rows_at_once` it has not."""


def rows_at_once(columns: int) -> int:
    """So many rows have no more than MOST_PROBLEMS, whatever is wrong with them."""
    return max(1, MOST_PROBLEMS // max(1, columns))


@dataclass(frozen=True, slots=True)
class Problem:
    """One cell, or with position -1 one record, that does not fit."""

    line: int
    position: int
    code: str
    reason: str
    column: str | None = None
    value: str | None = None

    def place(self) -> tuple[int, int]:
        """What problems are ordered by: so their order does not depend on how a file was cut."""
        return self.line, self.position


@dataclass(frozen=True, slots=True)
class Keys:
    """The first and the last key of rows whose keys rise."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Converted:
    """Rows to stage. `columns` are strings, null for none, in the order of the file's columns that are read.

    `lines` is where each row begins, `rejected` the rows that have a problem, `misfits` how many records could not
    become rows. `shortened` counts for each column the texts that were cut to fit. `keys` is None where the key is
    not one column of whole numbers that rise from row to row.
    """

    lines: pa.Array
    columns: list[pa.Array]
    rejected: frozenset[int]
    problems: list[Problem]
    misfits: int
    shortened: list[int]
    keys: Keys | None

    @property
    def rows(self) -> int:
        return len(self.lines)


def rising(values: pa.Array) -> Keys | None:
    """Of a key column's texts: its ends, where each value is greater than the one before."""
    if not len(values) or values.null_count:
        return None
    numbers = pc.cast(values, pa.int64())
    if not pc.all(pc.greater(numbers[1:], numbers[:-1])).as_py() and len(numbers) > 1:
        return None
    return Keys(numbers[0].as_py(), numbers[-1].as_py())
