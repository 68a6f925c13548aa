"""Runs and what they found, as an import writes them down. Times are told, never taken from the clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from omop.imports.gate.catalogue import CATALOGUE, Level, Outcome
from omop.models import CheckOutcome, ImportedFile, ImportRun, TableLoad

BEGIN = datetime(2026, 1, 1, 8, tzinfo=UTC)


def make_run(day: float = 0, *, kind: str = "load", status: str = "loaded", **fields: Any) -> ImportRun:
    """A run that was over `day` days after 1 January 2026, and took ten seconds."""
    over = BEGIN + timedelta(days=day)
    source = "database" if kind == "database" else "upload"
    values = {"source": source, "seconds": 10.0, "started_at": over - timedelta(seconds=10), **fields}
    return ImportRun.objects.create(kind=kind, status=status, finished_at=over, **values)


def outcome_of(
    run: ImportRun,
    code: str = "value_type",
    table: str = "measurement",
    column: str = "",
    *,
    checked: int = 100,
    count: int = 0,
    threshold: float = 0.0,
) -> CheckOutcome:
    """An unsaved outcome; its verdict follows from the counts as in imports.report."""
    level = CATALOGUE[code].level if code in CATALOGUE else Level.WARN
    outcome = CheckOutcome(
        run=run,
        finished_at=run.finished_at,
        code=code,
        table=table,
        column=column,
        level=level,
        checked=checked,
        count=count,
        threshold=threshold,
    )
    if count and (level is Level.REFUSE or outcome.share > threshold):
        outcome.outcome = Outcome.FAILED
    else:
        outcome.outcome = Outcome.PASSED if checked or count else Outcome.NOT_APPLICABLE
    return outcome


def found(run: ImportRun, code: str = "value_type", table: str = "measurement", column: str = "", **counts: Any) -> Any:
    """An outcome that is written down."""
    outcome = outcome_of(run, code, table, column, **counts)
    outcome.save()
    return outcome


def make_runs(number: int, *, tables: Iterable[str] = ("person", "measurement"), **fields: Any) -> list[ImportRun]:
    """A run a day with three checks of each table, files and counts."""
    runs = [make_run(day, **fields) for day in range(number)]
    CheckOutcome.objects.bulk_create(
        outcome_of(run, code, table, column, count=place % 3)
        for place, run in enumerate(runs)
        for table in tables
        for code, column in (("value_type", ""), ("concept_mapped", "x_concept_id"), ("start_before_end", ""))
    )
    TableLoad.objects.bulk_create(TableLoad(run=run, table=table, read=9, new=5) for run in runs for table in tables)
    ImportedFile.objects.bulk_create(make_file(run, table=table, save=False) for run in runs for table in tables)
    return runs


def make_file(run: ImportRun, *, table: str = "measurement", save: bool = True, **fields: Any) -> ImportedFile:
    values = {"name": f"{table}.csv", "bytes": 1000, "rows": 9, "sha256": "ab" * 32, **fields}
    file = ImportedFile(run=run, table=table, **values)
    if save:
        file.save()
    return file
