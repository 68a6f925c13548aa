"""The table of reviews: one tidy row each, merged from ordered cursors, so that memory does not grow with rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from experiments.exports.attention import CHECK_COLUMNS, check_values
from experiments.exports.cells import Column, csv_encoder, json_encoder
from experiments.exports.features import Rendering
from experiments.exports.questions import Scorer, answer_cell
from experiments.exports.study import Study
from experiments.exports.tables import Row, Table, at, instant
from experiments.exports.timing import seconds
from experiments.models import Answer, Assignment, AttentionCheckAnswer, Review

CHUNK = 1000
_Given = Sequence[tuple[Any, ...]]

_TIMES = {
    "available": at("assignment__available_from"),
    "opened": at("opening__opened_at"),
    "submitted": at("submission__submitted_at"),
}
_READ = (
    *("pk", "public_id", "stage_position"),
    *("assignment__enrolment_id", "assignment__case_id", "assignment__arm_id", "assignment__position"),
    *("assignment__period", "assignment__replicate", "assignment__drawn_by"),
    *("assignment__marginal_probability", "assignment__conditional_probability"),
    *_TIMES,
    *("opening__protocol_id", "opening__snapshot_id", "opening__disclosure_set_id"),
    "opening__questionnaire_version_id",
    *("opening__snapshot__sha256", "opening__disclosure_set__sha256"),
    *("opening__disclosed_sha256", "opening__recorded_disclosure", "opening__engine_version"),
    "opening__attention_check_id",
)


def reviews_table(study: Study) -> Table:
    fixed = _columns(study)
    columns = [*fixed]
    columns += [asked.answer_column for asked in study.asked]
    columns += [column for asked in study.scored for column in asked.score_columns]
    before_features = len(columns)
    columns += [column for feature in study.features for column in feature.columns]
    own = columns[:before_features]

    def lines(rows: Iterable[Row], *, as_json: bool) -> Iterator[str]:
        rendering = Rendering(study.features, as_json)
        encode = json_encoder(own) if as_json else csv_encoder(own)
        begin, end = ("{", "}\n") if as_json else ("", "\r\n")
        between = "," if study.features else ""
        for row, features in rendered(rows, rendering):
            yield f"{begin}{encode(row[2:])}{between}{features}{end}"

    about = "One row per review: one reading of one case at one stage by a real participant, opened or not."
    return Table(
        "reviews",
        about,
        columns,
        _Rows(study).rows,
        lambda rows: lines(rows, as_json=False),
        lambda rows: lines(rows, as_json=True),
        {asked.answer_column.name: asked for asked in study.asked},
    )


def rendered(rows: Iterable[Row], rendering: Rendering) -> Iterator[tuple[Row, str]]:
    """Each row with its feature columns. A row begins with what its review bound: snapshot and disclosure set."""
    not_opened = rendering.not_opened()
    read = iter(rows)
    while chunk := list(islice(read, CHUNK)):
        texts = rendering.prepare({(row[0], row[1]) for row in chunk if row[0] is not None})
        for row in chunk:
            yield row, not_opened if row[0] is None else texts[row[0], row[1]]


def exported_reviews(study: Study) -> QuerySet[Review]:
    """In the order of their making: reviews that come later stand later."""
    reviews = Review.objects.filter(assignment__enrolment__in=study.scope.enrolments.order_by().values("pk"))
    if study.visible.stages is not None:
        reviews = reviews.filter(stage_position__lte=study.visible.stages)
    return reviews.order_by("pk")


def _columns(study: Study) -> list[Column]:
    arms = tuple(arm.key for arm in study.arms)
    by_arm = study.visible.by_arm
    listed = [
        Column("review", "text", "Random id of the review; the same in file events."),
        Column("pseudonym", "text", "Of the participant; see file enrolments."),
        Column("email", "text", "Of the participant.") if study.scope.rights.identified else None,
        Column("case_number", "integer", "The case."),
        Column("arm", "text", "Key of the arm; empty where a CSV named none.", allowed=arms) if by_arm else None,
        Column("stage", "integer", "Place of the stage in the arm, from 1."),
        Column("stage_name", "text", "Its name in the protocol version.") if by_arm else None,
        Column("protocol_version", "integer", "That the review bound at its opening; see file protocols."),
        Column(
            "position",
            "integer",
            "Place of the case in the participant's order; with pseudonym it names the row of file assignments.",
        ),
        Column("period", "integer", "Period of the assignment."),
        Column("replicate", "integer", "Replicate of the assignment."),
        Column("drawn_by", "text", "What made the assignment.", allowed=tuple(Assignment.DrawnBy.values)),
        Column("marginal_probability", "number", "Of this arm, before any draw.") if by_arm else None,
        Column("conditional_probability", "number", "Of this arm, given the block's earlier draws.")
        if by_arm
        else None,
        Column("available_from", study.time_type, "Before this nobody could open it; empty: from the start."),
        Column("opened_at", study.time_type, f"First opening, {study.time_words}; empty: never opened."),
        Column("submitted_at", study.time_type, f"Answers given, {study.time_words}; empty: not answered."),
        Column("seconds_to_answer", "number", "From the first opening to the answers.", unit="s"),
        *_questionnaire_columns(study),
        Column("snapshot_sha256", "text", "Hash of the case as it was frozen."),
        Column("disclosure_set_sha256", "text", "Hash of the bound disclosure set.") if by_arm else None,
        Column("disclosed_sha256", "text", "Hash of what was shown, to the byte.") if by_arm else None,
        Column("recorded_disclosure", "json", "AugMed's record of what it showed, where the review came from there.")
        if by_arm
        else None,
        Column("engine_version", "text", "Of the disclosure engine."),
        *CHECK_COLUMNS,
    ]
    return [column for column in listed if column is not None]


def _questionnaire_columns(study: Study) -> list[Column]:
    if not study.visible.questionnaire_version:
        return []
    return [
        Column("questionnaire", "text", "Name of the questionnaire.", allowed=study.questionnaire_names),
        Column("questionnaire_version", "integer", "Its version that was answered; see the codebook."),
    ]


class _Rows:
    """The values of every review, from two cursors in the same order: reviews with what belongs to them, answers.
    Each row: keys of the bound snapshot and disclosure set (None: not opened), then the values of the columns."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._kinds = {asked.key: (place, asked.type) for place, asked in enumerate(study.asked)}
        self._score_places = {asked.key: place for place, asked in enumerate(study.scored)}
        self._scorer = Scorer(study.experiment, study.asked) if study.scored else None

    def rows(self) -> Iterator[list[Any]]:
        answers, checks = _answers(self._study), _check_answers(self._study)
        read = exported_reviews(self._study).annotate(**_TIMES).values_list(*_READ)
        for row in read.iterator(chunk_size=2000):
            yield self._values(row, answers.of(row[0]), checks.of(row[0]))

    def _values(self, row: Sequence[Any], given: _Given, checked: _Given) -> list[Any]:
        study = self._study
        (_, public_id, stage, enrolment, case, arm, position, period, replicate, drawn_by, marginal, conditional,
         available, opened_text, submitted_text, protocol, snapshot, disclosure_set, version, snapshot_sha256,
         set_sha256, disclosed, recorded, engine, check) = row  # fmt: skip
        person = study.scope.people[enrolment]
        opened, submitted = instant(opened_text), instant(submitted_text)
        if person.until is not None and opened is not None and opened > person.until:
            opened = protocol = snapshot = disclosure_set = version = None
            snapshot_sha256 = set_sha256 = disclosed = recorded = engine = check = None
        if opened is None or (submitted is not None and person.until is not None and submitted > person.until):
            submitted = None
        by_arm, time = study.visible.by_arm, study.time
        values: list[Any] = [snapshot, disclosure_set, public_id.hex, person.pseudonym]
        if study.scope.rights.identified:
            values.append(person.email)
        values.append(study.case_numbers[case])
        if by_arm:
            values.append(study.arm_keys.get(arm))
        values.append(stage)
        if by_arm:
            values.append(study.stage_names.get((protocol or study.experiment.protocol_id, arm, stage)))
        values += (study.protocol_numbers.get(protocol), position, period, replicate, drawn_by)
        if by_arm:
            values += (marginal, conditional)
        values += (time(instant(available)), time(opened), time(submitted), seconds(opened, submitted))
        if study.visible.questionnaire_version:
            values += study.questionnaires.get(version, (None, None))
        values.append(snapshot_sha256)
        if by_arm:
            values += (set_sha256 or None, disclosed or None, recorded or None)
        values.append(engine or None)
        if submitted is None or person.withheld:
            given = checked = ()
        values += check_values(study.check_numbers.get(check), checked)
        return values + self._answers(case, given)

    def _answers(self, case_id: int, given: _Given) -> list[Any]:
        answers: list[Any] = [None] * len(self._kinds)
        scores: list[Any] = [None] * (2 * len(self._score_places))
        for _, key, value, question_id in given:
            found = self._kinds.get(key)
            if found is None or not value:
                continue
            answers[found[0]] = answer_cell(found[1], value)
            place = self._score_places.get(key)
            if place is not None and self._scorer is not None:
                scores[2 * place : 2 * place + 2] = self._scorer.score(question_id, case_id, value)
        return answers + scores


def _answers(study: Study) -> _BySubmission:
    reviews = exported_reviews(study).order_by().values("pk")
    rows = Answer.objects.filter(submission__in=reviews).order_by("submission_id")
    return _BySubmission(rows.values_list("submission_id", "question_key", "value", "question_id"))


def _check_answers(study: Study) -> _BySubmission:
    reviews = exported_reviews(study).order_by().values("pk")
    rows = AttentionCheckAnswer.objects.filter(submission__in=reviews).order_by("submission_id")
    return _BySubmission(rows.values_list("submission_id", "value", "passed"))


class _BySubmission:
    """The rows of one review after the other, from one cursor in the order of reviews. Each begins with its review."""

    def __init__(self, rows: QuerySet[Any, Any]) -> None:
        self._rows = rows.iterator(chunk_size=4000)
        self._next: tuple[Any, ...] | None = next(self._rows, None)

    def of(self, review: int) -> _Given:
        found = []
        while self._next is not None and self._next[0] <= review:
            if self._next[0] == review:
                found.append(self._next)
            self._next = next(self._rows, None)
        return found


__all__ = ["exported_reviews", "reviews_table"]
