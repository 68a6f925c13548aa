"""When a review was opened, its answer form opened, and its answers sent. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime

CASE_OPENED, ANSWER_OPENED, ANSWER_SUBMITTED = "case_opened", "answer_opened", "answer_submitted"
KINDS = (CASE_OPENED, ANSWER_OPENED, ANSWER_SUBMITTED)


@dataclass(frozen=True, slots=True)
class ClientEvent:
    """What a client said of itself: which load of the page, what, and when by its own clock."""

    page_session: Hashable
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Timing:
    case_opened: datetime | None
    answer_opened: datetime | None
    submitted: datetime | None

    @property
    def to_answer_open(self) -> float | None:
        return seconds(self.case_opened, self.answer_opened)

    @property
    def to_submit(self) -> float | None:
        return seconds(self.answer_opened, self.submitted)

    @property
    def total(self) -> float | None:
        return seconds(self.case_opened, self.submitted)


def seconds(begin: datetime | None, end: datetime | None) -> float | None:
    return None if begin is None or end is None else round((end - begin).total_seconds(), 3)


def timing(events: Sequence[ClientEvent], opened: datetime | None, submitted: datetime | None) -> Timing:
    """The client's times of the load of the page from which answers were sent last, `events` being in the order in
    which they came. Where that load does not say both when it began and when it ended, the server's own times stand,
    and nobody knows when the form was opened: the two clocks are never mixed, as their difference is no duration."""
    sent = next((event for event in reversed(events) if event.kind == ANSWER_SUBMITTED), None)
    if sent is None:
        return Timing(opened, None, submitted)
    first: dict[str, datetime] = {}
    for event in events:
        if event.page_session == sent.page_session:
            first.setdefault(event.kind, event.at)
    if CASE_OPENED not in first:
        return Timing(opened, None, submitted)
    return Timing(first[CASE_OPENED], first.get(ANSWER_OPENED), sent.at)
