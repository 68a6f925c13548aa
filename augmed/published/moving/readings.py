"""Answered tasks: each becomes a review that was opened and answered in AugMed, with all that is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from augmed.foundation.canonical import canonical_json, digest
from augmed.published.moving.cells import CellError, json_value, moment, truth, whole
from augmed.published.moving.move import Move, address
from augmed.published.moving.questions import Given, by_text, given
from augmed.published.moving.staging import Row
from experiments.actions.submissions import plain
from experiments.attention import CHECK_KEY, Check, has_passed
from experiments.design.question_forms import definition
from experiments.models import (
    Answer,
    AttentionCheckAnswer,
    Question,
    Review,
    ReviewOpening,
    Submission,
)

TABLE = "answer"


@dataclass(frozen=True, slots=True)
class Asked:
    """A version's questions by their text, and their primary keys by key."""

    version: int
    questions: Mapping[str, Any]
    ids: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer of AugMed's, read. `task`: AugMed's id of the display config; `disclosure`: its record of the paths,
    letter by letter."""

    key: str
    row: int
    task: str
    user: int
    case: int
    asked: Asked
    given: Given
    disclosure: str
    opened_at: datetime
    submitted_at: datetime
    client_data: str
    details: Mapping[str, Any]


def asked_in_versions(pks: Sequence[int]) -> dict[int, Asked]:
    """What these versions ask. One statement."""
    listed: dict[int, list[Question]] = {}
    for question in Question.objects.filter(version__in=pks).order_by("version_id", "position"):
        listed.setdefault(question.version_id, []).append(question)
    return {
        pk: Asked(pk, by_text([definition(one) for one in questions]), {one.key: one.pk for one in questions})
        for pk, questions in listed.items()
    }


def read_chunk(
    move: Move, rows: Sequence[Row], people: Mapping[str, int], asked: Mapping[str, Asked], check: Check
) -> list[Reading]:
    """The rows that can be read; why others cannot is reported. `asked` by AugMed's id of the answer_config."""
    readings = []
    for row in rows:
        try:
            reading = _read(row, people, asked, check)
        except CellError as error:
            move.report.could_not(TABLE, row["id"], row["row_number"], str(error))
            continue
        for one in reading.given.not_taken:
            text = f"{one.title!r}: {one.reason} Kept beside the answers, as it was."
            move.report.note(TABLE, row["id"], row["row_number"], text)
        readings.append(reading)
    return readings


def _read(row: Row, people: Mapping[str, int], asked: Mapping[str, Asked], check: Check) -> Reading:
    user = people.get(address(row["user_email"]))
    if user is None:
        raise CellError("there is no account here of who answered: was the user table moved?")
    version = asked.get(row["answer_config_id"] or "")
    if version is None:
        raise CellError("its answer_config did not come over")
    answer = json_value("answer", row["answer"])
    if not isinstance(answer, dict):
        raise CellError("answer is no object of titles and values")
    json_value("display_configuration", row["display_configuration"])
    submitted_at = moment("created_timestamp", row["created_timestamp"])
    made = given(answer, version.questions, check.question)
    return Reading(
        key=row["id"],
        row=row["row_number"],
        task=row["task_id"] or "",
        user=user,
        case=whole("case_id", row["case_id"]),
        asked=version,
        given=made,
        disclosure=_disclosure(row),
        opened_at=_opened_at(row, submitted_at),
        submitted_at=submitted_at,
        client_data=_client_data(row, made, answer),
        details=task_details(row),
    )


def _disclosure(row: Row) -> str:
    text = (row["display_configuration"] or "").strip()
    return "[]" if text in ("", "null") else text


def _opened_at(row: Row, submitted_at: datetime) -> datetime:
    """When the participant's browser says, if that can be; AugMed's server did not note it."""
    try:
        said = moment("case_open_time", row["case_open_time"])
    except CellError:
        return submitted_at
    return min(said, submitted_at)


def task_details(row: Row) -> dict[str, Any]:
    """What AugMed had noted of a task beside its paths: the arm of its own experiment, and the run that drew it."""
    names = ("experiment_id", "rl_run_id", "arm")
    return {name: row[name] for name in names if row[name]}


def _client_data(row: Row, made: Given, answer: Mapping[str, Any]) -> str:
    """As live answers keep it, with what the answers do not hold: whoever erases the answers erases this too."""
    said: dict[str, Any] = {"answerConfigId": row["answer_config_id"], "augmed": {"task_id": row["task_id"]}}
    if row["ai_score_shown"]:
        said["aiScoreShown"] = truth("ai_score_shown", row["ai_score_shown"])
    if not made.is_exact:
        said["augmed"]["answer"] = [[title, value] for title, value in answer.items()]
    if made.not_taken:
        said["augmed"]["not_taken"] = [[one.title, one.reason] for one in made.not_taken]
    try:
        return canonical_json(plain(said))
    except (TypeError, ValueError):
        raise CellError("answer holds a value that cannot be kept, such as a number of over 400 digits") from None


# --- the rows that a reading becomes


def opening(reading: Reading, review: Review, check: Check) -> ReviewOpening:
    return ReviewOpening(
        review=review,
        opened_at=reading.opened_at,
        questionnaire_version_id=reading.asked.version,
        attention_check_id=check.pk if reading.given.check is not None else None,
        recorded_disclosure=reading.disclosure,
    )


def submission(reading: Reading, review: Review) -> Submission:
    """The digest covers the answer to the attention check, as that of a live answer does."""
    given = reading.given
    check = {} if given.check is None else {CHECK_KEY: given.check}
    return Submission(
        review=review,
        submitted_at=reading.submitted_at,
        answers_sha256=digest({**given.answers, **check}),
        client_data=reading.client_data,
    )


def answers(reading: Reading, submitted: Submission) -> list[Answer]:
    return [
        Answer(
            submission=submitted,
            question_id=reading.asked.ids[key],
            question_key=key,
            value=canonical_json(value),
        )
        for key, value in reading.given.answers.items()
    ]


def check_answer(reading: Reading, submitted: Submission, check: Check) -> list[AttentionCheckAnswer]:
    given = reading.given.check
    if given is None:
        return []
    passed = has_passed(check, given)
    return [
        AttentionCheckAnswer(
            submission=submitted, check_version_id=check.pk, value=canonical_json(given), passed=passed
        )
    ]
