"""AugMed's own experiments and runs: kept as records. Nothing was ever drawn by them on AugMed's server itself."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from augmed.published.moving.cells import CellError, json_value
from augmed.published.moving.move import Kind, Move, address
from augmed.published.moving.people import accounts_here
from augmed.published.moving.staging import Row
from experiments.actions.submissions import plain

_PLAIN = {
    Kind.EXPERIMENT: ("experiment_id", "name", "description", "status", "created_at", "updated_at"),
    Kind.RL_RUN: (
        *("experiment_id", "model_version", "status", "triggered_by", "configs_generated", "answers_consumed"),
        *("started_at", "completed_at"),
    ),
}
_JSON = {Kind.EXPERIMENT: ("arms",), Kind.RL_RUN: ("run_params",)}


def move_studies(move: Move) -> None:
    """Which arm a task was of is in the record of the task."""
    for kind in (Kind.EXPERIMENT, Kind.RL_RUN):
        _move(move, kind)


def _move(move: Move, kind: Kind) -> None:
    counts = move.report.of(kind)
    rows = list(move.staging.rows(f'SELECT * FROM "{kind.value}" ORDER BY row_number'))
    counts.read += len(rows)
    known = move.known(kind, [row["id"] for row in rows])
    counts.was_there += len(known)
    records = []
    for row in rows:
        if row["id"] in known:
            continue
        try:
            records.append(move.record(kind, row["id"], None, **_details(row, kind)))
        except CellError as error:
            move.report.could_not(kind, row["id"], row["row_number"], str(error))
    with transaction.atomic():
        move.store(records)
        counts.came_over += len(records)
        if records:
            move.audit(kind, {"records": len(records)})


def _details(row: Row, kind: Kind) -> dict[str, Any]:
    said = {name: row[name] for name in _PLAIN[kind] if row[name]}
    said |= {name: plain(json_value(name, row[name])) for name in _JSON[kind]}
    if kind == Kind.EXPERIMENT:
        said["case_pool"] = _case_pool(row)
    return said


def _case_pool(row: Row) -> list[Any]:
    """Who was to read what: people by their account's key here, since this record outlives a person's erasure."""
    pool = json_value("case_pool", row["case_pool"]) or []
    entries = [entry for entry in pool if isinstance(entry, dict)] if isinstance(pool, list) else []
    people = accounts_here(str(entry.get("user_email")) for entry in entries)
    return [[people.get(address(str(entry.get("user_email")))), plain(entry.get("case_id"))] for entry in entries]
