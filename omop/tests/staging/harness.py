"""Staging without a database: what would be written, what is found, what is counted."""

import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from omop.imports.backends import Backend
from omop.imports.options import ImportOptions
from omop.imports.reading.sources import find_files
from omop.imports.report import ImportReport, TableCounts
from omop.imports.schema import schemas
from omop.imports.staging import Stager


class Recording(Backend):
    """Keeps what is written, as values: two spellings of one value are equal."""

    max_digits = None

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, Any]] = []

    def encode(self, schema, rows):
        return rows.to_pylist()

    def write(self, schema, names, count, encoded):
        assert count == len(encoded)
        kinds = {name: column.kind for name, column in schema.columns.items()}
        for row in encoded:
            assert list(row) == list(names)
            self.rows.append({name: value_of(text, kinds.get(name, "id")) for name, text in row.items()})

    # There is no database behind it.

    def temporary(self, table):
        return table

    def finish(self, schema):
        pass

    def lock(self):
        pass

    def memory(self):
        pass

    def reading(self):
        return nullcontext()


def value_of(text: str | None, kind: str) -> Any:
    if text is None or kind in {"text", "date"}:
        return text
    if kind == "moment":
        return datetime.fromisoformat(text)
    return Decimal(text).as_tuple() if kind == "number" else int(text)


@dataclass
class Staged:
    rows: list[dict[str, Any]]
    report: ImportReport
    stager: Stager
    progress: list[tuple[int, int]]

    @property
    def told(self) -> Mapping[str, Any]:
        """Everything that the user or the gate learns."""
        report = self.report.to_json() | {"seconds": 0}
        return {"report": report, "unstaged": self.stager.unstaged, "increasing": self.stager.increasing}


def stage(content: bytes, name: str = "measurement.csv", options: ImportOptions | None = None, **how: Any) -> Staged:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return stage_file(path, options, **how)


def stage_file(path: Path, options: ImportOptions | None = None, **how: Any) -> Staged:
    report = ImportReport(dry_run=True, options=options or ImportOptions())
    database = Recording()
    stager = Stager(database, report, **how)
    files = find_files([path], report.options, report)
    report.tables = {file.table: TableCounts() for file in files}
    progress: list[tuple[int, int]] = []
    for file in files:
        stager.stage(
            file, schemas()[file.table], report.files[file.number], lambda done, rows: progress.append((done, rows))
        )
    return Staged(database.rows, report, stager, progress)
