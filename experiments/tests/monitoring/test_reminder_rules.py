"""Quiet hours, weekends, and who is due: the pure rules."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.reminders.rules import Rule, is_due, is_quiet, next_moment

BERLIN = ZoneInfo("Europe/Berlin")


def rule(begin="18:00", end="08:00", *, weekends=False, zone=BERLIN, after=7, every=7, most=3):
    days = timedelta
    return Rule(days(after), days(every), most, time.fromisoformat(begin), time.fromisoformat(end), weekends, zone)


def there(text):
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("at", "quiet"),
    [
        ("2026-03-03T07:59", True),
        ("2026-03-03T08:00", False),
        ("2026-03-03T17:59", False),
        ("2026-03-03T18:00", True),
        ("2026-03-03T00:00", True),
        ("2026-03-07T12:00", True),  # a Saturday
        ("2026-03-08T12:00", True),
        ("2026-03-09T08:00", False),
    ],
)
def test_nights_and_weekends_are_quiet(at, quiet):
    assert is_quiet(rule(), there(at)) is quiet


def test_a_window_within_a_day_and_none_at_all():
    noon = rule("12:00", "14:00", weekends=True)
    assert is_quiet(noon, there("2026-03-07T13:00"))
    assert not is_quiet(noon, there("2026-03-07T23:00"))
    assert not is_quiet(rule("08:00", "08:00", weekends=True), there("2026-03-07T08:00"))


def test_hours_are_those_of_the_zone():
    at = datetime(2026, 3, 3, 7, 30, tzinfo=UTC)  # 8.30 in Berlin
    assert not is_quiet(rule(), at)
    assert is_quiet(rule(zone=ZoneInfo("UTC")), at)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-03-03T09:00", "2026-03-03T09:00"),
        ("2026-03-03T19:00", "2026-03-04T08:00"),
        ("2026-03-03T03:00", "2026-03-03T08:00"),
        ("2026-03-06T18:30", "2026-03-09T08:00"),  # over the weekend
        ("2026-03-28T12:00", "2026-03-30T08:00"),  # clocks change on the 29th
    ],
)
def test_when_it_ends(now, then):
    assert next_moment(rule(), there(now)) == there(then)


CLOCK = st.times().map(lambda at: at.replace(second=0, microsecond=0))
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  bounds


@given(CLOCK, CLOCK, st.booleans(), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]), MOMENTS)
def test_the_next_moment_is_never_quiet_and_never_past(begin, end, weekends, zone, now):
    made = Rule(timedelta(7), timedelta(7), 3, begin, end, weekends, ZoneInfo(zone))
    moment = next_moment(made, now)
    assert moment >= now
    assert not is_quiet(made, moment)
    assert (moment == now) is (not is_quiet(made, now)) or moment > now


NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("away", "sent", "since_last", "due"),
    [
        (6.9, 0, None, False),
        (7, 0, None, True),
        (20, 1, 6.9, False),
        (20, 1, 7, True),
        (90, 3, 30, False),  # often enough
    ],
)
def test_who_is_due(away, sent, since_last, due):
    last = None if since_last is None else NOW - timedelta(since_last)
    assert is_due(rule(), last_activity=NOW - timedelta(away), sent=sent, last_sent=last, now=NOW) is due
