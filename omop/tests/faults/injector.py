"""Writes faults into a clean set, and knows what the report must say of each.

A fault takes rows that no other fault has taken and that nothing else refers to, so that several faults in one set do
not hide each other. `Expected` names the check, the table, the column and the row; where one fault makes a second
check fail by its nature, the fault says so with a second Expected.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omop.tests.faults.clean import FileSet, Row, clean_set


@dataclass(frozen=True)
class Expected:
    """A finding. `row` is None where the report names no line; `rows` how many rows it counts."""

    code: str
    table: str
    column: str | None = None
    row: Row | None = None
    rows: int = 1


Inject = Callable[["Bench"], list[Expected]]


@dataclass(frozen=True)
class Fault:
    """One kind of fault. `options` are those of the run that looks for it; `refuses` says that its file is not read,
    so that no other fault of the file can be found."""

    name: str
    inject: Inject
    options: Mapping[str, Any] = field(default_factory=dict)
    refuses: bool = False


class Bench:
    """A clean set to write faults into; `random` decides where."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.files: FileSet = clean_set()
        self.expected: list[Expected] = []
        self._taken: set[Row] = set()

    def inject(self, fault: Fault) -> None:
        self.expected += fault.inject(self)

    def write(self, folder: Path) -> dict[Row, int]:
        return self.files.write(folder)

    def take(self, table: str, where: Callable[[Row], bool] = lambda row: True) -> Row:
        """A row that no fault has taken yet."""
        row = self.random.choice([r for r in self.files.tables[table] if r not in self._taken and where(r)])
        self._taken.add(row)
        return row

    def alone(self, table: str, *, alive: bool = True) -> Row:
        """A row of an event that is in no visit, of a living person unless said: only its own columns count."""
        row = self.take(table, lambda row: (int(row["person_id"]) % 6 != 0) == alive)
        return row.set(visit_occurrence_id="", visit_detail_id="")

    def add(self, row: Row, **changes: object) -> Row:
        """A copy of a row with changes, somewhere after it."""
        rows = self.files.tables[row.table]
        copy = Row(row.table, dict(row.values)).set(**changes)
        rows.insert(self.random.randint(rows.index(row) + 1, len(rows)), copy)
        self._taken |= {row, copy}
        return copy

    def take_last(self, table: str) -> Row:
        """A new last row, that no other fault moves: what is unclosed in it swallows nothing else."""
        row = self.files.tables[table][-1]
        copy = Row(row.table, dict(row.values))
        self.files.tables[table].append(copy)
        self._taken.add(copy)
        return copy
