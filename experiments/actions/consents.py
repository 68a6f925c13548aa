"""Import of consents that were given elsewhere: on paper, or in another system."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from augmed.foundation import audit
from augmed.foundation.errors import DomainError
from experiments.actions.allocation import runs_for_audit
from experiments.actions.allocation_requests import draw_or_ask
from experiments.actions.common import locked
from experiments.actions.enrolment import note_consent, refuse_consent
from experiments.csv_rows import CsvRow, RowErrors, read_rows
from experiments.models import ConsentRecord, Enrolment, Experiment


@dataclass(frozen=True)
class ConsentImport:
    """How many consents were recorded, and how many were there already."""

    recorded: int
    kept: int


@dataclass(frozen=True)
class _Consent:
    enrolment: Enrolment
    kind: str
    at: datetime
    document: str

    @property
    def identity(self) -> tuple[int, str, datetime, str]:
        return self.enrolment.pk, self.kind, self.at, self.document


def import_consents(*, experiment: Experiment, content: bytes | str, by: Any) -> ConsentImport:
    """Record the consents of a CSV (email, at, document, and optionally kind: given or declined), all or none.

    `at` is a date or an ISO time (without zone: the server's). People must be enrolled. What is recorded already is
    kept, so a file may be imported again. Those whose consent opens the study are drawn in the order of arrival."""
    rows = read_rows(content, required=("email", "at"), optional=("document", "kind"))
    with transaction.atomic():
        study = locked(experiment)
        consents = _read(study, rows)
        records = ConsentRecord.objects.filter(enrolment__experiment=study)
        there = set(records.values_list("enrolment", "kind", "at", "document"))
        new = [consent for consent in consents if consent.identity not in there]
        for consent in new:
            note_consent(
                consent.enrolment,
                consent.kind,
                by=by,
                at=consent.at,
                document=consent.document,
                given_elsewhere=True,
            )
        runs = draw_or_ask(study, by=by, triggered_by="consent")
        result = ConsentImport(len(new), len(consents) - len(new))
        audit.record(
            action="consents_imported",
            by=by,
            target=study,
            data={"recorded": result.recorded, "kept": result.kept} | runs_for_audit(runs),
            experiment_id=study.pk,
        )
    return result


def _read(study: Experiment, rows: list[CsvRow]) -> list[_Consent]:
    """The consents of these rows; Invalid with every row that cannot be recorded. One query."""
    people = {
        enrolment.user.email: enrolment
        for enrolment in Enrolment.objects.real()
        .filter(experiment=study)
        .select_related("user", "experiment", "asked_again")
    }
    errors, consents = RowErrors(), []
    seen: dict[str, int] = {}
    for row in rows:
        email = row.cells["email"].lower()
        kind = (row.cells.get("kind") or ConsentRecord.Kind.GIVEN).lower()
        at = _time(row.cells["at"])
        if email not in people:
            errors.add(row.line, "Nobody with this address is enrolled in the study.")
        elif email in seen:
            errors.add(row.line, f"This person stands in line {seen[email]} already.")
        elif at is None:
            errors.add(row.line, "at: a date (YYYY-MM-DD) or a time (YYYY-MM-DDTHH:MM) is needed.")
        else:
            consent = _Consent(people[email], kind, at, row.cells.get("document", ""))
            if refusal := _refusal(consent):
                errors.add(row.line, refusal)
            consents.append(consent)
        seen.setdefault(email, row.line)
    errors.refuse()
    return consents


def _refusal(consent: _Consent) -> str:
    if len(consent.document) > 200:
        return "document: at most 200 characters."
    try:
        refuse_consent(consent.enrolment, consent.kind, consent.at)
    except DomainError as error:
        return error.detail
    return ""


def _time(text: str) -> datetime | None:
    """A date alone means its beginning; without zone it is the server's time."""
    try:
        date = parse_date(text)
        at = datetime.combine(date, time()) if date else parse_datetime(text)
        if at is None:
            return None
        return (at if at.tzinfo else at.replace(tzinfo=timezone.get_current_timezone())).astimezone(UTC)
    except (ValueError, OverflowError):  # no such day, or one at the ends of the calendar
        return None
