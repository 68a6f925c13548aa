"""AugMed's analytics: three moments of a browser's clock for each answered task, here events of its review."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from augmed.published.models import CameOver
from augmed.published.moving.cells import CellError, moment
from augmed.published.moving.move import BATCH, Kind, Move, address
from augmed.published.moving.staging import Row
from augmed.published.reading.sent import Times
from experiments.models import Experiment, Review, ReviewEvent

_TABLE = "analytics"
_COLUMNS = ("case_open_time", "answer_open_time", "answer_submit_time")


def move_times(move: Move, study: Experiment) -> None:
    """The durations are not kept beside them: they are these times' differences."""
    counts = move.report.of(_TABLE)
    counts.read += move.staging.count(_TABLE)
    with transaction.atomic():
        came = sum(_chunk(move, rows) for rows in move.staging.chunks("SELECT * FROM analytics ORDER BY row_number"))
        counts.came_over += came
        if came:
            move.audit(Kind.ANALYTICS, {"reviews": came}, study.pk)


def _chunk(move: Move, rows: Sequence[Row]) -> int:
    known = move.known(Kind.ANALYTICS, [row["id"] for row in rows])
    move.report.of(_TABLE).was_there += len(known)
    new = [row for row in rows if row["id"] not in known]
    reviews = _reviews(move, new)
    events: list[ReviewEvent] = []
    records: list[CameOver] = []
    for row in new:
        review = reviews.get((row["case_config_id"], address(row["user_email"])))
        try:
            if review is None:
                raise CellError("no answer to its task came over")
            events += _events(review, row)
        except CellError as error:
            move.report.could_not(_TABLE, row["id"], row["row_number"], str(error))
        else:
            records.append(move.record(Kind.ANALYTICS, row["id"], review))
    ReviewEvent.objects.bulk_create(events, BATCH, ignore_conflicts=True)
    move.store(records)
    return len(records)


def _reviews(move: Move, rows: Sequence[Row]) -> dict[tuple[str, str], Review]:
    """By task and address: the reviews that were answered in AugMed. Two statements."""
    tasks = move.known(Kind.DISPLAY_CONFIG, {row["case_config_id"] or "" for row in rows})
    label = Review._meta.label_lower
    answered = CameOver.objects.filter(kind=Kind.ANSWER, target_type=label, target_pk=OuterRef("pk"))
    found = Review.objects.filter(Exists(answered), pk__in=[pk for pk in tasks.values() if pk is not None])
    related = found.filter(assignment__enrolment__erased_at=None).select_related("assignment__enrolment__user")
    by_pk = {review.pk: review for review in related}
    return {
        (task, by_pk[pk].assignment.enrolment.user.email): by_pk[pk]
        for task, pk in tasks.items()
        if pk is not None and pk in by_pk
    }


def _events(review: Review, row: Row) -> list[ReviewEvent]:
    """The three that the client's own route would store, so that times sent again after the move add nothing."""
    moments = tuple(moment(column, row[column]) for column in _COLUMNS)
    received = _received(row) or moments[-1]
    return [
        ReviewEvent(
            review=review,
            page_session=event.page_session,
            sequence=event.sequence,
            kind=event.kind,
            client_at=event.client_at,
            server_at=received,
            by_id=review.assignment.enrolment.user_id,
        )
        for event in Times(row["case_config_id"], moments).events(review.public_id)
    ]


def _received(row: Row) -> datetime | None:
    try:
        return moment("created_timestamp", row["created_timestamp"])
    except CellError:
        return None
