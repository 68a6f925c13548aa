"""One zip, written as a stream under another name and put in its place whole: it is complete, or it is not there."""

from __future__ import annotations

import hashlib
import os
import time
import zipfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

_BUFFER = 1_000_000  # characters gathered before they are encoded, hashed and compressed
_BUFFERS_BEHIND = 3
_LEVEL = 1  # long repeated keys compress well at once; higher levels double the time for a tenth of the size


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """`rows` without the header line; None for a file that is no table."""

    name: str
    rows: int | None
    bytes: int
    sha256: str


class _Behind:
    """Hashes and compresses in one other thread (both release the interpreter), at most a few buffers behind."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._pending: deque[Future[int]] = deque()
        self._sum = 0

    def __enter__(self) -> _Behind:
        return self

    def __exit__(self, *failure: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def do(self, put: Callable[[str], int], text: str) -> None:
        self._pending.append(self._pool.submit(put, text))
        while len(self._pending) > _BUFFERS_BEHIND:
            self._sum += self._pending.popleft().result()

    def finish(self) -> int:
        """Wait for all; the sum of what they returned. A failure in the thread is raised here or in `do`."""
        while self._pending:
            self._sum += self._pending.popleft().result()
        return self._sum


class Archive:
    """The files of one zip, in the order in which they are added."""

    def __init__(self, target: zipfile.ZipFile, folder: Path) -> None:
        self._zip = target
        self.folder = folder
        self.files: list[WrittenFile] = []

    def add(
        self,
        name: str,
        lines: Iterable[str],
        *,
        header: str | None = None,
        is_table: bool = True,
        seen: Callable[[int], None] = lambda _rows: None,
    ) -> WrittenFile:
        """Write the lines (each with its own end) and return name, rows, size and hash. `seen` is told now and then
        how many rows are written."""
        digest = hashlib.sha256()
        rows = waiting = 0
        entry = zipfile.ZipInfo(name, time.gmtime()[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry._compresslevel = _LEVEL  # type: ignore[attr-defined]  # has no public name before Python 3.13
        entry.external_attr = 0o600 << 16
        gathered = [] if header is None else [header]
        with self._zip.open(entry, "w", force_zip64=True) as out, _Behind() as behind:

            def put(text: str) -> int:
                data = text.encode()
                digest.update(data)
                out.write(data)
                return len(data)

            for line in lines:
                gathered.append(line)
                rows += 1
                waiting += len(line)
                if waiting >= _BUFFER:
                    behind.do(put, "".join(gathered))
                    gathered.clear()
                    waiting = 0
                    seen(rows)
            behind.do(put, "".join(gathered))
            size = behind.finish()
        seen(rows)
        written = WrittenFile(name, rows if is_table else None, size, digest.hexdigest())
        self.files.append(written)
        return written


@contextmanager
def archive_at(path: Path) -> Iterator[Archive]:
    """Write a zip at `path` (mode 600). A failure leaves nothing behind, nor what an earlier, killed try left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for stale in path.parent.glob(f".{path.name}.*.partial"):
        stale.unlink(missing_ok=True)
    partial = path.with_name(f".{path.name}.{uuid4().hex}.partial")
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:  # noqa: PTH123
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as target:
                yield Archive(target, path.parent)
            out.flush()
            os.fsync(out.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def file_sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
