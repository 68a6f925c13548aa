"""What goes to a terminal or a pipe, and what comes from there: lines, and signals to stop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Stopped(KeyboardInterrupt):
    """A signal asked the command to end.

    No Exception, so that nothing on the way takes it for a failure; and a KeyboardInterrupt, at which psycopg stops
    the statement that runs on the server.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """SIGINT and SIGTERM raise Stopped inside; one that is ignored (nohup, a shell's background) stays so."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(number)

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread has signals
        return
    numbers = [each for each in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(each) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def print_lines(stream: Any, lines: Iterable[str]) -> None:
    """Print; a reader that went away (`| head`) is no failure, and no cell can send a command to the terminal.

    `stream` is an OutputWrapper of Django's commands.
    """
    try:
        for line in lines:
            stream.write(_harmless(line, stream))
        stream.flush()
    except BrokenPipeError:
        # What is still buffered would fail again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _harmless(line: str, stream: Any) -> str:
    shown = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in line)
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return shown.encode(encoding, "backslashreplace").decode(encoding)
