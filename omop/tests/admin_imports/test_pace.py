"""How far a job is, in words and numbers."""

from datetime import UTC, datetime, timedelta

import pytest

from augmed.foundation.models import Job
from omop.admin.imports.progress import duration, pace_of
from omop.templatetags.omop_numbers import percent, thousands

START = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)


def job(**fields):
    plain = {"status": "running", "created_at": START, "started_at": START, "heartbeat_at": START}
    return Job(**{**plain, **fields})


def test_rows_rate_and_time_left():
    heard = START + timedelta(seconds=20)
    message = "Reading measurement.csv, 1,200,000 rows"
    running = job(progress_done=250, progress_total=1000, message=message, heartbeat_at=heard)
    pace = pace_of(running, heard)
    assert (pace.phase, pace.percent, pace.rows, pace.rate, pace.left) == (
        "Reading measurement.csv", 25, 1_200_000, 60_000, 60,
    )  # fmt: skip
    assert pace.numbers == "1,200,000 rows · 60,000 rows/s · about 1 minute left"
    assert pace_of(running, heard + timedelta(seconds=8)).numbers.endswith("less than a minute left")


def test_while_nothing_is_heard_the_estimate_makes_room_for_that():
    heard = START + timedelta(seconds=20)
    running = job(progress_done=250, progress_total=1000, message="Reading x.csv, 400 rows", heartbeat_at=heard)
    pace = pace_of(running, heard + timedelta(seconds=130))
    assert pace.numbers == "400 rows · 20 rows/s · in this step for 130 s"


def test_at_first_nothing_is_promised():
    pace = pace_of(job(progress_done=1, progress_total=1000, message="Reading x, 5 rows"), START + timedelta(seconds=1))
    assert pace.numbers == "5 rows"
    assert pace_of(job(), START).phase == "Starting"
    assert pace_of(job(), START).numbers == ""


def test_a_queue_that_stands_still_is_explained():
    waiting = job(status="queued", started_at=None)
    assert pace_of(waiting, START + timedelta(seconds=5)).phase == "Waiting to start"
    assert "free worker" in pace_of(waiting, START + timedelta(seconds=50)).phase
    assert pace_of(job(cancel_requested=True), START).phase == "Stopping…"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "less than a minute"), (59, "less than a minute"), (60, "about 1 minute"), (600, "about 10 minutes"),
     (7200, "about 2 hours")],
)  # fmt: skip
def test_durations(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0 %"), (100, "100 %"), (99.999, "over 99.99 %"), (66.67, "66.67 %"), (5.04, "5.04 %"), (1.5, "1.5 %"),
     (0.05, "0.05 %"), (0.00001, "under 0.01 %")],
)  # fmt: skip
def test_a_small_share_is_not_nothing_nor_a_large_one_all(share, words):
    assert percent(share) == words
    assert thousands(1234567) == "1,234,567"
