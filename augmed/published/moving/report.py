"""What came over, what was here already, and what could not come, row by row and with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Counts:
    """Rows of one of AugMed's tables. `changed`: came over before and followed a change."""

    read: int = 0
    came_over: int = 0
    was_there: int = 0
    changed: int = 0
    could_not: int = 0


@dataclass(frozen=True, slots=True)
class Remark:
    """One row: AugMed's id of it (`key`), its place in the table or file, and what is to be said. No addresses."""

    table: str
    key: str
    row: int
    text: str

    def __str__(self) -> str:
        return f"{self.table} {self.key} (row {self.row}): {self.text}"


@dataclass
class Report:
    source: str
    dry_run: bool = False
    counts: dict[str, Counts] = field(default_factory=dict)
    problems: list[Remark] = field(default_factory=list)
    notes: list[Remark] = field(default_factory=list)

    def of(self, table: str) -> Counts:
        return self.counts.setdefault(table, Counts())

    def could_not(self, table: str, key: str | None, row: int, reason: str) -> None:
        """A row stays behind."""
        self.of(table).could_not += 1
        self.problems.append(Remark(table, key or "?", row, reason))

    def note(self, table: str, key: str | None, row: int, text: str) -> None:
        """A row came over, and somebody should know this of it."""
        self.notes.append(Remark(table, key or "?", row, text))

    @property
    def is_complete(self) -> bool:
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "dry_run": self.dry_run,
            "tables": {table: asdict(counts) for table, counts in self.counts.items()},
            "could_not_come_over": [asdict(remark) for remark in self.problems],
            "notes": [asdict(remark) for remark in self.notes],
        }

    def lines(self, most: int) -> Iterator[str]:
        """For a person to read; at most so many remarks of each sort."""
        yield f"{'table':<16}{'read':>9}{'came over':>11}{'was here':>10}{'changed':>9}{'could not':>11}"
        for table, one in self.counts.items():
            yield f"{table:<16}{one.read:>9}{one.came_over:>11}{one.was_there:>10}{one.changed:>9}{one.could_not:>11}"
        for title, remarks in (("could not come over", self.problems), ("to be known", self.notes)):
            if remarks:
                yield f"{len(remarks)} {title}:"
                yield from (f"  {remark}" for remark in remarks[:most])
            if len(remarks) > most:
                yield f"  and {len(remarks) - most} more; --report FILE lists them all."
