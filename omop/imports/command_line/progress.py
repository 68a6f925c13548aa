"""A bar on a terminal: percent, what is done, rows, rows per second, time left."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TextIO

_EVERY = 0.1  # seconds between two pictures
_BAR = 12
_SURE = 0.01  # a share below it says nothing of the time left
_CLEAR = "\r\x1b[K"


class ProgressBar:
    """Draws on `stream`, over and over the same line. `clock` gives seconds that only grow."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._started = clock()
        self._drawn = float("-inf")
        self._message = ""

    def __call__(self, done: int, total: int, rows: int, message: str) -> None:
        """As imports.progress.Progress: `done` of `total` bytes of work, `rows` read so far, what is being done."""
        now = self._clock()
        if now - self._drawn < _EVERY and message == self._message:
            return
        self._drawn, self._message = now, message
        line = _line(done, total, rows, message, now - self._started)
        self._stream.write(_CLEAR + line[: self._columns() - 1])
        self._stream.flush()

    def clear(self) -> None:
        """Take the bar away, so that what follows begins on a clean line."""
        if self._message:
            self._stream.write(_CLEAR)
            self._stream.flush()

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except (OSError, ValueError):
            return 80


def _line(done: int, total: int, rows: int, message: str, seconds: float) -> str:
    share = min(1.0, done / total) if total else 1.0
    parts = [f"{int(100 * share):3d} % [{'#' * int(share * _BAR):.<{_BAR}}] {rows:,} rows"]
    if rows and seconds > 0:
        parts.append(f"{rows / seconds:,.0f} rows/s")
    if _SURE <= share < 1:
        parts.append(f"{_duration(seconds / share - seconds)} left")
    else:
        parts.append(f"{_duration(seconds)} so far")
    return ", ".join([*parts, message])


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
