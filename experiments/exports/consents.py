"""The table of consents: which version was agreed to, in which language, and when; with what was withdrawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from experiments.exports.cells import Column
from experiments.exports.study import Study
from experiments.exports.tables import Table, table
from experiments.models import ConsentRecord


def has_consents(study: Study) -> bool:
    """One statement."""
    return _records(study).exists()


def consents_table(study: Study) -> Table:
    columns = [
        Column("pseudonym", "text", "Of the participant."),
        Column("recorded_at", study.time_type, "When it was written down."),
        Column("kind", "text", "What was recorded.", allowed=tuple(ConsentRecord.Kind.values)),
        Column("at", study.time_type, "When it was given, declined or withdrawn."),
        Column("given_elsewhere", "boolean", "On paper or in another system, and recorded by the study team."),
        Column("document", "text", "Which version of which text, in words; empty: not said."),
        Column("version", "integer", "Of the consent form, where it was signed here."),
        Column("language", "text", "In which the form was signed."),
        Column("text_sha256", "text", "Of title and text as they were signed."),
    ]
    about = "One row per consent that was given, declined or withdrawn; who signed again has several."
    return table("consents", about, columns, lambda: _rows(study))


_VALUES = (
    *("enrolment_id", "recorded_at", "kind", "at", "given_elsewhere", "document"),
    *("signature__document__number", "signature__language", "signature__text_sha256"),
)


def _rows(study: Study) -> Iterator[list[Any]]:
    """One statement."""
    rows = _records(study).order_by("enrolment__arrival", "recorded_at", "pk").values_list(*_VALUES)
    for enrolment, recorded, kind, at, elsewhere, document, *signed in rows.iterator(chunk_size=2000):
        person = study.scope.people[enrolment]
        yield [
            person.pseudonym, study.time(recorded), kind, study.time(at), elsewhere, document or None, *signed
        ]  # fmt: skip


def _records(study: Study) -> Any:
    return ConsentRecord.objects.filter(enrolment__in=study.scope.enrolments.order_by().values("pk"))
