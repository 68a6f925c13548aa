"""From a count to what was counted: rows of the live table, or lines of the files of a run.

Both show data of patients, so each reading is written into the audit trail: who, what check, how many, no value.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib.admin.utils import quote
from django.db import models, transaction
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from augmed.foundation import audit
from omop.admin.quality.scope import run_or_404
from omop.imports import runs as kept
from omop.imports.gate.offending import answers as can_list
from omop.imports.gate.offending import offending
from omop.imports.schema import schemas
from omop.quality import Key

PER_PAGE = 50
_WHOLE = re.compile(r"-?[0-9]{1,19}")


def answers(code: str, table: str, column: str) -> bool:
    """Whether the rows behind this check can be found again in the live table."""
    return can_list(code, table, column or None)


def live_rows(request: HttpRequest, table: str, key: Key) -> dict[str, Any]:
    """One page of the rows that the check finds wrong now, in the order of their key. Raises Http404."""
    if not answers(key.code, table, key.column):
        raise Http404("The rows behind this check cannot be listed.")
    after = _after(table, request.GET.get("after"))
    found = offending(key.code, table, key.column or None, limit=PER_PAGE + 1, after=after)
    rows, more = found[:PER_PAGE], len(found) > PER_PAGE
    _record(request, "omop_rows_viewed", ("omop.table", table), key, len(rows))
    page = f"admin:omop_{_model(table)._meta.model_name}_change"
    query = {"column": key.column, "after": rows[-1].key} if more else {}
    return {
        "title": f"Rows of {table}",
        "table": table,
        "key": key,
        "rows": [(row, reverse(page, args=[quote(str(row.key))])) for row in rows],
        "begun": after is not None,
        "next": urlencode({name: value for name, value in query.items() if value != ""}),
        "column_query": f"?{urlencode({'column': key.column})}" if key.column else "",
    }


def first_lines(request: HttpRequest, run_id: uuid.UUID, table: str, key: Key) -> dict[str, Any]:
    """The first lines that the check found wrong in a run, as its report has them. Raises Http404."""
    run = run_or_404(request.user, run_id)
    outcome = run.checks.filter(table=table, code=key.code, column=key.column).first()
    if outcome is None:
        raise Http404("This check was not asked in this run.")
    report = kept.report_of(run)
    lines = _lines(report["checks"], table, key) if report is not None else []
    _record(request, "omop_run_lines_viewed", ("omop.import", run.pk), key, len(lines))
    return {
        "title": f"First lines: {key.code} of {table or 'the files'}{f'.{key.column}' if key.column else ''}",
        "table": table,
        "key": key,
        "run": run,
        "outcome": outcome,
        "kept": report is not None,
        "lines": lines,
        "rejects": reverse("admin:omop_run_rejects", args=[run.pk]) if kept.rejects_path(run) else "",
    }


def _lines(checks: Sequence[dict[str, Any]], table: str, key: Key) -> list[dict[str, Any]]:
    mine = (check for check in checks if (check["code"], check["table"]) == (key.code, table))
    return next((check["first"] for check in mine if (check["column"] or "") == key.column), [])


def _after(table: str, text: str | None) -> Any:
    """The key that the page before ended with, as the table has it."""
    if text is None:
        return None
    field: models.Field[Any, Any] = _model(table)._meta.pk
    if isinstance(field, models.CharField):
        return text
    if not _WHOLE.fullmatch(text) or abs(int(text)) >= 2**63:
        raise Http404("There is no such row to go on from.")
    return int(text)


def _model(table: str) -> type[models.Model]:
    return schemas()[table].model


def _record(request: HttpRequest, action: str, target: Any, key: Key, rows: int) -> None:
    data = {"check": key.code, "column": key.column, "rows": rows}
    with transaction.atomic():
        audit.record(action=action, by=request.user, target=target, data=data)
