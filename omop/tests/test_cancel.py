"""A cancel is heard wherever the job is; on SQLite also where the job that loads keeps all other writers out."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from augmed.foundation import job_files, jobs
from augmed.foundation.models import AuditEvent, Job
from omop import actions, uploads
from omop.imports import runs
from omop.imports.failures import explain, was_cancelled
from omop.imports.loading.modes import TableLoader
from omop.imports.options import ImportOptions
from omop.job_watch import watched
from omop.models import ImportRun, Person
from omop.sources import ImportSource
from omop.tests.admin_imports.conftest import finished, page_of, sent, signed_in

__all__ = ["finished", "signed_in"]
pytestmark = pytest.mark.django_db(transaction=True)
ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
TOO_LATE = "The cancel came too late: all rows were loaded."


@pytest.fixture
def waiting(monkeypatch, settings, data_staff, write_table):
    """An import that is confirmed and waits for a worker, which runs it as in production."""
    monkeypatch.setattr(jobs, "dispatch", lambda job: None)
    settings.JOB_RUNNER = "process"
    source = ImportSource("upload", uploads.store([sent(write_table("person"))]))
    check = actions.start_import(source=source, options=ImportOptions(), by=data_staff)
    assert jobs.run(job_id=check.pk).result["status"] == "checked"
    return actions.confirm_import(job=Job.objects.get(pk=check.pk), by=data_staff)


@pytest.fixture
def asked_at(monkeypatch, waiting, data_staff):
    """`asked_at(owner, name)`: the cancel arrives while that function runs."""

    def ask(owner, name):
        function = getattr(owner, name)

        def asked(*args, **kwargs):
            answer = function(*args, **kwargs)
            job_files.ask_to_stop(waiting.pk, by=str(data_staff.pk))
            return answer

        monkeypatch.setattr(owner, name, asked)

    return ask


def cancels() -> list[str]:
    return list(AuditEvent.objects.filter(action="job_cancelled").values_list("actor", flat=True))


def assert_stopped(job: Job, user) -> None:
    assert (job.status, job.cancel_requested) == (Job.Status.CANCELLED, True)
    assert ImportRun.objects.get(job_id=job.pk).status == "cancelled"
    assert not Person.objects.exists()
    assert cancels() == [str(user.pk)]
    assert job_files.who_asked(job.pk) is None


@pytest.mark.sqlite
def test_a_long_statement_is_ended(waiting):
    with watched(waiting):
        job_files.ask_to_stop(waiting.pk, by="")
        with pytest.raises(OperationalError, match="interrupted") as caught, connection.cursor() as cursor:
            cursor.execute(ENDLESS)
    assert was_cancelled(caught.value)
    assert not was_cancelled(OperationalError("interrupted by nobody"))
    assert explain(caught.value) is None


@pytest.mark.sqlite
@pytest.mark.parametrize(("owner", "name"), [(TableLoader, "load"), (runs, "write_report")])
def test_a_cancel_is_heard_while_loading_and_right_before_the_commit(waiting, asked_at, data_staff, owner, name):
    asked_at(owner, name)
    assert_stopped(jobs.run(job_id=waiting.pk), data_staff)


@pytest.mark.sqlite
def test_a_statement_of_the_load_that_is_interrupted_loads_nothing(waiting, asked_at, data_staff, monkeypatch):
    load = TableLoader.load

    def long_load(loader, counts):
        load(loader, counts)
        job_files.ask_to_stop(waiting.pk, by=str(data_staff.pk))
        connection.connection.execute(ENDLESS)  # below Django, which would look for a cancel before it

    monkeypatch.setattr(TableLoader, "load", long_load)
    assert_stopped(jobs.run(job_id=waiting.pk), data_staff)


@pytest.mark.sqlite
def test_what_is_committed_stays_and_the_page_says_that_the_cancel_came_too_late(waiting, monkeypatch, signed_in):
    commit = connection._commit

    def commit_and_ask():
        commit()
        if Person.objects.exists():
            job_files.ask_to_stop(waiting.pk, by="")

    monkeypatch.setattr(connection, "_commit", commit_and_ask)
    job = jobs.run(job_id=waiting.pk)
    monkeypatch.undo()
    assert (job.status, job.cancel_requested) == (Job.Status.SUCCEEDED, True)
    assert ImportRun.objects.get(job_id=job.pk).status == "loaded"
    assert Person.objects.count() == 1
    assert cancels() == ["system"]


def test_only_a_cancel_that_came_too_late_is_told_so(finished, signed_in):
    job = finished(status="loaded")
    assert TOO_LATE not in page_of(signed_in, job)
    Job.objects.filter(pk=job.pk).update(cancel_requested=True)
    assert TOO_LATE in page_of(signed_in, job)


@pytest.mark.sqlite
def test_a_cancel_needs_no_database(waiting, signed_in, data_staff):
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA busy_timeout").fetchone()
    Job.objects.filter(pk=waiting.pk).update(status="running", heartbeat_at=timezone.now())
    with closing(sqlite3.connect(connection.settings_dict["NAME"], uri=True)) as loading:
        loading.execute("BEGIN IMMEDIATE")
        answer = signed_in.post(reverse("admin:omop_bulk_cancel", args=[waiting.pk]))
        assert answer.status_code == 302
        page = page_of(signed_in, waiting)
        assert "Stopping…" in page
        assert cancels() == []
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA busy_timeout").fetchone() == before
    Job.objects.filter(pk=waiting.pk).update(status="queued")
    assert jobs.run(job_id=waiting.pk).status == Job.Status.CANCELLED
    assert cancels() == [str(data_staff.pk)]


@pytest.mark.sqlite
def test_progress_within_a_transaction_is_told_by_a_file(waiting):
    with transaction.atomic():
        jobs.Progress(waiting).update(7, 10, "Loading person, 1 of 1", force=True)
    stored = Job.objects.get(pk=waiting.pk)
    assert stored.message == ""
    told = jobs.heard(stored)
    assert (told.progress_done, told.progress_total, told.message) == (7, 10, "Loading person, 1 of 1")
    job_files.forget(waiting.pk)
    assert jobs.heard(Job.objects.get(pk=waiting.pk)).message == ""


def test_each_table_that_is_checked_or_loaded_is_told_at_once(waiting, monkeypatch):
    told = []
    write = jobs.Progress.update

    def update(progress, done, total=None, message="", *, force=False):
        told.append((message, force))
        write(progress, done, total, message, force=force)

    monkeypatch.setattr(jobs.Progress, "update", update)
    jobs.run(job_id=waiting.pk)
    assert {("Checking person, 1 of 1, 1 rows", True), ("Loading person, 1 of 1, 1 rows", True)} <= {*told}


@pytest.mark.sqlite
def test_the_heart_beats_in_a_file(waiting):
    before = timezone.now() - timedelta(hours=1)
    Job.objects.filter(pk=waiting.pk).update(status="running", heartbeat_at=before, lease_until=before + jobs.LEASE)
    assert jobs.is_dead(jobs.heard(Job.objects.get(pk=waiting.pk)), timezone.now())
    job_files.beat(waiting.pk)
    assert not jobs.is_dead(jobs.heard(Job.objects.get(pk=waiting.pk)), timezone.now())


def test_a_cancel_ends_a_job_whose_worker_is_dead_and_asks_one_that_lives(waiting, data_staff, signed_in):
    now = timezone.now()
    Job.objects.filter(pk=waiting.pk).update(status="running", heartbeat_at=now, lease_until=now + jobs.LEASE)
    jobs.cancel(job=waiting, by=data_staff)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.cancel_requested) == ("running", True)

    Job.objects.filter(pk=waiting.pk).update(heartbeat_at=now - timedelta(hours=1))
    assert "The worker has not answered for" in page_of(signed_in, waiting)
    state = signed_in.get(reverse("admin:omop_bulk_progress", args=[waiting.pk])).json()
    assert (state["dead"], state["over"]) == (True, False)
    page = signed_in.post(reverse("admin:omop_bulk_cancel", args=[waiting.pk]), follow=True).content.decode()
    assert "Cancelled. Nothing was loaded" in page
    assert cancels() == [str(data_staff.pk)]
