"""The rows of AugMed's answer export: participant by participant, in the order in which they answered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from django.db.models import F, QuerySet

from cases.disclosure import DisclosureContent
from experiments.actions.submissions import plain
from experiments.exports.augmed.cells import CaseCells, CellMaker
from experiments.exports.augmed.columns import AnswerColumns
from experiments.exports.cells import ColumnType
from experiments.exports.client_events import client_events_of
from experiments.exports.questions import answer_cell
from experiments.exports.reviews import exported_reviews
from experiments.exports.scope import Person
from experiments.exports.shown import (
    CaseFeatures,
    PerOpening,
    Shown,
    advice_recorded,
    ai_score_shown,
    as_written,
    shown_in,
)
from experiments.exports.study import Study
from experiments.exports.tables import Table, table
from experiments.exports.timing import ClientEvent, timing
from experiments.models import Answer, Review

CHUNK = 1000
TABLE = "answers"

_READ = {
    "enrolment": F("assignment__enrolment_id"),
    "person_id": F("assignment__case__person_id"),
    "opened_at": F("opening__opened_at"),
    "submitted_at": F("submission__submitted_at"),
    "snapshot": F("opening__snapshot_id"),
    "disclosure_set": F("opening__disclosure_set_id"),
    "recorded": F("opening__recorded_disclosure"),
    "redacted_at": F("opening__snapshot__redacted_at"),
    "client_data": F("submission__client_data"),
}


def anonymised_user_id(email: str) -> str:
    """AugMed's number of a participant: the first 8 bytes of the SHA-256 of the address, big-endian; 0 for none. As
    text, because spreadsheets, JavaScript and signed columns cannot hold all of its values."""
    address = email.strip().lower()
    return str(int.from_bytes(hashlib.sha256(address.encode()).digest()[:8])) if address else "0"


def answered_reviews(study: Study) -> QuerySet[Review]:
    return exported_reviews(study).filter(submission__isnull=False)


def answers_table(study: Study) -> Table:
    intakes = _intakes(study)
    columns = AnswerColumns.of(study, intakes.values())
    rows = _Rows(study, columns, intakes)
    about = "One row per answered review of a real participant, with the columns of AugMed's answer export."
    return table(TABLE, about, columns.columns(), rows.rows, columns.asked)


def _intakes(study: Study) -> dict[int, Mapping[str, Any]]:
    """The attributes of everybody whose attributes may be told."""
    people = study.scope.people
    read = study.scope.enrolments.order_by().values_list("pk", "intake").iterator(chunk_size=2000)
    return {pk: intake for pk, intake in read if intake and not people[pk].withheld}


class _Rows:
    def __init__(self, study: Study, columns: AnswerColumns, intakes: Mapping[int, Mapping[str, Any]]) -> None:
        self._study, self._columns, self._intakes = study, columns, intakes
        self._maker = CellMaker(
            [one.identity for one in columns.features],
            columns.age,
            columns.gender,
            undisclosed=study.scope.rights.cases,
            visible=study.visible.features,
        )
        self._openings = PerOpening(self._opening)
        self._kinds: dict[str, ColumnType] = {asked.key: asked.type for asked in columns.asked.values()}

    def rows(self) -> Iterator[list[Any]]:
        """Four statements for every thousand rows."""
        order = "assignment__enrolment_id", "submission__submitted_at", "pk"
        read = answered_reviews(self._study).order_by(*order).annotate(**_READ).values("pk", *_READ)
        reviews = read.iterator(chunk_size=CHUNK)
        enrolment, number = None, 0
        while chunk := list(islice(reviews, CHUNK)):
            given, events = self._given(chunk), client_events_of([row["pk"] for row in chunk])
            made = self._openings.of((row["snapshot"], row["disclosure_set"]) for row in chunk)
            for row in chunk:
                person = self._study.scope.people[row["enrolment"]]
                if person.until is not None and row["submitted_at"] > person.until:
                    continue
                number = number + 1 if row["enrolment"] == enrolment else 1
                enrolment = row["enrolment"]
                answers = {} if person.withheld else given.get(row["pk"], {})
                yield self._row(row, number, person, events[row["pk"]], self._case(row, made), answers)

    def _row(
        self,
        row: Mapping[str, Any],
        number: int,
        person: Person,
        events: Sequence[ClientEvent],
        case: tuple[CaseCells, bool],
        answers: Mapping[str, Any],
    ) -> list[Any]:
        study, (cells, advised) = self._study, case
        by_arm = study.visible.by_arm
        times = timing(events, row["opened_at"], row["submitted_at"])
        intake = self._intakes.get(row["enrolment"], {})
        return [
            row["person_id"] if row["redacted_at"] is None else None,
            anonymised_user_id(person.email) if study.scope.rights.identified else person.pseudonym,
            number,
            *(study.time(moment) for moment in (times.case_opened, times.answer_opened, times.submitted)),
            *(times.to_answer_open, times.to_submit, times.total),
            *(cells.age, cells.gender),
            *cells.shown,
            ("Yes" if advised else "No") if by_arm else None,
            *cells.values,
            cells.score if by_arm else None,
            *(answers.get(asked.key) for asked in self._columns.asked.values()),
            *(_attribute(intake.get(name)) for name in self._columns.attributes.values()),
        ]

    def _case(self, row: Mapping[str, Any], made: Mapping[Any, tuple[CaseCells, bool]]) -> tuple[CaseCells, bool]:
        if not row["recorded"]:
            return made[row["snapshot"], row["disclosure_set"]]
        written = as_written(row["recorded"])
        advice = advice_recorded(written)
        advised = ai_score_shown(Shown(written, advice), recorded=True, client_data=row["client_data"])
        return self._maker.recorded(self._columns.recorded.read(written), advice), advised

    def _opening(self, case: CaseFeatures | None, content: DisclosureContent) -> tuple[CaseCells, bool]:
        return self._maker.make(case, content), bool(shown_in(case, content).advice)

    def _given(self, chunk: Sequence[Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
        """Answers by review and question key; blank once erased."""
        found: dict[int, dict[str, Any]] = {}
        answers = Answer.objects.filter(submission__in=[row["pk"] for row in chunk]).order_by()
        for review, key, value in answers.values_list("submission", "question_key", "value"):
            if value and key in self._kinds:
                found.setdefault(review, {})[key] = answer_cell(self._kinds[key], value)
        return found


def _attribute(value: Any) -> str | None:
    return None if value is None else str(plain(value))
