"""Folders of the server from which data staff may import (setting OMOP_IMPORT_FOLDERS), and nothing beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from django.conf import settings

from augmed.foundation.errors import Invalid

LISTED = 1_000  # entries of a folder that are shown; a folder with more is imported whole, or at the command line
SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".gz", ".zip", ".parquet", ".pq"})
_GONE = "There is no such folder among those that may be imported from."


@dataclass(frozen=True, slots=True)
class Entry:
    """A subfolder (size None) or a file of `size` bytes; `path` is relative to the root."""

    name: str
    path: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder holds. `truncated` where there is more than LISTED."""

    root: int
    path: str
    folders: Sequence[Entry]
    files: Sequence[Entry]
    truncated: bool

    @property
    def name(self) -> str:
        """The folder's own name; empty for a root."""
        return PurePosixPath(self.path).name

    @property
    def above(self) -> list[Entry]:
        """The folders from the root down to the one above this."""
        parts = PurePosixPath(self.path).parts
        return [Entry(name, str(PurePosixPath(*parts[: i + 1])), None) for i, name in enumerate(parts[:-1])]


def roots() -> list[Path]:
    """The folders of the setting that are there, links followed."""
    named = (Path(folder).resolve() for folder in settings.OMOP_IMPORT_FOLDERS)
    return [path for path in named if path.is_dir()]


def locate(root: int, relative: str) -> Path:
    """The folder `relative` below the root of that number. Raises Invalid where it is none, or lies outside."""
    found = roots()
    if not 0 <= root < len(found) or "\x00" in relative:
        raise Invalid(_GONE)
    return inside(found[root] / relative)


def inside(folder: Path) -> Path:
    """The folder with links followed. Raises Invalid unless it is one, at or below a root."""
    try:
        path = folder.resolve(strict=True)
        if path.is_dir() and any(path.is_relative_to(root) for root in roots()):
            return path
    except (OSError, RuntimeError):
        pass
    raise Invalid(_GONE)


def files_of(folder: Path) -> list[Path]:
    """The files of a folder that an import reads, by name: not those of subfolders, nor links that lead outside."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise Invalid(f"The folder {folder.name} cannot be read by the server.") from error
    return [path for path in entries if _allowed(path) and path.is_file() and path.suffix.lower() in SUFFIXES]


def listing(root: int, relative: str) -> Listing:
    """What the folder holds. Raises Invalid as `locate`, and where it cannot be read."""
    folder = locate(root, relative)
    base = roots()[root]
    here = "" if folder == base else str(folder.relative_to(base)) if folder.is_relative_to(base) else relative
    try:
        folders = [path for path in sorted(folder.iterdir()) if _allowed(path) and path.is_dir()]
    except OSError as error:
        raise Invalid(f"The folder {folder.name} cannot be read by the server.") from error
    files = files_of(folder)

    def entry(path: Path) -> Entry:
        size = None if path.is_dir() else path.stat().st_size
        return Entry(path.name, str(PurePosixPath(here) / path.name), size)

    return Listing(
        root=root,
        path=here,
        folders=[entry(path) for path in folders[:LISTED]],
        files=[entry(path) for path in files[:LISTED]],
        truncated=max(len(folders), len(files)) > LISTED,
    )


def _allowed(path: Path) -> bool:
    """Not hidden, and at its end still inside a root."""
    if path.name.startswith("."):
        return False
    try:
        end = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return any(end.is_relative_to(root) for root in roots())
