"""The table of what readers told about themselves: one row a reader who was asked and answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from experiments.exports.cells import Column
from experiments.exports.questions import AnswerCell, answer_cell
from experiments.exports.study import Study
from experiments.exports.tables import Table, table
from experiments.models import IntakeAnswer, IntakeSubmission

_CHUNK = 1000


def intake_table(study: Study) -> Table:
    named = study.questionnaire_names_of_intake
    columns = [
        Column("pseudonym", "text", "Of the participant; the key of a row."),
        Column("submitted_at", study.time_type, f"When it was answered, {study.time_words}."),
        Column("questionnaire", "text", "The questionnaire about the reader.", allowed=named),
        Column("questionnaire_version", "integer", "Its version that was answered."),
        Column("language", "text", "In which the questions were shown; answers are in the study's own words."),
        *(asked.answer_column for asked in study.asked_of_readers),
    ]
    asked = {one.answer_column.name: one for one in study.asked_of_readers}
    about = "One row per real enrolment that answered the questions about the reader, which are asked once."
    return table("intake", about, columns, lambda: _rows(study), asked)


def _rows(study: Study) -> Iterator[list[Any]]:
    """A thousand readers at a time: two statements each."""
    rows = IntakeSubmission.objects.filter(enrolment__in=study.scope.enrolments.order_by().values("pk"))
    values = rows.order_by("enrolment__arrival", "pk").values_list(
        "pk", "submitted_at", "questionnaire_version", "language"
    )
    chunk: list[tuple[Any, ...]] = []
    for row in values.iterator(chunk_size=_CHUNK):
        chunk.append(row)
        if len(chunk) == _CHUNK:
            yield from _with_answers(study, chunk)
            chunk = []
    yield from _with_answers(study, chunk)


def _with_answers(study: Study, chunk: list[tuple[Any, ...]]) -> Iterator[list[Any]]:
    given = _answers(study, [row[0] for row in chunk])
    for enrolment, submitted_at, version, language in chunk:
        person = study.scope.people[enrolment]
        if person.until is not None and submitted_at > person.until:
            continue
        name, number = study.questionnaires[version]
        answers = {} if person.withheld else given[enrolment]
        cells = [answers.get(asked.key) for asked in study.asked_of_readers]
        yield [person.pseudonym, study.time(submitted_at), name, number, language or None, *cells]


def _answers(study: Study, enrolments: list[int]) -> dict[int, dict[str, AnswerCell]]:
    """By enrolment and question key; without what was erased."""
    kinds = {asked.key: asked.type for asked in study.asked_of_readers}
    found: dict[int, dict[str, AnswerCell]] = defaultdict(dict)
    rows = IntakeAnswer.objects.filter(submission__in=enrolments).exclude(value="").order_by()
    for enrolment, key, value in rows.values_list("submission", "question_key", "value"):
        if key in kinds:
            found[enrolment][key] = answer_cell(kinds[key], value)
    return found
