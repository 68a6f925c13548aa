"""The feeds of answers and of their timing: one row per answered review."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import F, OuterRef, Subquery, Window
from django.db.models.functions import RowNumber

from experiments.exports.cells import Column
from experiments.exports.client_events import client_events_of
from experiments.exports.feed.rows import OURS, PERSON, WHO, Page, chunks, details, ours, patient
from experiments.exports.feed.studies import Feed, FeedStudy, Policy, Status
from experiments.exports.shown import (
    Configuration,
    PerOpening,
    Shown,
    advice_recorded,
    ai_score_shown,
    as_written,
    shown_in,
)
from experiments.exports.timing import ClientEvent, Timing, timing
from experiments.models import Answer, AssignmentDisclosure

TIMES = (
    Column("case_open_time", "datetime", "The case was opened: by the client's clock, else the server's."),
    Column("answer_open_time", "datetime", "The answer form was opened, by the client's clock."),
    Column("answer_submit_time", "datetime", "The answers were sent: by the client's clock, else the server's."),
    Column("to_answer_open_secs", "number", "From the one to the other.", unit="s"),
    Column("to_submit_secs", "number", "From the form to the answers.", unit="s"),
    Column("total_duration_secs", "number", "From the case to the answers.", unit="s"),
)
ANSWERS = (
    Column("answer_id", "integer", "Of the answer. Empty where arms are masked: a gap would tell of a second stage."),
    Column("case_id", "integer", "Number of the case."),
    WHO,
    Column("answer", "json", "What was answered, by the words of the question; empty once erased."),
    Column("display_configuration", "json", "What the review disclosed. Empty where arms are masked."),
    Column("ai_score_shown", "boolean", "Whether it disclosed advice of a model. Empty where arms are masked."),
    Column("answer_config_id", "text", "Id of the questionnaire version."),
    Column("answer_created_at", "datetime", "When the server had the answers."),
    PERSON[0],
    PERSON[1],
    Column("year_of_birth", "integer", "Of the patient."),
    Column("gender_name", "text", "Of the patient, OMOP's name of the concept."),
    Column("ai_value_as_string", "text", "The advice as it was disclosed. Empty where arms are masked."),
    *TIMES,
    Column("order_id", "integer", "1, 2, 3 ... over all answers of the participant in the study, as they were given."),
    *OURS,
    Column(
        "attention_check_passed",
        "boolean",
        "Whether the check was answered right; empty: none was asked, or it was erased.",
    ),
)
ANALYTICS = (
    Column("analytics_id", "integer", "As answer_id."),
    WHO,
    Column("case_config_id", "text", "Id of the review."),
    Column("case_id", "integer", "Number of the case."),
    *TIMES,
    Column("analytics_created_at", "datetime", "When the server had the answers."),
    *OURS,
)


def answer_rows(feed: Feed, page: Page) -> Iterator[list[Any]]:
    per_opening = PerOpening(shown_in)
    for chunk in chunks(page):
        rows = details(feed, chunk, **_OPENING, **patient(), written=_written())
        given, events, places = _given(feed, rows), client_events_of(chunk), _places(feed, rows)
        shown = per_opening.of(_bound(feed, row) for row in rows)
        for row in rows:
            study = feed.studies[row["study_id"]]
            if row["pk"] not in places:
                continue  # withdrew after the page was counted
            row["place"] = places[row["pk"]]
            yield _answer(study, row, given[row["pk"]], events[row["pk"]], _shown(study, row, shown))


def analytics_rows(feed: Feed, page: Page) -> Iterator[list[Any]]:
    for chunk in chunks(page):
        events = client_events_of(chunk)
        for row in details(feed, chunk, **_TIMES):
            study = feed.studies[row["study_id"]]
            yield [
                row["pk"] if study.visible.by_arm else None,
                row["who"],
                row["public_id"].hex,
                row["case_number"],
                *_times(study, events[row["pk"]], row),
                _created(study, row),
                *ours(study, row),
            ]


_TIMES = {"opened_at": F("opening__opened_at"), "submitted_at": F("submission__submitted_at")}
_OPENING = {
    **_TIMES,
    "snapshot": F("opening__snapshot_id"),
    "disclosure_set": F("opening__disclosure_set_id"),
    "recorded": F("opening__recorded_disclosure"),
    "redacted_at": F("opening__snapshot__redacted_at"),
    "version": F("opening__questionnaire_version__public_id"),
    "client_data": F("submission__client_data"),
    "status": F("assignment__enrolment__status"),
    "erased_at": F("assignment__enrolment__erased_at"),
    "check_value": F("submission__attention_answer__value"),
    "passed": F("submission__attention_answer__passed"),
}


def _written() -> Subquery:
    """The words of the CSV whose set the opening bound."""
    rows = AssignmentDisclosure.objects.filter(
        assignment=OuterRef("assignment"),
        stage_position=OuterRef("stage_position"),
        disclosure_set=OuterRef("opening__disclosure_set"),
        created_at__lte=OuterRef("opening__opened_at"),
    )
    return Subquery(rows.order_by("-pk").values("paths")[:1])


def _places(feed: Feed, rows: Sequence[dict[str, Any]]) -> dict[int, int]:
    """By review: its place among the participant's answers, over all that the feed may tell."""
    place = Window(
        RowNumber(),
        partition_by=F("assignment__enrolment"),
        order_by=[F("submission__submitted_at").asc(), F("pk").asc()],
    )
    own = feed.answered().filter(assignment__enrolment__in={row["enrolment_id"] for row in rows})
    return dict(own.order_by().annotate(place=place).values_list("pk", "place"))


def _answer(
    study: FeedStudy, row: dict[str, Any], given: dict[str, Any], events: Sequence[ClientEvent], shown: Shown
) -> list[Any]:
    by_arm = study.visible.by_arm
    known, withheld = row["redacted_at"] is None, _withheld(study, row)
    return [
        row["pk"] if by_arm else None,
        row["case_number"],
        row["who"],
        None if withheld else (_as_augmed_had_it(study, row) or given),
        shown.configuration if by_arm else None,
        ai_score_shown(shown, recorded=bool(row["recorded"]), client_data=row["client_data"]) if by_arm else None,
        row["version"].hex if study.visible.questionnaire_version else None,
        _created(study, row),
        row["person_id"] if known else None,
        row["visit_start_date"] if known else None,
        row["year_of_birth"] if known else None,
        row["gender_name"] if known else None,
        shown.advice_text if by_arm else None,
        *_times(study, events, row),
        row["place"],
        *ours(study, row),
        None if withheld or not row["check_value"] else row["passed"],
    ]


def _bound(feed: Feed, row: dict[str, Any]) -> tuple[int | None, int | None]:
    by_arm = feed.studies[row["study_id"]].visible.by_arm
    return (row["snapshot"], row["disclosure_set"]) if by_arm else (None, None)


def _shown(study: FeedStudy, row: dict[str, Any], shown: dict[tuple[int, int], Shown]) -> Shown:
    if not study.visible.by_arm:
        return Shown()
    if row["recorded"]:
        recorded = as_written(row["recorded"])
        return Shown(recorded, advice_recorded(recorded))
    found = shown[row["snapshot"], row["disclosure_set"]]
    written: Configuration | None = as_written(row["written"]) if row["written"] else found.configuration
    return Shown(written, found.advice)


def _as_augmed_had_it(study: FeedStudy, row: dict[str, Any]) -> dict[str, Any] | None:
    """The whole answer of a review that came from AugMed, where its questionnaire does not hold all of it."""
    if not row["recorded"] or not row["client_data"] or study.visible.hidden_questions:
        return None
    kept = json.loads(row["client_data"]).get("augmed", {}).get("answer")
    return dict(kept) if kept else None


def _withheld(study: FeedStudy, row: dict[str, Any]) -> bool:
    erased = study.policy == Policy.ERASE and row["status"] == Status.WITHDRAWN
    return erased or row["erased_at"] is not None


def _given(feed: Feed, rows: Sequence[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """By review: answers by the words of their questions (and their key, where two have the same words)."""
    hidden = {row["pk"]: feed.studies[row["study_id"]].visible.hidden_questions for row in rows}
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    answers = Answer.objects.filter(submission__in=list(hidden)).order_by("submission", "question__position")
    for review, key, title, value in answers.values_list("submission", "question_key", "question__text", "value"):
        if value and key not in hidden[review]:
            found[review][f"{title} ({key})" if title in found[review] else title] = json.loads(value)
    return found


def _times(study: FeedStudy, events: Sequence[ClientEvent], row: dict[str, Any]) -> list[Any]:
    found: Timing = timing(events, row["opened_at"], row["submitted_at"])
    moments = [told(study, moment) for moment in (found.case_opened, found.answer_opened, found.submitted)]
    return [*moments, found.to_answer_open, found.to_submit, found.total]


def _created(study: FeedStudy, row: dict[str, Any]) -> datetime | date | None:
    """In UTC, without saying so, as the contract has it."""
    created = told(study, row["submitted_at"])
    return created.replace(tzinfo=None) if isinstance(created, datetime) else created


def told(study: FeedStudy, moment: datetime | None) -> datetime | date | None:
    """As exactly as may be told: with the arms masked a pause would tell who had a second stage in between."""
    if moment is None:
        return None
    exact = moment.astimezone(UTC)
    return exact if study.visible.by_arm else exact.date()
