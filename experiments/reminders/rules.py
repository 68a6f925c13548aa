"""When a reminder may go out and who is due one. Pure: no clock, no database.

Quiet hours and weekends are those of the rule's own zone. A window that ends before it begins goes over midnight; one
that ends where it begins is none. Both ends are wall-clock times: on the night when clocks change, they move along."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

SATURDAY = 5
_DAYS = 9  # a weekend, and nights at both ends of it


@dataclass(frozen=True, slots=True)
class Rule:
    """`after`: without any activity; `every`: between two reminders; `most`: to one participant."""

    after: timedelta
    every: timedelta
    most: int
    quiet_from: time
    quiet_until: time
    on_weekends: bool
    zone: ZoneInfo


def is_quiet(rule: Rule, now: datetime) -> bool:
    """Must no reminder go out at this moment?"""
    there = now.astimezone(rule.zone)
    if not rule.on_weekends and there.weekday() >= SATURDAY:
        return True
    return _is_within(there.time(), rule.quiet_from, rule.quiet_until)


def next_moment(rule: Rule, now: datetime) -> datetime:
    """The first moment from `now` on that is not quiet: now, the end of a night, or the end of a weekend."""
    if not is_quiet(rule, now):
        return now
    today = now.astimezone(rule.zone).date()
    ends = (
        datetime.combine(today + timedelta(days=day), moment, rule.zone).astimezone(UTC)
        for day in range(_DAYS)
        for moment in sorted({time(0), rule.quiet_until})
    )
    return next(end for end in ends if end >= now and not is_quiet(rule, end))


def is_due(rule: Rule, *, last_activity: datetime, sent: int, last_sent: datetime | None, now: datetime) -> bool:
    """Has this person been away for long enough, and was not reminded too often or too lately?"""
    if sent >= rule.most or now - last_activity < rule.after:
        return False
    return last_sent is None or now - last_sent >= rule.every


def _is_within(moment: time, begin: time, end: time) -> bool:
    if begin == end:
        return False
    return begin <= moment < end if begin < end else moment >= begin or moment < end
