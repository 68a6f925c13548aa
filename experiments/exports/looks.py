"""The tables of process tracing: what was looked at, when answers were changed, and how long pages were read.

They are for who may see outcomes by arm: how long and in what order one reads tells what one was shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any

from experiments.exports.cells import Column
from experiments.exports.reviews import exported_reviews
from experiments.exports.scope import Person
from experiments.exports.study import Study
from experiments.exports.tables import Table, at, instant, table
from experiments.exports.timing import seconds
from experiments.exports.tracing import Event, Traced, traced
from experiments.models import ReviewEvent

_REVIEW = (
    Column("review", "text", "Id of the review, as in file reviews."),
    Column("pseudonym", "text", "Of the participant."),
)
_ACTIVE = "Time counts while the page was to be seen and its reader had done something within the last 30 seconds."


def tracing_tables(study: Study) -> list[Table]:
    """None for who may not see outcomes by arm."""
    if not study.visible.by_arm:
        return []
    return [
        _table(study, "looks", "One row per review and feature that was looked at or asked for.", _LOOKS, _look_rows),
        _table(study, "changes", "One row per review and question whose answer was changed.", _CHANGES, _change_rows),
        _table(study, "pages", "One row per load of the page of an exported review.", _PAGES, _page_rows),
    ]


_LOOKS = (
    *_REVIEW,
    Column("feature", "text", "Its key; see the codebook."),
    Column("shown", "boolean", "Whether half of it was in view for a quarter of a second or more."),
    Column("opened", "integer", "How often its folded part was opened."),
    Column("visible_seconds", "number", f"How long it was in view. {_ACTIVE}", unit="s"),
    Column("visits", "integer", "How often it came into view, for a quarter of a second or more."),
    Column("order", "integer", "1: looked at first."),
    Column("first_look_seconds", "number", f"How long the case was read before. {_ACTIVE}", unit="s"),
    Column("revealed_seconds", "number", "Server time from the first opening until it was asked for.", unit="s"),
    Column("cost", "number", "Of asking for it; empty: none, or not asked for."),
    Column("cost_unit", "text", "Of the cost."),
)
_CHANGES = (
    *_REVIEW,
    Column("question_key", "text", "The question."),
    Column("changes", "integer", "How often its answer was changed; while one types, at most every 5 seconds."),
    Column("first_change_seconds", "number", f"How long the case was read before the first. {_ACTIVE}", unit="s"),
    Column("last_change_seconds", "number", f"How long the case was read before the last. {_ACTIVE}", unit="s"),
)
_PAGES = (
    *_REVIEW,
    Column("page_session", "text", "As in file events."),
    Column("active_seconds", "number", f"How long the page was read. {_ACTIVE}", unit="s"),
    Column("idle", "integer", "How often nothing was done for 30 seconds."),
    Column("left", "integer", "How often another window or tab came to the front."),
    Column("events", "integer", "How many the server has."),
    Column("lost_events", "integer", "How many it has not, before the last that it has."),
)
_Rows = Callable[[Traced, Any], Iterator[list[Any]]]


def _table(study: Study, name: str, about: str, columns: tuple[Column, ...], rows: _Rows) -> Table:
    return table(name, about, columns, partial(_read, study, rows))


def _look_rows(found: Traced, opened: Any) -> Iterator[list[Any]]:
    for look in found.looks:
        asked = seconds(opened, look.revealed_at)
        first = None if look.first_ms is None else look.first_ms / 1000
        values = [look.feature, look.shown, look.opened, look.visible_ms / 1000, look.visits, look.order, first]
        yield [*values, asked, look.cost, look.unit]


def _change_rows(found: Traced, _opened: Any) -> Iterator[list[Any]]:
    for change in found.changes:
        yield [change.question_key, change.changes, change.first_ms / 1000, change.last_ms / 1000]


def _page_rows(found: Traced, _opened: Any) -> Iterator[list[Any]]:
    for page in found.pages:
        name = getattr(page.page_session, "hex", None)
        yield [name, page.active_ms / 1000, page.idle, page.left, page.events, page.lost]


_TIMES = {"at_server": at("server_at"), "opened": at("review__opening__opened_at")}
_READ = (
    *("review_id", "review__public_id", "review__assignment__enrolment_id", "opened"),
    *("at_server", "kind", "page_session", "sequence", "feature", "question_key", "data"),
)


def _read(study: Study, rows: _Rows) -> Iterator[list[Any]]:
    """Review by review, so that only the events of one are in memory. One query."""
    reviews = exported_reviews(study).order_by().values("pk")
    events = ReviewEvent.objects.filter(review__in=reviews).order_by("review_id", "pk")
    read = events.annotate(**_TIMES).values_list(*_READ).iterator(chunk_size=2000)
    for _review, group in groupby(read, key=itemgetter(0)):
        told = list(group)
        _pk, public_id, enrolment, opened, *_rest = told[0]
        person = study.scope.people[enrolment]
        if person.withheld:
            continue  # what the pages counted is erased with the answers
        found = traced(event for row in told if (event := _event(row, person)) is not None)
        yield from ([public_id.hex, person.pseudonym, *values] for values in rows(found, instant(opened)))


def _event(row: Any, person: Person) -> Event | None:
    server, kind, page, sequence, feature, question, data = row[4:]
    when = instant(server)
    assert when is not None
    if person.until is not None and when > person.until:
        return None
    said = json.loads(data) if data else {}
    return Event(kind, page, sequence, feature, question, when, said if isinstance(said, dict) else {})
