"""What a preview and an upload of display configs look like to the published client and to scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cases.disclosure import said_style
from experiments.actions.display_configs import ConfigOutcome, Preview, UploadResult
from experiments.display_configs.plan import Outcome
from experiments.display_configs.written import PathRow, RowError

STATUSES: dict[Outcome, str] = {"added": "created", "replaced": "updated", "unchanged": "unchanged", "kept": "kept"}
MOST_ERRORS_SHOWN = 20

Json = dict[str, Any]


def preview_json(found: Preview) -> Json:
    """The contract's preview, and beside it what would become of the configs and every row that is wrong.

    The client shows nothing of a preview but its configs, so the first wrong rows stand there too, before all others:
    in the words of the error, without case and paths, marked by `error`. No count includes them."""
    configs = _Configs().of(found.outcomes)
    return {
        "configs": [*_wrong_rows(found), *configs],
        "total": len(found.outcomes),
        "users": list(dict.fromkeys(one.email for one in found.outcomes)),
        "cases": list(dict.fromkeys(one.case_number for one in found.outcomes)),
        "errors": errors_json(found.errors),
        "error_count": found.error_count,
        "summary": _summary(found),
        "new_cases": len(found.put_forward),
        "supplies": [
            {"case_id": one.case_number, "label": one.label, "value": one.value, "row": one.row, "configs": one.count}
            for one in found.supplies
        ],
        "also_discloses": [
            {"row": row, "path": path, "values": list(values)} for row, path, values in found.also_discloses
        ],
        "ignored_columns": list(found.ignored_columns),
        "ignored_rows": found.ignored_rows,
        "duplicate_rows": found.duplicate_rows,
    }


def upload_json(done: UploadResult) -> Json:
    summary = _summary(done)
    return {
        "results": [_result(one) for one in done.outcomes],
        "summary": {name: summary[name] for name in ("total", "created", "updated")},
        "unchanged": summary["unchanged"],
        "kept": summary["kept"],
        "new_cases": len(done.put_forward),
    }


def errors_json(errors: Iterable[RowError]) -> list[Json]:
    return [{"row": one.row, "column": one.column or None, "message": one.message} for one in errors]


def _summary(result: UploadResult) -> dict[str, int]:
    return {
        "total": len(result.outcomes),
        "created": result.added,
        "updated": result.replaced,
        "unchanged": result.unchanged,
        "kept": result.kept_count,
    }


def _result(one: ConfigOutcome) -> Json:
    found: Json = {"user_email": one.email, "case_id": one.case_number, "status": STATUSES[one.outcome]}
    return found | {"reason": one.reason} if one.reason else found


def _wrong_rows(found: Preview) -> list[Json]:
    shown: Sequence[RowError] = found.errors[:MOST_ERRORS_SHOWN]
    texts = [str(error) for error in shown]
    if more := found.error_count - len(shown):
        texts.append(f"and {more:,} more errors")
    nowhere = {"case_id": 0, "path_config": [], "experiment_id": None, "arm": None, "policy_id": None}
    return [{"user_email": text, **nowhere, "error": text} for text in texts]


class _Configs:
    """The configs of a file. A hundred thousand rows name few different paths and styles: each is made once."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, int], Json] = {}

    def of(self, outcomes: Iterable[ConfigOutcome]) -> list[Json]:
        return [
            {
                "user_email": one.email,
                "case_id": one.case_number,
                "path_config": [self._entry(row) for row in one.written.paths],
                "experiment_id": one.written.experiment or None,
                "arm": one.written.arm or None,
                "policy_id": one.written.policy or None,
                "status": STATUSES[one.outcome],
            }
            for one in outcomes
        ]

    def _entry(self, row: PathRow) -> Json:
        key = (row.path, id(row.style))
        entry = self._entries.get(key)
        if entry is None:
            style = said_style(row.style)
            entry = self._entries[key] = {"path": row.path, "style": style} if style else {"path": row.path}
        return entry
