"""Import of consents that were given elsewhere: a small CSV, all rows or none. Needs manage_enrolment."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from augmed.foundation.errors import DomainError, Invalid
from augmed.foundation.permissions import Verb
from experiments.actions.enrolment import record_consent
from experiments.admin_tools import may_in_study
from experiments.models import ConsentRecord, Enrolment, Experiment

MOST_ROWS = 2000
COLUMNS = ("user", "consent", "date", "document")


def import_page(request: HttpRequest) -> HttpResponse:
    if not may_in_study(request, Verb.MANAGE_ENROLMENT, None):
        raise PermissionDenied
    studies = Experiment.objects.where_may(request.user, Verb.MANAGE_ENROLMENT)
    refusal = None
    if request.method == "POST":
        try:
            experiment = studies.filter(pk=request.POST.get("experiment") or 0).first()
            file = request.FILES.get("file")
            if experiment is None or file is None:
                raise Invalid("Choose a study and a file.")
            count = import_consents(experiment=experiment, content=file.read(), by=request.user)
        except (DomainError, ValueError) as error:
            refusal = error if isinstance(error, DomainError) else Invalid("Choose a study and a file.")
        else:
            messages.success(request, f"{count} consent{'' if count == 1 else 's'} recorded.")
            return redirect("admin:experiments_enrolment_changelist")
    context = {
        **admin.site.each_context(request),
        "title": "Import consents given elsewhere",
        "studies": studies,
        "refusal": refusal,
        "columns": COLUMNS,
        "kinds": ("given", "declined", "withdrawn"),
    }
    status = refusal.status_code if refusal else 200
    return TemplateResponse(request, "admin/experiments/consents.html", context, status=status)


def import_consents(*, experiment: Experiment, content: bytes, by: Any) -> int:
    """Record every row, or none: Invalid names each row that cannot be recorded."""
    rows = _rows(content)
    people = {
        enrolment.user.email: enrolment
        for enrolment in Enrolment.objects.real().filter(experiment=experiment).select_related("user", "experiment")
    }
    errors: dict[str, list[str]] = {}
    with transaction.atomic():
        for number, row in rows:
            enrolment = people.get(row["user"].lower())
            try:
                if enrolment is None:
                    raise Invalid(f"{row['user']!r} is not enrolled in the study.")
                record_consent(
                    enrolment=enrolment,
                    kind=row["consent"].lower() or ConsentRecord.Kind.GIVEN,
                    at=_moment(row["date"]),
                    document=row["document"],
                    given_elsewhere=True,
                    by=by,
                )
            except DomainError as error:
                errors.setdefault(f"row {number}", []).append(error.detail)
        if errors:
            raise Invalid(f"Nothing was recorded: {len(errors)} rows have errors.", errors=errors)
    return len(rows)


def _rows(content: bytes) -> list[tuple[int, dict[str, str]]]:
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        names = {name: name.strip().lower() for name in reader.fieldnames or ()}
        if "user" not in names.values():
            raise Invalid("Row 1: the header needs at least the column 'user'.")
        listed = [
            (number, dict.fromkeys(COLUMNS, "") | _cells(row, names)) for number, row in enumerate(reader, start=2)
        ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Invalid(f"The file is not readable as CSV in UTF-8: {error}.") from error
    if not listed or len(listed) > MOST_ROWS:
        raise Invalid(f"A file of 1 to {MOST_ROWS} rows is needed; this one has {len(listed)}.")
    return listed


def _cells(row: dict[str | None, Any], names: dict[str, str]) -> dict[str, str]:
    return {names[name]: (value or "").strip() for name, value in row.items() if name is not None}


def _moment(text: str) -> datetime | None:
    """A date or a time; without a zone it is UTC."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(f"{text!r} is not a date such as 2026-01-31.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
