"""Keeps a job alive, and lets it be cancelled, while one of its statements takes minutes.

On PostgreSQL a second connection writes while the first loads. SQLite has one writer, so there the heart beats in a
file, and a cancel comes by one (`augmed.foundation.job_files`)."""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, connections
from django.utils import timezone

from augmed.foundation import job_files
from augmed.foundation.jobs import HEARTBEAT, LEASE, Cancelled
from augmed.foundation.models import Job

_AGAIN = 15  # heartbeats until a cancel that fell between two statements is sent once more
_AWAY = (DatabaseError, InterfaceError, psycopg.Error)
_STEPS = 100_000  # of SQLite's machine between two looks at the clock: about a millisecond
_LOOK = 0.5  # seconds between two looks for a cancel within a statement


@contextmanager
def watched(job: Job) -> Iterator[None]:
    """Inside the block a thread tells that the job lives; where a cancel is asked for, the statement that runs is
    ended: on PostgreSQL with an error of SQLSTATE 57014, on SQLite with SQLITE_INTERRUPT. What the handler's progress
    hears between statements it hears as ever; on SQLite each statement of a transaction hears it too, the last one
    before the commit among them."""
    if settings.JOB_RUNNER == "inline":
        yield
        return
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        with _beating(_beat, job), _interrupted(job, connection.connection):
            yield
    else:
        with _beating(_watch, job, connection.connection):
            yield


@contextmanager
def _beating(work: Callable[..., None], *arguments: Any) -> Iterator[None]:
    over = threading.Event()
    thread = threading.Thread(target=work, args=(*arguments, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _beat(job: Job, over: threading.Event) -> None:
    while not over.wait(HEARTBEAT.total_seconds()):
        with suppress(OSError):  # a full disk; whoever works says so
            job_files.beat(job.pk)


@contextmanager
def _interrupted(job: Job, working: sqlite3.Connection) -> Iterator[None]:
    next_look = 0.0

    def within() -> bool:
        nonlocal next_look
        if (now := time.monotonic()) < next_look:
            return False
        next_look = now + _LOOK
        return _must_stop(job)

    def before(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if connection.in_atomic_block and _must_stop(job):
            raise Cancelled
        return execute(sql, params, many, context)

    working.set_progress_handler(within, _STEPS)
    try:
        with connection.execute_wrapper(before):
            yield
    finally:
        with suppress(sqlite3.Error):  # closed in the meantime
            working.set_progress_handler(None, 0)


def _must_stop(job: Job) -> bool:
    """Nothing stops the statements by which a run that failed, or was cancelled already, is tidied up and remembered:
    they are made while its error is handled."""
    return sys.exc_info()[0] is None and job_files.is_asked_to_stop(job.pk)


def _watch(job: Job, working: Any, over: threading.Event) -> None:
    waiting = 0
    try:
        while not over.wait(HEARTBEAT.total_seconds()):
            try:
                cancel = _renew(job)
            except _AWAY:  # for now; whoever works on the other connection says so
                connections.close_all()
                continue
            waiting = max(0, waiting - 1)
            active = not working.closed and working.info.transaction_status == psycopg.pq.TransactionStatus.ACTIVE
            if cancel and active and not waiting:
                with suppress(*_AWAY):  # the request takes a connection of its own; without one it is sent again
                    working.cancel_safe()
                    waiting = _AGAIN
    finally:
        connections.close_all()


def _renew(job: Job) -> bool:
    """Whether a cancel was asked for."""
    now = timezone.now()
    mine = Job.objects.filter(pk=job.pk, lease_token=job.lease_token)
    mine.update(heartbeat_at=now, lease_until=now + LEASE)
    # Also of a job that was ended as dead, and has another token or none.
    return Job.objects.filter(pk=job.pk, cancel_requested=True).exists()
