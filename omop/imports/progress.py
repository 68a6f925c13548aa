"""How far a run is, told to whoever asked."""

from collections.abc import Callable

# done, total, rows read so far, and what is being done. `done` and `total` are bytes of work: a file's bytes count
# once for reading, half for checking and, where the run loads, half for loading. An exception stops the run, and
# nothing is loaded.
Progress = Callable[[int, int, int, str], None]


def silent(done: int, total: int, rows: int, message: str) -> None:
    """The progress of a caller who does not ask for it."""
