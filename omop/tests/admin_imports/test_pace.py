"""How far a job is, in words and numbers."""

from datetime import UTC, datetime, timedelta

import pytest

from augmed.foundation.jobs import LEASE
from augmed.foundation.models import Job
from omop.actions import IMPORT_JOB
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


def test_after_the_reading_there_are_neither_a_rate_nor_a_time_left():
    heard = START + timedelta(seconds=200)
    message = "Checking measurement, 3 of 12, 1,200,000 rows"
    pace = pace_of(job(progress_done=700, progress_total=1000, message=message, heartbeat_at=heard), heard)
    assert (pace.phase, pace.percent) == ("Checking measurement, 3 of 12", 70)
    assert pace.numbers == "1,200,000 rows"


def test_a_worker_that_is_not_heard_of_is_said_to_be_silent_and_then_to_be_gone():
    heard = START + timedelta(seconds=20)
    fields = {"progress_done": 250, "progress_total": 1000, "message": "Reading x.csv, 400 rows"}
    running = job(kind=IMPORT_JOB, heartbeat_at=heard, lease_until=heard + LEASE, **fields)
    pace = pace_of(running, heard + timedelta(seconds=30))
    assert (pace.numbers, pace.dead) == ("The worker has not answered for 30 s", False)
    pace = pace_of(running, heard + timedelta(seconds=61))
    assert (pace.numbers, pace.dead) == ("The worker has not answered for 61 s. Cancel ends the job.", True)


def test_of_a_job_whose_heart_does_not_beat_in_long_statements_the_lease_counts():
    running = job(kind="another", lease_until=START + LEASE)
    assert not pace_of(running, START + timedelta(seconds=299)).dead
    assert pace_of(running, START + timedelta(seconds=301)).dead


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
