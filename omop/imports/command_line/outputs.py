"""The files that the command writes: tried before anything is done, written when all is over."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from omop.actions import ImportOutcome
from omop.imports import runs
from omop.imports.rejects import HEADER


class OutputError(ValueError):
    """A file that cannot be written, or must not be; in words for who named it."""


class Output:
    """A file named by an argument. Raises OutputError where it cannot be written, or an input would be lost."""

    def __init__(self, flag: str, path: Path, inputs: Iterable[Path]) -> None:
        self.path = path
        self._flag = flag
        for each in inputs:
            self._spare(each)
        existed = path.exists()
        try:
            # Appending changes nothing; for a pipe or a terminal, opening alone may wait or end its reader.
            if not existed or path.is_file():
                with path.open("ab"):
                    pass
        except OSError as error:
            raise OutputError(f"{flag}: {path} cannot be written: {error.strerror}.") from error
        if path.is_dir():
            raise OutputError(f"{flag}: {path} is a folder.")
        if not existed:
            path.unlink()

    def write(self, content: Callable[[BinaryIO], object]) -> None:
        """Write the file anew, by a new one in its place where it can be. Raises OutputError."""
        try:
            if self.path.exists() and not self.path.is_file():
                with self.path.open("wb") as stream:
                    content(stream)
                return
            part = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
            try:
                with part.open("wb") as stream:
                    content(stream)
                part.replace(self.path)
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{self._flag}: {self.path} could not be written: {error.strerror}.") from error

    def _spare(self, given: Path) -> None:
        here = self.path.resolve()
        if here == given.resolve():
            raise OutputError(f"{self._flag}: {self.path} is a file to import; it would be written over.")
        if given.is_dir() and here.parent == given.resolve() and here.suffix.lower() != ".json":
            raise OutputError(
                f"{self._flag}: {self.path} is in a folder to import, where the next run would take it for data; "
                "choose a place outside it."
            )


def write_report(output: Output, outcome: ImportOutcome) -> None:
    """The report as it is kept with the run."""
    content = runs.report_of(outcome.run) or {"run": str(outcome.run.pk), **outcome.report.to_json()}
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    output.write(lambda stream: stream.write(text.encode()))


def write_rejects(output: Output, outcome: ImportOutcome) -> None:
    """The rejected lines as they are kept with the run; the header alone where there is none."""
    path = runs.rejects_path(outcome.run)

    def copy(stream: BinaryIO) -> None:
        if path is None:
            stream.write(",".join(HEADER).encode() + b"\n")
            return
        with path.open("rb") as rejects:
            shutil.copyfileobj(rejects, stream)

    output.write(copy)
