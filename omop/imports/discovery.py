"""Which file is which table."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omop.imports.report import ImportReport
from omop.imports.schema import schemas

SUFFIXES = frozenset({".csv", ".tsv", ".txt"})


class UsageError(ValueError):
    """The paths make no sense, so there is nothing to read."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file to read; `number` stands for it in the staging tables, `name` in the report."""

    number: int
    path: Path
    name: str
    table: str


def find_files(paths: Sequence[Path], report: ImportReport) -> list[SourceFile]:
    """The files of the given files and folders (not of folders inside them), in the order of loading.

    A name that is no table is an error in the report: a file silently left out would look like an empty table.
    Other kinds of files in a folder are ignored and named in the report. Raises UsageError where a path does not
    exist, or nothing is found.
    """
    found: list[SourceFile] = []
    seen = 0
    for path in _expand(paths, report):
        seen += 1
        table = path.stem.lower()
        if table not in schemas():
            report.found("table_known", table, _unknown(table), file=path.name)
            continue
        found.append(SourceFile(len(found), path, path.name, table))
    if not seen:
        raise UsageError(f"No {', '.join(sorted(SUFFIXES))} file in {', '.join(map(str, paths)) or 'no path'}.")
    order = {name: position for position, name in enumerate(schemas())}
    return sorted(found, key=lambda file: (order[file.table], file.number))


def _expand(paths: Sequence[Path], report: ImportReport) -> list[Path]:
    files: dict[Path, Path] = {}  # a file that is named twice is read once
    for path in paths:
        if path.is_dir():
            for inside in sorted(path.iterdir()):
                if inside.is_file() and inside.suffix.lower() in SUFFIXES:
                    files.setdefault(inside.resolve(), inside)
                else:
                    report.ignored.append(inside.name)
        elif path.is_file():
            files.setdefault(path.resolve(), path)
        else:
            raise UsageError(f"{path} does not exist.")
    return list(files.values())


def _unknown(table: str) -> str:
    close = difflib.get_close_matches(table, schemas(), n=1)
    hint = f" Rename it to {close[0]}.csv if that is what it holds." if close else ""
    return f"no table of CDM 5.4 is called {table}.{hint}"
