"""Which file is which table, and how its bytes are read."""

from __future__ import annotations

import difflib
import gzip
import hashlib
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal, cast

from omop.imports.options import ImportOptions
from omop.imports.reading.archives import leave_out, members
from omop.imports.reading.named import unknown_name
from omop.imports.report import FileReport, ImportReport, printable
from omop.imports.schema import schemas

TEXT = frozenset({".csv", ".tsv", ".txt"})
PARQUET = frozenset({".parquet", ".pq"})
_PROSE = frozenset({"readme", "license", "licence", "notice", "changelog"})  # Athena's downloads have a readme.txt
READ = ".csv, .tsv, .txt (each also with .gz), .parquet or .zip"
_LONGEST_NAME = 255
_LONGEST_TABLE = 64


class UsageError(ValueError):
    """The paths make no sense, so there is nothing to read."""


class UnreadableFile(ValueError):
    """The bytes of a file cannot be read to their end, in words for who has to mend it."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file to read. `number` stands for it in the staging tables and is its place in `report.files`.

    `name` is its name in the report, unlike any other of the run. `member` is its name inside the zip archive `path`.
    `compression` is "", "gzip", "zip" or "zip, gzip". `size` is bytes as stored; of a member, what it takes there.
    """

    number: int
    name: str
    table: str
    path: Path
    member: str | None = None
    compression: str = ""
    kind: Literal["text", "parquet"] = "text"
    size: int = 0

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The bytes, decompressed as they are read. Raises UnreadableFile for a damaged archive, and OSError."""
        try:
            with self._stored() as stored:
                if self.compression.endswith("gzip"):
                    with gzip.open(stored, "rb") as stream:
                        yield cast(BinaryIO, stream)
                else:
                    yield stored
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise UnreadableFile(f"the compressed file is damaged or cut off: {error}") from error
        except zipfile.BadZipFile as error:
            raise UnreadableFile(f"the archive is damaged: {error}") from error

    def sha256(self) -> str:
        """Of the bytes as stored; of a member of an archive, of the member itself. "" where they cannot be read.

        Why they cannot is told where the file is recognised.
        """
        with suppress(OSError, EOFError, zipfile.BadZipFile, zlib.error), self._stored() as stored:
            return hashlib.file_digest(stored, "sha256").hexdigest()  # type: ignore[arg-type]
        return ""

    def state(self) -> tuple[int, ...] | None:
        """What changes when the stored file is written or replaced; None where it is gone."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns

    @contextmanager
    def _stored(self) -> Iterator[BinaryIO]:
        with ExitStack() as stack:
            if self.member is None:
                yield stack.enter_context(self.path.open("rb"))
            else:
                archive = stack.enter_context(zipfile.ZipFile(self.path))
                try:
                    member = stack.enter_context(archive.open(self.member))
                except (UnicodeDecodeError, NotImplementedError, RuntimeError) as error:
                    # what stands before the member contradicts the directory, which was looked through
                    raise zipfile.BadZipFile(str(error)) from error
                yield cast(BinaryIO, member)


_CPT4 = "concept_cpt4"  # Athena's own name for the concepts of CPT4, which it gives in a file of their own


@dataclass(frozen=True, slots=True)
class _Found:
    """A file of which it is not yet known whether it is a table."""

    path: Path
    member: str | None
    name: str
    size: int

    @property
    def base(self) -> str:
        return PurePosixPath(self.member).name if self.member else self.path.name

    @property
    def suffixes(self) -> tuple[str, str]:
        """The suffix that tells the kind, and `.gz` or nothing."""
        base = PurePosixPath(self.base.lower())
        return (PurePosixPath(base.stem).suffix, ".gz") if base.suffix == ".gz" else (base.suffix, "")

    @property
    def table(self) -> str:
        """What the file's name says."""
        return _table(self.base)


def find_files(paths: Sequence[Path], options: ImportOptions, report: ImportReport) -> list[SourceFile]:
    """The files of the given files, folders (not of folders inside them) and archives, in the order of loading.

    Appends to `report.files` one FileReport for each, also for those whose name is no table: such a name is an error
    with a suggestion, because a file silently left out would look like an empty table. It is read where
    `options.aliases` says which table it is, by the file's own name or the name in the report. Other kinds of files
    in a folder or archive are ignored and named in the report. Raises UsageError where a path does not exist, the
    options name what is not there, or nothing is found.
    """
    if (slip := unknown_name(options)) is not None:
        raise UsageError(slip)
    aliases = {name.lower(): _alias(name, table) for name, table in options.aliases.items()}
    found = _named(_expand(paths, report))
    if not found and not report.error_count:
        raise UsageError(f"No {READ} file in {', '.join(map(str, paths)) or 'no path'}.")
    if not report.error_count and (slip := _unused(options, found)):  # a damaged archive may hold what is missing
        raise UsageError(slip)
    files = []
    for number, each in enumerate(found, len(report.files)):
        table = aliases.get(each.name.lower()) or aliases.get(each.base.lower()) or each.table
        known = table in schemas()
        report.files.append(FileReport(each.name, table if known else None, each.size))
        if known:
            report.check("table_known", table).checked += 1
            files.append(_source(each, number, table))
        else:
            unknown = table[:_LONGEST_TABLE]
            report.check("table_known", unknown).checked += 1
            report.found("table_known", unknown, _unknown(table, each.base), file=each.name)
    order = {name: position for position, name in enumerate(schemas())}
    return sorted(files, key=lambda file: (order[file.table], file.number))


def unused_alias(paths: Sequence[Path], options: ImportOptions) -> str | None:
    """In words, the first file that `options.aliases` names and that is not among those of the paths."""
    report = ImportReport(dry_run=True, options=options)
    found = _named(_expand(paths, report))
    return None if report.error_count else _unused(options, found)


def _unused(options: ImportOptions, found: Sequence[_Found]) -> str | None:
    names = [name for each in found for name in (each.name, each.base)]
    for name, table in options.aliases.items():
        if name.lower() not in {each.lower() for each in names}:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            return f"{printable(name)} was to be read as {table}, but there is no such file.{hint}"
    return None


def suggested_table(name: str) -> str | None:
    """The table that a file's name probably means (`CDM_PERSON_2020.csv`: person); None where nothing comes near."""
    stem = PurePosixPath(PurePosixPath(name.lower()).name.removesuffix(".gz")).stem
    inside = [table for table in schemas() if f"_{table}_" in f"_{'_'.join(_words(stem))}_"]
    if inside:
        return max(inside, key=len)
    close = difflib.get_close_matches(stem, schemas(), n=1)
    return close[0] if close else None


def _words(stem: str) -> list[str]:
    return "".join(character if character.isalnum() else " " for character in stem).split()


def _alias(name: str, table: str) -> str:
    if table.lower() not in schemas():
        raise UsageError(f"{name} cannot be read as {table}: no table of CDM 5.4 is called so.")
    return table.lower()


def _unknown(table: str, name: str) -> str:
    suggestion = suggested_table(name)
    hint = f" If it holds {suggestion}, say so ({name}: {suggestion}) or rename it." if suggestion else ""
    return f"no table of CDM 5.4 is called {table}.{hint}"


def _source(each: _Found, number: int, table: str) -> SourceFile:
    suffix, zipped = each.suffixes
    compression = ", ".join(name for name, yes in (("zip", each.member), ("gzip", zipped)) if yes)
    kind: Literal["text", "parquet"] = "parquet" if suffix in PARQUET else "text"
    return SourceFile(number, each.name, table, each.path, each.member, compression, kind, each.size)


def _expand(paths: Sequence[Path], report: ImportReport) -> list[_Found]:
    files: dict[Path, Path] = {}  # a file that is named twice is read once
    for path in paths:
        if path.is_dir():
            for inside in sorted(path.iterdir()):
                if inside.is_file() and _is_data(inside.name, archives=True):
                    files.setdefault(inside.resolve(), inside)
                elif inside.is_dir() and _is_data(inside.name):
                    reason = (
                        "is a folder of parts, not a file; give the folder itself and say which table its files are"
                    )
                    report.found("file_readable", _table(inside.name), reason, file=printable(inside.name))
                else:
                    leave_out(inside.name, printable(inside.name), report)
        elif path.is_file():
            files.setdefault(path.resolve(), path)
        else:
            raise UsageError(f"{path} does not exist.")
    found: list[_Found] = []
    for path in files.values():
        if path.suffix.lower() == ".zip":
            for info in members(path, _is_data, report):
                found.append(_Found(path, info.filename, f"{path.name}/{info.filename}", info.compress_size))
        else:
            found.append(_Found(path, None, path.name, path.stat().st_size))
    return found


def _is_data(name: str, *, archives: bool = False) -> bool:
    path = PurePosixPath(name.lower().removesuffix(".gz"))
    if path.name.startswith(".") or (path.suffix == ".txt" and path.stem in _PROSE):
        return False
    return path.suffix in TEXT | PARQUET or (archives and name.lower().endswith(".zip"))


def _named(found: Sequence[_Found]) -> list[_Found]:
    """Each with a name that no other has, and that fits its column."""
    taken: set[str] = set()
    named = []
    for each in found:
        name = printable(each.name)
        if name in taken:
            name = printable(f"{each.path.parent.name}/{each.name}")
        first, count = name[-_LONGEST_NAME:], 1
        name = first
        while name in taken:
            count += 1
            name = f"{first[12:]} ({count})"
        taken.add(name)
        named.append(replace(each, name=name))
    return named


def _table(name: str) -> str:
    stem = PurePosixPath(printable(name).lower().removesuffix(".gz")).stem
    return "concept" if stem == _CPT4 else stem
