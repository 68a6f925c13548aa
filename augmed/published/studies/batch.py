"""Display configs given one by one, as allocation services write them: each entry is done or refused for itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.canonical import sha256_hex
from augmed.foundation.permissions import SignedIn
from augmed.published.base import answer
from augmed.published.envelope import body_of
from augmed.published.staff.permissions import MayDesign
from augmed.published.studies.base import StaffView, refusals_as_400
from augmed.published.studies.reading import (
    LARGEST_NUMBER,
    Unreadable,
    bad_request,
    object_of,
    paths_of,
    text_of,
    whole_number,
)
from experiments.actions.display_configs import UploadResult, apply_parsed, review_ids
from experiments.display_configs.plan import Outcome
from experiments.display_configs.written import Pair, ParsedFile, PathRow, WrittenConfig

MOST_ENTRIES = 10_000
STATUSES: dict[Outcome, str] = {"added": "added", "replaced": "updated", "unchanged": "unchanged", "kept": "kept"}
Result = dict[str, Any]


class BatchView(StaffView):
    """/api/v1/configs/batch"""

    permission_classes = [SignedIn, MayDesign]

    def post(self, request: Request) -> Response:
        """In which studies the person may do so is asked entry by entry, by the action."""
        entries = _entries(request.data)
        batch = _Batch(entries)
        if batch.written.configs:
            with refusals_as_400():
                done = apply_parsed(
                    parsed=batch.written, by=request.user, sha256=_digest(entries), leave_out_wrong=True
                )
            batch.tell(done)
        return answer({"results": batch.results, "total": len(batch.results)}, status=201)


class _Batch:
    """The entries as rows, numbered from 1, and a result for each: refused until it was done."""

    def __init__(self, entries: Sequence[Any]) -> None:
        self.written = ParsedFile()
        self.results: list[Result] = []
        self._rows: dict[Pair, int] = {}
        for row, entry in enumerate(entries, start=1):
            self.results.append(self._read(row, entry))

    def _read(self, row: int, entry: Any) -> Result:
        try:
            config = _written(row, object_of(entry, f"configs[{row - 1}]"))
        except Unreadable as error:
            return _named(entry) | _failed(str(error))
        named = {"user_email": config.user, "case_id": config.case_number}
        pair = (config.experiment, config.user, config.case_number)
        first = self._rows.setdefault(pair, row)
        if first != row:
            return named | _failed(f"configs[{first - 1}] gives the same case to the same participant")
        self.written.configs[pair] = config
        self.written.row_count += 1
        return named | _failed("not stored")

    def tell(self, done: UploadResult) -> None:
        ids = review_ids(done.outcomes)
        for outcome in done.outcomes:
            result = self.results[outcome.row - 1]
            del result["error"]
            result["status"] = STATUSES[outcome.outcome]
            if outcome.assignment_id is not None:
                result["id"] = ids[outcome.assignment_id][0].hex
            if outcome.reason:
                result["reason"] = outcome.reason
        wrong: dict[int, list[str]] = {}
        for error in done.errors:
            wrong.setdefault(error.row, []).append(error.message)
        for row, messages in wrong.items():
            self.results[row - 1]["error"] = "; ".join(dict.fromkeys(messages))


def _entries(data: Any) -> list[Any]:
    body = body_of(data)
    if "configs" not in body:
        raise bad_request("'configs' array is required")
    entries = body["configs"]
    if not isinstance(entries, list) or not entries:
        raise bad_request("'configs' must be a non-empty array")
    if len(entries) > MOST_ENTRIES:
        raise bad_request(f"'configs' has at most {MOST_ENTRIES:,} entries; send more in parts")
    return entries


def _written(row: int, entry: Mapping[str, Any]) -> WrittenConfig:
    """An `id` is not read: ids are made here. A `rl_run_id` is kept in the words of the policy."""
    if not entry.get("user_email") or entry.get("case_id") is None:
        raise Unreadable("user_email and case_id required")
    run = entry.get("rl_run_id")
    policy = "" if run is None else f"rl_run_id {whole_number(run, 'rl_run_id', least=0)}"
    config = WrittenConfig(
        row=row,
        experiment=text_of(entry.get("experiment_id"), "experiment_id", longest=200),
        user=text_of(entry["user_email"], "user_email", longest=254, needed=True).lower(),
        case_number=whole_number(entry["case_id"], "case_id", least=-LARGEST_NUMBER),
        arm=text_of(entry.get("arm"), "arm", longest=100),
        policy=policy,
    )
    if config.arm and not config.experiment:
        raise Unreadable("an arm needs the experiment_id that it belongs to")
    paths = dict.fromkeys(paths_of(entry.get("path_config"), "path_config"))
    config.paths = [PathRow(row, path, style) for path, style in paths]
    return config


def _named(entry: Any) -> Result:
    """What an entry says of itself, where that can be repeated."""
    if not isinstance(entry, Mapping):
        return {"user_email": None, "case_id": None}
    email, case = entry.get("user_email"), entry.get("case_id")
    return {
        "user_email": email if isinstance(email, str) else None,
        "case_id": case if isinstance(case, int) and not isinstance(case, bool) else None,
    }


def _failed(why: str) -> Result:
    return {"status": "failed", "error": why}


def _digest(entries: Sequence[Any]) -> str:
    """For the audit trail, of what was sent. Not canonical JSON: `top` may be a fraction."""
    return sha256_hex(json.dumps(entries, sort_keys=True, separators=(",", ":")))
