"""What the participant's client tells of the reading: batches, kept once, however often they are sent."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from augmed.foundation.canonical import canonical_json
from augmed.foundation.errors import Invalid
from experiments.actions.submissions import plain
from experiments.models import Enrolment, ReviewEvent
from experiments.reviewing.reading import asked_of, refuse_unless_opened, shown_in
from experiments.reviewing.review_state import ReviewState, not_enrolled, own_review

MOST_EVENTS = 500
LONGEST_DATA = 4_000
LARGEST_SEQUENCE = 2**31 - 1
WIDEST_OFFSET_MINUTES = 24 * 60
SERVER_KINDS = frozenset(
    {
        ReviewEvent.Kind.OPENED,
        ReviewEvent.Kind.SUBMITTED,
        ReviewEvent.Kind.SUBMIT_REPEATED,
        ReviewEvent.Kind.SUBMIT_REFUSED,
        ReviewEvent.Kind.FEATURE_REVEALED,
    }
)
CLIENT_KINDS = tuple(kind for kind in ReviewEvent.Kind.values if kind not in SERVER_KINDS)


@dataclass(frozen=True, slots=True)
class ClientEvent:
    """One event. `sequence` counts from 1 within a page session, so that gaps show; `feature` is the key of a feature
    or heading that the review discloses; `client_at` and the offset are what the client's clock says."""

    page_session: uuid.UUID
    sequence: int
    kind: str
    feature: str = ""
    question_key: str = ""
    client_at: datetime | None = None
    client_offset_minutes: int | None = None
    data: Any = None


_FIELDS = frozenset(field.name for field in fields(ClientEvent))


def record_events(*, public_id: uuid.UUID | str, events: Sequence[ClientEvent | Mapping[str, Any]], by: Any) -> int:
    """Store a batch of at most 500 events of one's own opened review; return how many were new.

    All or nothing: Invalid names each event that was not accepted by its index. What is there already (same page
    session and sequence) is left as it is. Also taken after the answer and while the study is paused or closed, as a
    client may have held them back; not from those who no longer take part."""
    return record_events_of(own_review(public_id=public_id, by=by), events=events, by=by)


def record_events_of(state: ReviewState, *, events: Sequence[ClientEvent | Mapping[str, Any]], by: Any) -> int:
    """The same for a review that was found already."""
    refuse_unless_opened(state)
    _refuse_unless_taking_part(state.enrolment_status, state.erased_at)
    batch = _read(state, events)
    if not batch:
        return 0
    rows = [_row(state, event, by) for event in batch]
    with transaction.atomic():
        # Locked, as `submit` does it: an erasure blanks what came before it, and nothing comes after it.
        enrolment = Enrolment.objects.select_for_update().filter(pk=state.enrolment_id)
        _refuse_unless_taking_part(*enrolment.order_by().values_list("status", "erased_at").get())
        known = _known(state, batch)
        ReviewEvent.objects.bulk_create(rows, ignore_conflicts=True)
    return len({(event.page_session, event.sequence) for event in batch} - known)


def _refuse_unless_taking_part(status: str, erased_at: datetime | None) -> None:
    if erased_at is not None:
        raise not_enrolled(Enrolment.Status.WITHDRAWN)
    if status not in (Enrolment.Status.ACTIVE, Enrolment.Status.COMPLETED):
        raise not_enrolled(status)


def _known(state: ReviewState, batch: Sequence[ClientEvent]) -> set[tuple[uuid.UUID, int]]:
    numbers: dict[uuid.UUID, list[int]] = defaultdict(list)
    for event in batch:
        numbers[event.page_session].append(event.sequence)
    wanted = Q()
    for session, sequences in numbers.items():
        wanted |= Q(page_session=session, sequence__in=sequences)
    found = ReviewEvent.objects.filter(wanted, review=state.pk).order_by()
    return set(found.values_list("page_session", "sequence"))  # type: ignore[arg-type]  # client events have both


def _row(state: ReviewState, event: ClientEvent, by: Any) -> ReviewEvent:
    return ReviewEvent(
        review_id=state.pk,
        page_session=event.page_session,
        sequence=event.sequence,
        kind=event.kind,
        feature=event.feature,
        question_key=event.question_key,
        client_at=event.client_at,
        client_offset_minutes=event.client_offset_minutes,
        data="" if event.data is None else canonical_json(plain(event.data)),
        by=by,
    )


def _read(state: ReviewState, events: Any) -> list[ClientEvent]:
    if not isinstance(events, list | tuple) or len(events) > MOST_EVENTS:
        message = f"A list of at most {MOST_EVENTS} events is needed."
        raise Invalid(message, errors={"events": [message]})
    errors: dict[str, list[str]] = {}
    batch = []
    for index, given in enumerate(events):
        event, wrong = _event(given)
        if event is not None:
            wrong = _problems(state, event)
            batch.append(event)
        for name, message in wrong.items():
            errors[f"events.{index}.{name}" if name else f"events.{index}"] = [message]
    if errors:
        raise Invalid("Some events were not accepted; none was stored.", errors=errors)
    return batch


def _event(given: Any) -> tuple[ClientEvent | None, dict[str, str]]:
    if isinstance(given, ClientEvent):
        return given, {}
    if not isinstance(given, Mapping):
        return None, {"": "An event is an object."}
    wrong = {str(name): "There is no such field." for name in given if name not in _FIELDS}
    wrong |= {name: "This is needed." for name in ("page_session", "sequence", "kind") if given.get(name) is None}
    return (None, wrong) if wrong else (ClientEvent(**given), {})


def _problems(state: ReviewState, event: ClientEvent) -> dict[str, str]:
    """What is wrong with an event, by field."""
    wrong = {}
    if not isinstance(event.page_session, uuid.UUID):
        wrong["page_session"] = "A UUID is needed."
    if not _is_whole(event.sequence, 1, LARGEST_SEQUENCE):
        wrong["sequence"] = f"A whole number from 1 to {LARGEST_SEQUENCE} is needed."
    if event.kind not in CLIENT_KINDS:
        wrong["kind"] = f"One of {', '.join(CLIENT_KINDS)} is needed."
    for name in ("feature", "question_key"):
        if not isinstance(getattr(event, name), str):
            return wrong | {name: "A text is needed."}
    if event.feature and event.feature not in shown_in(state).named:
        wrong["feature"] = "This review shows no such feature."
    if event.question_key and event.question_key not in _question_keys(state):
        wrong["question_key"] = "This review asks no such question."
    if event.client_at is not None and not _is_moment(event.client_at):
        wrong["client_at"] = "A date and time with its zone is needed."
    offset = event.client_offset_minutes
    if offset is not None and not _is_whole(offset, -WIDEST_OFFSET_MINUTES, WIDEST_OFFSET_MINUTES):
        wrong["client_offset_minutes"] = "Whole minutes, at most a day, are needed."
    if event.data is not None and (problem := _data_problem(event.data)):
        wrong["data"] = problem
    return wrong


def _data_problem(data: Any) -> str | None:
    try:
        size = len(canonical_json(plain(data)))
    except (TypeError, ValueError, RecursionError):
        return "This is not JSON."
    return None if size <= LONGEST_DATA else f"This is longer than {LONGEST_DATA} characters."


def _question_keys(state: ReviewState) -> set[str]:
    return {question.key for question in asked_of(state).definitions}


def _is_moment(value: Any) -> bool:
    """With its zone, and within the years that there are in UTC too: PostgreSQL stores a moment of the year 0, which
    no Python can read again."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        return False
    try:
        value.astimezone(UTC)
    except OverflowError:
        return False
    return True


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
