"""Keeps a job alive, and lets it be cancelled, while one of its statements takes minutes. PostgreSQL only: there a
second connection may write while the first loads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, connections
from django.utils import timezone

from augmed.foundation.jobs import HEARTBEAT, LEASE
from augmed.foundation.models import Job

_AGAIN = 15  # heartbeats until a cancel that fell between two statements is sent once more
_AWAY = (DatabaseError, InterfaceError, psycopg.Error)


@contextmanager
def watched(job: Job) -> Iterator[None]:
    """Inside the block a thread renews the job's lease; where a cancel is asked for, the statement that runs is ended
    with an error of SQLSTATE 57014. What the handler's progress hears between statements it hears as ever."""
    if connection.vendor != "postgresql" or settings.JOB_RUNNER == "inline":
        yield
        return
    connection.ensure_connection()
    over = threading.Event()
    thread = threading.Thread(target=_watch, args=(job, connection.connection, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


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
    return mine.filter(cancel_requested=True).exists()
