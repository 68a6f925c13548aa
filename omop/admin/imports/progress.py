"""How far a job is, in the words of its page: phase, rows, rows per second, time left."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from augmed.foundation import jobs
from augmed.foundation.models import Job
from omop.imports.progress import READING

_ROWS = re.compile(r"^(?P<phase>.*), (?P<rows>[\d,]+) rows$")
_WARM_UP = 3  # seconds before a rate means something
_LONG_SILENCE = 10  # seconds without a heartbeat, of which one comes every two
_WAITS_LONG = 20  # seconds in the queue after which people ask themselves whether anything runs


@dataclass(frozen=True, slots=True)
class Pace:
    """`rate` is in rows per second since the start, `left` in seconds; None where they are not known yet, and after the
    reading: tables take very different times to check and load. `silent` are the seconds since the last heartbeat."""

    phase: str
    percent: int | None
    rows: int | None
    rate: int | None
    left: int | None
    silent: int = 0
    dead: bool = False

    @property
    def numbers(self) -> str:
        """The numbers in one line."""
        if self.silent > _LONG_SILENCE:
            silence = f"The worker has not answered for {self.silent} s"
            return f"{silence}. Cancel ends the job." if self.dead else silence
        parts = []
        if self.rows is not None:
            parts.append(f"{self.rows:,} rows")
        if self.rate is not None:
            parts.append(f"{self.rate:,} rows/s")
        if self.left is not None:
            parts.append(duration(self.left) + " left")
        return " · ".join(parts)


def pace_of(job: Job, now: datetime) -> Pace:
    """From what the job last said of itself."""
    found = _ROWS.match(job.message)
    phase = found["phase"] if found else job.message
    rows = int(found["rows"].replace(",", "")) if found else None
    heard = job.heartbeat_at or now
    seconds = (heard - job.started_at).total_seconds() if job.started_at else 0.0
    silent = (now - heard).total_seconds() if job.status == Job.Status.RUNNING else 0.0
    rate = left = None
    if seconds >= _WARM_UP and phase.startswith(READING):
        rate = round(rows / seconds) if rows else None
        if job.progress_total and 0 < job.progress_done < job.progress_total:
            whole = seconds * job.progress_total / job.progress_done
            left = max(0, round(whole - seconds - silent))
    return Pace(_phase(job, phase, now), job.percent, rows, rate, left, round(silent), jobs.is_dead(job, now))


def _phase(job: Job, phase: str, now: datetime) -> str:
    if job.cancel_requested:
        return "Stopping…"
    if job.status != Job.Status.QUEUED:
        return phase or "Starting"
    if (now - job.created_at).total_seconds() < _WAITS_LONG:
        return "Waiting to start"
    return "Still waiting for a free worker. You may leave this page; it starts by itself."


def duration(seconds: int) -> str:
    """In the coarseness in which an estimate is worth reading."""
    if seconds < 60:
        return "less than a minute"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {minutes} minute{'' if minutes == 1 else 's'}"
    return f"about {round(minutes / 60)} hours"
