"""Long work: create a Job, have it run somewhere, tell how far it is.

With a broker a Celery task runs it, without one a child process (`manage.py run_job ID`); the same code in both.
An app registers its handlers in AppConfig.ready(): `register("omop.import", handler)`. A handler takes the job and a
Progress, is idempotent, calls `progress.update(...)` now and then, and returns what is kept as `job.result`.
"""

import logging
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone

from augmed.foundation import audit, job_files
from augmed.foundation.errors import Conflict, DomainError
from augmed.foundation.models import Job

logger = logging.getLogger(__name__)
LEASE = timedelta(minutes=5)
HEARTBEAT = timedelta(seconds=2)
DEAD_AFTER = timedelta(seconds=60)  # without a heartbeat, of a job whose heart beats whatever it does
_PATIENCE = 500  # milliseconds that a cancel waits for SQLite's only writer


class Cancelled(Exception):
    """Somebody asked for the job to be cancelled."""


class Progress:
    """How a handler tells how far it is: writes at most every two seconds, renews the lease, notices a cancel.

    Inside a handler's own transaction nobody would see the update before the commit. On PostgreSQL it then goes
    through a second connection; SQLite has one writer, so there it goes through a file (`job_files`). A handler
    whose transaction only reads says so (`reads_only`), and then the second connection may write on SQLite too."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.reads_only = False
        self._last = timezone.now() - HEARTBEAT

    def update(self, done: int, total: int | None = None, message: str = "", *, force: bool = False) -> None:
        """Raises Cancelled where a cancel was asked for."""
        now = timezone.now()
        if not force and now - self._last < HEARTBEAT:
            return
        self._last = now
        if job_files.is_asked_to_stop(self.job.pk):
            raise Cancelled
        changes = {
            "progress_done": done,
            "progress_total": total,
            "message": message[:255],
            "heartbeat_at": now,
            "lease_until": now + LEASE,
        }
        if not self.reads_only and (not connection.in_atomic_block or settings.JOB_RUNNER == "inline"):
            cancelled = self._write(changes)
        elif connection.vendor == "postgresql" or self.reads_only:
            with ThreadPoolExecutor(max_workers=1) as pool:  # a thread has connections of its own
                cancelled = pool.submit(self._write_and_disconnect, changes).result()
        else:
            job_files.tell(self.job.pk, done, total, message[:255])
            return
        if cancelled:
            raise Cancelled

    def _write(self, changes: dict[str, Any]) -> bool:
        Job.objects.filter(pk=self.job.pk, lease_token=self.job.lease_token).update(**changes)
        return Job.objects.filter(pk=self.job.pk, cancel_requested=True).exists()

    def _write_and_disconnect(self, changes: dict[str, Any]) -> bool:
        try:
            return self._write(changes)
        finally:
            connections.close_all()


Handler = Callable[[Job, Progress], dict[str, Any]]
MayFetch = Callable[[Job, Any], bool]
NameFile = Callable[[Job], str]
_handlers: dict[str, Handler] = {}
_may_fetch: dict[str, MayFetch] = {}
_name_file: dict[str, NameFile] = {}
_beating: set[str] = set()


def register(
    kind: str,
    handler: Handler,
    *,
    may_fetch: MayFetch | None = None,
    name_file: NameFile | None = None,
    beats: bool = False,
) -> None:
    """`may_fetch` says whether a person who sees the job may have its file now; without it whoever sees it may.
    `name_file`: what its file is called where it is saved; without it as in the store. The heart of a job that `beats`
    does so in long statements too: without a beat for DEAD_AFTER its worker is dead."""
    _handlers[kind] = handler
    if beats:
        _beating.add(kind)
    if may_fetch is not None:
        _may_fetch[kind] = may_fetch
    if name_file is not None:
        _name_file[kind] = name_file


def may_fetch(job: Job, user: Any) -> bool:
    return job.kind not in _may_fetch or _may_fetch[job.kind](job, user)


def file_name(job: Job, stored: str) -> str:
    """What the job's file, `stored` under that name, is called for people."""
    return _name_file[job.kind](job) if job.kind in _name_file else stored


def create(*, kind: str, parameters: dict[str, Any], by: Any, experiment_id: int | None = None) -> Job:
    """Write the job down and start it once the caller's transaction commits."""
    if kind not in _handlers:
        raise ValueError(f"No handler is registered for jobs of kind {kind!r}.")
    with transaction.atomic():
        job = Job.objects.create(kind=kind, parameters=parameters, created_by=by, experiment_id=experiment_id)
        audit.record(action="job_created", by=by, target=job, data={"kind": kind}, experiment_id=experiment_id)
        transaction.on_commit(lambda: dispatch(job))
    return job


def dispatch(job: Job) -> None:
    """Hand the job to whatever runs long work here (setting JOB_RUNNER)."""
    if settings.JOB_RUNNER == "celery":
        from augmed.foundation.tasks import run_job

        run_job.delay(job_id=str(job.pk))
    elif settings.JOB_RUNNER == "process":
        subprocess.Popen(  # noqa: S603  the command is ours, its only argument a UUID
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "run_job", str(job.pk)],
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # outlives a restart of the web server
        )
    else:
        run(job_id=job.pk)


def run(*, job_id: uuid.UUID | str) -> Job:
    """Run a queued job, or one whose worker died; a job that is over or held by a live worker is left alone."""
    job = _take(job_id)
    if job is None:
        return Job.objects.get(pk=job_id)
    try:
        result = _handlers[job.kind](job, Progress(job))
    except Cancelled:
        _finish(job, Job.Status.CANCELLED)
    except DomainError as error:
        _finish(job, Job.Status.FAILED, error=error.detail, result={"errors": error.errors})
    except Exception as error:
        # The text of an unforeseen error may hold data, so the log and the job get its type and place only.
        logger.error("Job %s (%s) failed: %s", job.pk, job.kind, type(error).__name__)
        _finish(job, Job.Status.FAILED, error=f"Stopped by an unexpected {type(error).__name__}.")
        if settings.ENVIRONMENT == "test":
            raise
    else:
        _finish(job, Job.Status.SUCCEEDED, result=result)
    job.refresh_from_db()
    return job


def cancel(*, job: Job, by: Any) -> None:
    """Ask a job to stop: at once if it has not begun or its worker is dead, else at its next heartbeat.

    While SQLite's only writer is busy, a file asks the job, which writes down at its end who cancelled it.
    """
    asks_by_file = connection.vendor == "sqlite" and not Job.objects.get(pk=job.pk).is_over
    if asks_by_file:
        job_files.ask_to_stop(job.pk, by="" if by is None else str(by.pk))
    try:
        with _short_patience():
            _write_cancel(job, by)
    except OperationalError as error:
        if not (asks_by_file and _is_busy(error)):
            raise


def _write_cancel(job: Job, by: Any) -> None:
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job.pk)
        if job.is_over:
            job_files.forget(job.pk)
            raise Conflict(f"The job is already {job.status}.")
        again = job.cancel_requested
        job.cancel_requested = True
        queued, now = job.status == Job.Status.QUEUED, timezone.now()
        if queued:
            transaction.on_commit(lambda: job_files.forget(job.pk))  # a dead one finds it, should it be alive after all
        if queued or is_dead(heard(job), now):
            job.status, job.finished_at = Job.Status.CANCELLED, now
            job.lease_until = job.lease_token = None
        job.save(update_fields=["cancel_requested", "status", "finished_at", "lease_until", "lease_token"])
        if not again:
            audit.record(action="job_cancelled", by=by, target=job, experiment_id=job.experiment_id)


@contextmanager
def _short_patience() -> Iterator[None]:
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    driver: sqlite3.Connection = connection.connection
    usual = driver.execute("PRAGMA busy_timeout").fetchone()[0]
    driver.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA busy_timeout = {usual}")


def _is_busy(error: BaseException) -> bool:
    code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def heard(job: Job) -> Job:
    """The job (the same object, not to be saved) with what was said by files since it last came to the database."""
    if job.is_over:
        return job
    told, beat = job_files.told(job.pk), job_files.last_beat(job.pk)
    job.cancel_requested = job.cancel_requested or job_files.is_asked_to_stop(job.pk)
    if told and (job.heartbeat_at is None or told.at > job.heartbeat_at):
        job.progress_done, job.progress_total, job.message = told.done, told.total, told.message
    times = [job.heartbeat_at, told.at if told else None, beat]
    job.heartbeat_at = max((time for time in times if time), default=None)
    return job


def is_dead(job: Job, now: datetime) -> bool:
    """Whether the worker of a running job (as `heard`) is gone: its heart has stopped or, of a kind of jobs whose heart
    does not beat in long statements, its lease has run out."""
    if job.status != Job.Status.RUNNING:
        return False
    if job.kind in _beating and job.heartbeat_at is not None:
        return now - job.heartbeat_at > DEAD_AFTER
    return job.lease_until is None or job.lease_until < now


def _take(job_id: uuid.UUID | str) -> Job | None:
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job_id)
        now = timezone.now()
        abandoned = job.status == Job.Status.RUNNING and (job.lease_until is None or job.lease_until < now)
        if job.status != Job.Status.QUEUED and not abandoned:
            return None
        job.status = Job.Status.RUNNING
        job.started_at = now
        job.heartbeat_at, job.lease_until = now, now + LEASE
        job.lease_token = uuid.uuid4()
        job.save(update_fields=["status", "started_at", "heartbeat_at", "lease_until", "lease_token"])
    return job


def _finish(job: Job, status: str, *, error: str = "", result: dict[str, Any] | None = None) -> None:
    # Only the holder of the lease may close the job: one that was taken over must not overwrite its successor.
    changes: dict[str, Any] = {
        "status": status,
        "error": error,
        "finished_at": timezone.now(),
        "lease_until": None,
    }
    if result is not None:
        changes["result"] = result
    mine = Job.objects.filter(pk=job.pk, lease_token=job.lease_token)
    with transaction.atomic():
        who = job_files.who_asked(job.pk)
        if who is not None and mine.filter(cancel_requested=False).update(cancel_requested=True):
            by = get_user_model().objects.filter(pk=who).first() if who else None
            audit.record(action="job_cancelled", by=by, target=job, experiment_id=job.experiment_id)
        mine.update(**changes)
    job_files.forget(job.pk)
