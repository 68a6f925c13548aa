"""How far a run is, told to whoever asked."""

from collections.abc import Callable, Mapping, Sequence

# done, total, rows read so far, and what is being done. `done` and `total` are bytes of work: a file's bytes count
# once for reading, half for checking and, where the run loads, half for loading. An exception stops the run, and
# nothing is loaded.
Progress = Callable[[int, int, int, str], None]

READING = "Reading"


def silent(done: int, total: int, rows: int, message: str) -> None:
    """The progress of a caller who does not ask for it."""


class Work:
    """The work of one run, by phase. `sizes` are the bytes of each table's files."""

    def __init__(self, tell: Progress, sizes: Mapping[str, int], *, loads: bool) -> None:
        self._tell = tell
        self._sizes = sizes
        self._bytes = sum(sizes.values())
        self._half = sum(size // 2 for size in sizes.values())
        self._total = self._bytes + self._half * (2 if loads else 1)
        self._rows = 0

    def reading(self, done: int, rows: int, file: str) -> None:
        """So many bytes and rows have been read; `file` is being read."""
        self._rows = rows
        self._tell(min(done, self._bytes), self._total, rows, f"{READING} {file}")

    def checking(self, table: str, tables: Sequence[str]) -> None:
        """The checks of one of the tables begin."""
        self._phase("Checking", self._bytes, table, tables)

    def loading(self, table: str, tables: Sequence[str]) -> None:
        """The rows of one of the tables are being loaded."""
        self._phase("Loading", self._bytes + self._half, table, tables)

    def finished(self, message: str) -> None:
        """All that takes long is done; from here on nothing stops the run."""
        self._tell(self._total, self._total, self._rows, message)

    def _phase(self, what: str, before: int, table: str, tables: Sequence[str]) -> None:
        place = tables.index(table)
        done = before + sum(self._sizes[name] // 2 for name in tables[:place])
        self._tell(done, self._total, self._rows, f"{what} {table}, {place + 1} of {len(tables)}")
