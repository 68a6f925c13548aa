"""Which of the client's and the server's times tell how long a reading took."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from experiments.exports.timing import KINDS, ClientEvent, Timing, timing

BEGIN = datetime(2026, 11, 20, 15, tzinfo=UTC)
OPENED, SUBMITTED = BEGIN - timedelta(hours=1), BEGIN + timedelta(hours=1)


def at(seconds: int) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def event(page: str, kind: str, seconds: int) -> ClientEvent:
    return ClientEvent(page, kind, at(seconds))


def test_the_load_from_which_answers_were_sent_tells_its_times():
    events = [
        event("first", "case_opened", 0),
        event("first", "answer_opened", 5),
        event("second", "case_opened", 100),
        event("second", "answer_opened", 130),
        event("second", "answer_submitted", 150),
    ]
    found = timing(events, OPENED, SUBMITTED)
    assert found == Timing(at(100), at(130), at(150))
    assert (found.to_answer_open, found.to_submit, found.total) == (30.0, 20.0, 50.0)


def test_without_client_times_the_servers_stand():
    found = timing([], OPENED, SUBMITTED)
    assert found == Timing(OPENED, None, SUBMITTED)
    assert (found.to_answer_open, found.to_submit, found.total) == (None, None, 7200.0)


def test_two_clocks_are_never_mixed():
    half = [event("first", "case_opened", 0), event("second", "answer_submitted", 9)]
    assert timing(half, OPENED, SUBMITTED) == Timing(OPENED, None, SUBMITTED)
    assert timing([event("first", "case_opened", 0)], OPENED, SUBMITTED) == Timing(OPENED, None, SUBMITTED)


events = st.lists(st.builds(event, st.sampled_from("ab"), st.sampled_from(KINDS), st.integers(-999, 999)), max_size=9)


@given(events)
def test_all_times_are_of_one_clock_and_one_load(listed):
    found = timing(listed, OPENED, SUBMITTED)
    if (found.case_opened, found.submitted) == (OPENED, SUBMITTED):
        assert found.answer_opened is None
        return
    times = {found.case_opened, found.submitted} | ({found.answer_opened} if found.answer_opened else set())
    assert any(times <= {e.at for e in listed if e.page_session == page} for page in "ab")
    assert found.total == (found.submitted - found.case_opened).total_seconds()
