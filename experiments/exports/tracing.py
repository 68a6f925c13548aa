"""What a reader looked at in one review, worked out of the events that the case page told. Pure.

Times are of activity: what a page counted while it was to be seen and its reader did something now and then. They are
counted by the page itself, so that neither a wrong clock nor a computer that slept can stretch them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

LOOKS = frozenset({"feature_shown", "feature_opened", "feature_visible"})
REVEALED = "feature_revealed"


@dataclass(frozen=True, slots=True)
class Event:
    """`page_session` and `sequence` are None for the server's own. `data`: what the page counted."""

    kind: str
    page_session: Hashable = None
    sequence: int | None = None
    feature: str = ""
    question_key: str = ""
    server_at: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """What the page says, if it is a number at all: clients may send anything."""
        found = self.data.get(name)
        return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else 0


@dataclass(frozen=True, slots=True)
class PageSession:
    """One load of the page. `lost`: how many numbers are missing before the last one that came."""

    page_session: Hashable
    active_ms: int
    events: int
    lost: int
    idle: int
    left: int


@dataclass(frozen=True, slots=True)
class Look:
    """`order`: 1 for the feature that was looked at first; None: only asked for. `first_ms`: activity before that."""

    feature: str
    shown: bool
    opened: int
    visible_ms: int
    visits: int
    order: int | None
    first_ms: int | None
    revealed_at: datetime | None
    cost: str | None
    unit: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """Of the answer to a question; activity before the first and the last change."""

    question_key: str
    changes: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class Traced:
    pages: tuple[PageSession, ...]
    looks: tuple[Look, ...]
    changes: tuple[Change, ...]

    @property
    def active_ms(self) -> int:
        return sum(page.active_ms for page in self.pages)


def traced(events: Iterable[Event]) -> Traced:
    """Of all events of one review, page by page in the order in which the server first heard of each; within a page
    their numbers count, so that a batch that came late changes nothing."""
    listed = list(events)
    by_page: dict[Hashable, dict[int, Event]] = {}
    for event in listed:
        if event.page_session is not None and event.sequence is not None:
            by_page.setdefault(event.page_session, {}).setdefault(event.sequence, event)
    pages, in_order, before = [], [], 0
    for name, numbered in by_page.items():
        told = [numbered[number] for number in sorted(numbered)]
        page = _page(name, told)
        pages.append(page)
        in_order += [(before + event.number("active"), event) for event in told]
        before += page.active_ms
    revealed = {event.feature: event for event in reversed(listed) if event.kind == REVEALED}
    return Traced(tuple(pages), _looks(in_order, revealed), _changes(in_order))


def _page(name: Hashable, told: Sequence[Event]) -> PageSession:
    return PageSession(
        page_session=name,
        active_ms=max(event.number("active") for event in told),
        events=len(told),
        lost=max(event.sequence or 0 for event in told) - len(told),
        idle=sum(event.kind == "idle" for event in told),
        left=sum(event.kind == "blur" for event in told),
    )


def _looks(in_order: Sequence[tuple[int, Event]], revealed: Mapping[str, Event]) -> tuple[Look, ...]:
    found: dict[str, list[tuple[int, Event]]] = defaultdict(list)
    for active, event in in_order:
        if event.kind in LOOKS and event.feature:
            found[event.feature].append((active, event))
    looks = [
        _look(feature, told, order, revealed.get(feature))
        for order, (feature, told) in enumerate(found.items(), start=1)
    ]
    return tuple(looks + [_look(feature, (), None, revealed[feature]) for feature in sorted(revealed.keys() - found)])


def _look(feature: str, told: Sequence[tuple[int, Event]], order: int | None, revealed: Event | None) -> Look:
    visible = [event for _, event in told if event.kind == "feature_visible"]
    return Look(
        feature=feature,
        shown=any(event.kind != "feature_opened" for _, event in told),
        opened=sum(event.kind == "feature_opened" for _, event in told),
        visible_ms=sum(event.number("ms") for event in visible),
        visits=len({(event.page_session, event.number("visit")) for event in visible}),
        order=order,
        first_ms=told[0][0] if told else None,
        revealed_at=revealed.server_at if revealed else None,
        cost=_text(revealed, "cost"),
        unit=_text(revealed, "unit"),
    )


def _text(revealed: Event | None, name: str) -> str | None:
    found = revealed.data.get(name) if revealed else None
    return found if isinstance(found, str) and found else None


def _changes(in_order: Sequence[tuple[int, Event]]) -> tuple[Change, ...]:
    found: dict[str, list[int]] = defaultdict(list)
    for active, event in in_order:
        if event.kind == "question_changed" and event.question_key:
            found[event.question_key].append(active)
    return tuple(Change(key, len(times), times[0], times[-1]) for key, times in found.items())
