"""Every rejected line of a run, with its original row, as one CSV file.

Findings are spooled to the disk in the order in which checks make them, then read back in the order of the files, so
that each file is read once more, from its beginning to the last line that is wanted. Nothing grows in memory.
"""

from __future__ import annotations

import csv
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, TextIO

from omop.imports.reading.parquet import raw_rows
from omop.imports.reading.records import raw_records
from omop.imports.reading.shape import Dialect
from omop.imports.reading.sources import SourceFile
from omop.imports.report import Finding

HEADER = ("file", "line", "column", "check", "reason", "row")
_SPOOL = "rejects.spool"
_BUFFERED = 10_000
_FORMULA = re.compile(r"'*[=+\-@\t\r]")

Reject = tuple[str, int, str | None, str, str]  # file, line, column, code, reason


class RejectWriter:
    """A sink for `ImportReport.on_reject`. Close it, which removes what it spooled; `rejects.csv` stays.

    Made and used in one run; `add` may be called by any of its threads.
    """

    def __init__(self, folder: Path) -> None:
        self._spool = folder / _SPOOL
        self._spool.unlink(missing_ok=True)
        self._spool.touch(mode=0o600)
        self._target = folder / "rejects.csv"
        self._connection = sqlite3.connect(self._spool, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("PRAGMA cache_size = -8192")
        self._connection.execute("CREATE TABLE reject (file, line INTEGER, field, code, reason)")
        self._buffer: list[Reject] = []
        self._lock = threading.Lock()
        self.count = 0

    def __enter__(self) -> RejectWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, code: str, finding: Finding) -> None:
        """What `on_reject` calls."""
        if finding.file is not None and finding.line is not None:
            self.add([(finding.file, finding.line, finding.column, code, finding.reason)])

    def add(self, rejects: Iterable[Reject]) -> None:
        """Take many at once: file, line, column, code of the check, reason."""
        with self._lock:
            for reject in rejects:
                self._buffer.append(reject)
                self.count += 1
                if len(self._buffer) >= _BUFFERED:
                    self._flush()

    def write_csv(self, sources: Sequence[SourceFile], dialects: Mapping[int, Dialect]) -> Path | None:
        """Write rejects.csv, in the order of `sources`; `dialects` by a source's number. None if there is nothing.

        Columns: file, line, column, check, reason, row. `row` is the record as it stands in the file, read in the
        encoding that was said, with \\xNN for a byte that the encoding does not have; of a Parquet file, its values as
        JSON. So the file is always UTF-8.
        """
        with self._lock:
            self._flush()
        if not self.count:
            return None
        self._connection.execute("CREATE INDEX reject_place ON reject (file, line)")
        partial = self._target.with_suffix(".part")
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600)  # rows of patients: for nobody else, whatever the folder says
        with partial.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out, lineterminator="\n").writerow(HEADER)
            for source in sources:
                self._write_file(out, source, dialects.get(source.number))
        partial.replace(self._target)
        return self._target

    def close(self) -> None:
        """Remove the spool."""
        self._connection.close()
        self._spool.unlink(missing_ok=True)

    def _flush(self) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO reject VALUES (?, ?, ?, ?, ?)", self._buffer)
        self._connection.execute("COMMIT")
        self._buffer.clear()

    def _write_file(self, out: TextIO, source: SourceFile, dialect: Dialect | None) -> None:
        writer = csv.writer(out, lineterminator="\n")
        query = "SELECT line, field, code, reason FROM reject WHERE file = ? ORDER BY line, rowid"
        found = groupby(self._connection.execute(query, [source.name]), key=itemgetter(0))
        for line, original, rejects in _with_rows(found, _originals(source, dialect)):
            row = _text(original)
            for _, column, code, reason in rejects:
                writer.writerow((_plain(source.name), line, _plain(column or ""), code, reason, row))


def _with_rows(
    found: Iterator[tuple[int, Iterator[Any]]], originals: Iterator[tuple[int, str]]
) -> Iterator[tuple[int, str, Iterator[Any]]]:
    """Findings by line, each with the record that begins there; both come in the order of lines."""
    at, row = 0, ""
    for line, rejects in found:
        while at < line:
            at, row = next(originals, (line, ""))
        yield line, row if at == line else "", rejects


def _originals(source: SourceFile, dialect: Dialect | None) -> Iterator[tuple[int, str]]:
    if dialect is None:
        return
    if source.kind == "parquet":
        yield from raw_rows(source)
        return
    with source.open() as stream:
        stream.seek(dialect.header_bytes)
        yield from raw_records(stream, dialect, dialect.first_line)


def _text(row: str) -> str:
    """A row in which bytes that are no text stand as surrogates, with \\xNN in their place."""
    return row if row.isascii() else row.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _plain(text: str) -> str:
    # Names come from files too, and a spreadsheet runs what begins like a formula. The row stays as it stands.
    return f"'{text}" if _FORMULA.match(text) else text
