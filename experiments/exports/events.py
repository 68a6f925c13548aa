"""The table of events: what participants did while they read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from experiments.exports.cells import Column
from experiments.exports.reviews import exported_reviews
from experiments.exports.study import Study
from experiments.exports.tables import Table, at, instant, moment, table
from experiments.exports.timing import seconds
from experiments.models import ReviewEvent


def events_table(study: Study) -> Table:
    by_arm = study.visible.by_arm
    kinds = tuple(ReviewEvent.Kind.values)
    listed = [
        Column("review", "text", "Id of the review, as in file reviews."),
        Column("pseudonym", "text", "Of the participant."),
        Column("page_session", "text", "One load of the page; empty: the server's own event."),
        Column("sequence", "integer", "Number within the page session, from 1; a gap is a lost event.")
        if by_arm
        else None,
        Column("kind", "text", "What happened.", allowed=kinds),
        Column("feature", "text", "The feature or heading it happened to; see the codebook."),
        Column("question_key", "text", "The question it happened to."),
        Column("seconds_after_opening", "number", "Server time since the first opening.", unit="s"),
        Column("server_at", "datetime", "When the server learned of it, UTC.") if by_arm else None,
        Column("client_at", "datetime", "As the client's clock says; never decides anything.") if by_arm else None,
        Column("client_offset_minutes", "integer", "The client's offset from UTC.", unit="min") if by_arm else None,
        Column("data", "json", "What else was recorded.") if by_arm else None,
    ]
    columns = [column for column in listed if column is not None]
    about = "One row per event of an exported review, in the order in which the server learned of it."
    return table("events", about, columns, lambda: _rows(study))


_TIMES = {"at_server": at("server_at"), "at_client": at("client_at"), "opened": at("review__opening__opened_at")}
_READ = (
    *("review__public_id", "review__assignment__enrolment_id", "page_session", "sequence", "kind", "feature"),
    *("question_key", "client_offset_minutes", "data", *_TIMES),
)


def _rows(study: Study) -> Iterator[list[Any]]:
    reviews = exported_reviews(study).order_by().values("pk")
    events = ReviewEvent.objects.filter(review__in=reviews).order_by("pk")
    read = events.annotate(**_TIMES).values_list(*_READ)
    by_arm = study.visible.by_arm
    features = None if by_arm else {feature.key for feature in study.features}
    for row in read.iterator(chunk_size=2000):
        public_id, enrolment, page, sequence, kind, feature, question, offset, data, *times = row
        server, client, opened = map(instant, times)
        person = study.scope.people[enrolment]
        assert server is not None
        if person.until is not None and server > person.until:
            continue
        if question in study.visible.hidden_questions or (feature and features is not None and feature not in features):
            continue  # that it happened at all would tell the arm
        if feature and not study.visible.feature_events:
            continue  # so would how often
        values: list[Any] = [public_id.hex, person.pseudonym, page.hex if page else None]
        if by_arm:
            values.append(sequence)
        values += (kind, feature or None, question or None, seconds(opened, server))
        if by_arm:
            withheld = person.withheld or not data
            values += (moment(server), moment(client), offset, None if withheld else data)
        yield values
