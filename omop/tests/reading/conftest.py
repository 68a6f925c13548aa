"""Reading without a database: what a file holds, and what the report says of it."""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from omop.imports.options import ImportOptions
from omop.imports.reading.dialect import Dialect, recognise
from omop.imports.reading.parquet import cell_texts, parquet_batches
from omop.imports.reading.records import Problem, read_records
from omop.imports.reading.sources import SourceFile, find_files
from omop.imports.report import FileReport, ImportReport
from omop.imports.schema import schemas


@dataclass
class Content:
    """What was read of one file. `rows` hold the text of each column that is read, by its name."""

    source: SourceFile
    file: FileReport
    dialect: Dialect | None
    rows: list[dict[str, str]]
    lines: list[int]
    problems: list[Problem]
    misfits: list[int]  # lines with too few or too many fields


@dataclass
class Read:
    report: ImportReport
    contents: list[Content]

    @property
    def only(self) -> Content:
        (content,) = self.contents
        return content

    @property
    def errors(self) -> list[str]:
        return [str(error) for error in self.report.errors]


Reading = Callable[..., Read]


def read_files(paths: Sequence[Path], **options: Any) -> Read:
    """All that the stager would see of files, by the exact path."""
    chosen = ImportOptions(**options)
    report = ImportReport(dry_run=True, options=chosen)
    contents = [_content(source, chosen, report) for source in find_files(paths, chosen, report)]
    return Read(report, contents)


def _content(source: SourceFile, options: ImportOptions, report: ImportReport) -> Content:
    file = report.files[source.number]
    dialect = recognise(source, schemas()[source.table], options, report, file)
    content = Content(source, file, dialect, [], [], [], [])
    if dialect is None:
        return content
    if source.kind == "parquet":
        for batch in parquet_batches(source, dialect):
            first = len(content.rows) + 2
            rows = [list(row) for row in zip(*map(cell_texts, batch.columns), strict=True)]
            _take(content, rows, list(range(first, first + len(rows))))
        return content
    with source.open() as stream:
        stream.seek(dialect.header_bytes)
        for batch in read_records(stream, dialect, dialect.first_line):
            content.problems += batch.problems
            _take(content, batch.rows, batch.lines)
    return content


def _take(content: Content, rows: list[list[str]], lines: list[int]) -> None:
    assert content.dialect is not None
    columns = content.dialect.columns
    for row, line in zip(rows, lines, strict=True):
        if len(row) == len(columns):
            content.rows.append({name: cell for name, cell in zip(columns, row, strict=True) if name})
            content.lines.append(line)
        else:
            content.misfits.append(line)


def packed(path: Path, method: int = zipfile.ZIP_DEFLATED, **members: bytes) -> Path:
    """Write a zip archive."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def read(tmp_path: Path) -> Reading:
    """Write `content` to a file and read it; options by keyword."""

    def read_one(content: bytes | str, name: str = "person.csv", **options: Any) -> Read:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_files([path], **options)

    return read_one
