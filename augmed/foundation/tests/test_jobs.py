from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from augmed.foundation import audit_job, jobs
from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.models import AuditEvent, Job

KIND = "tests.job"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def handler(monkeypatch):
    """`handler(function)` is what the test's jobs run."""

    def use(function):
        monkeypatch.setitem(jobs._handlers, KIND, function)

    use(lambda job, progress: {"ran": True})
    return use


@pytest.fixture
def job(db, handler):
    return jobs.create(kind=KIND, parameters={"a": 1}, by=None)


class TestCreate:
    def test_waits_for_the_commit_and_then_runs(self, db, handler, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            job = jobs.create(kind=KIND, parameters={}, by=None, experiment_id=3)
            assert Job.objects.get().status == "queued"
        job.refresh_from_db()
        assert (job.status, job.result) == ("succeeded", {"ran": True})
        assert AuditEvent.objects.get(action="job_created").experiment_id == 3

    def test_refuses_an_unknown_kind(self, db):
        with pytest.raises(ValueError, match="No handler"):
            jobs.create(kind="no.such", parameters={}, by=None)

    def test_a_failed_audit_event_undoes_it(self, db, handler, monkeypatch):
        def refuse(**kwargs):
            raise RuntimeError("no audit")

        monkeypatch.setattr("augmed.foundation.audit.record", refuse)
        with pytest.raises(RuntimeError):
            jobs.create(kind=KIND, parameters={}, by=None)
        assert not Job.objects.exists()


class TestRun:
    def test_keeps_result_times_and_gives_the_lease_back(self, job):
        done = jobs.run(job_id=job.pk)
        assert (done.status, done.percent, done.lease_until) == ("succeeded", 100, None)
        assert done.started_at <= done.finished_at

    def test_a_job_that_is_over_is_not_run_again(self, job, handler):
        jobs.run(job_id=job.pk)
        handler(lambda job, progress: pytest.fail("ran twice"))
        assert jobs.run(job_id=job.pk).result == {"ran": True}

    def test_a_job_held_by_a_live_worker_is_left_alone(self, job, handler):
        now = timezone.now()
        Job.objects.update(status="running", lease_until=now + timedelta(minutes=1), lease_token=uuid.uuid4())
        handler(lambda job, progress: pytest.fail("ran twice"))
        assert jobs.run(job_id=job.pk).status == "running"

    def test_an_abandoned_job_is_taken_over(self, job):
        past = timezone.now() - timedelta(seconds=1)
        Job.objects.update(status="running", lease_until=past, lease_token=uuid.uuid4())
        assert list(Job.objects.abandoned()) == [job]
        assert jobs.run(job_id=job.pk).status == "succeeded"

    def test_a_worker_that_lost_its_lease_does_not_close_the_job(self, job, handler):
        def overtaken(job, progress):
            Job.objects.update(lease_token=uuid.uuid4(), message="another has it")
            return {"late": True}

        handler(overtaken)
        jobs.run(job_id=job.pk)
        job.refresh_from_db()
        assert (job.status, job.result) == ("running", {})

    def test_a_refusal_is_kept_with_its_errors(self, job, handler):
        def refuse(job, progress):
            raise Invalid("The file was refused.", errors={"row 3": ["no number"]})

        handler(refuse)
        done = jobs.run(job_id=job.pk)
        assert (done.status, done.error) == ("failed", "The file was refused.")
        assert done.result == {"errors": {"row 3": ["no number"]}}

    def test_the_text_of_an_unforeseen_error_is_kept_nowhere(self, job, handler, settings, caplog):
        def fail(job, progress):
            raise KeyError("patient 12345")

        settings.ENVIRONMENT = "demo"
        handler(fail)
        done = jobs.run(job_id=job.pk)
        assert (done.status, done.error) == ("failed", "Stopped by an unexpected KeyError.")
        assert "12345" not in caplog.text

    def test_progress_is_written_with_a_new_lease(self, job, handler):
        def work(job, progress):
            progress.update(3, 10, "three of ten", force=True)
            job.refresh_from_db()
            assert (job.percent, job.message) == (30, "three of ten")
            assert job.lease_until - job.heartbeat_at == jobs.LEASE
            progress.update(4, 10)  # within two seconds: not written
            job.refresh_from_db()
            assert job.progress_done == 3
            return {}

        handler(work)
        assert jobs.run(job_id=job.pk).status == "succeeded"


class TestCancel:
    def test_a_queued_job_ends_at_once(self, job, clinician):
        jobs.cancel(job=job, by=clinician)
        job.refresh_from_db()
        assert job.status == "cancelled"
        assert jobs.run(job_id=job.pk).result == {}
        assert AuditEvent.objects.get(action="job_cancelled").actor == str(clinician.pk)

    def test_a_running_job_ends_at_its_next_heartbeat(self, job, handler):
        def work(job, progress):
            jobs.cancel(job=job, by=None)
            progress.update(1, force=True)
            pytest.fail("went on")

        handler(work)
        assert jobs.run(job_id=job.pk).status == "cancelled"

    def test_a_job_that_is_over_is_a_conflict(self, job):
        jobs.run(job_id=job.pk)
        with pytest.raises(Conflict, match="succeeded"):
            jobs.cancel(job=job, by=None)


class TestCommand:
    def test_runs_a_job(self, job, capsys):
        call_command("run_job", str(job.pk))
        assert "succeeded" in capsys.readouterr().out

    @pytest.mark.parametrize("key", ["nonsense", "00000000-0000-4000-8000-000000000000"])
    def test_names_an_unknown_one(self, db, key):
        with pytest.raises(CommandError, match="There is no job"):
            call_command("run_job", key)

    def test_fails_where_the_job_failed(self, job, handler):
        def refuse(job, progress):
            raise Invalid("No.")

        handler(refuse)
        with pytest.raises(CommandError, match="No"):
            call_command("run_job", str(job.pk))


def test_the_celery_task_runs_it(job):
    from augmed.foundation.tasks import run_job

    run_job(job_id=str(job.pk))
    job.refresh_from_db()
    assert job.status == "succeeded"


def test_abandoned_jobs_are_handed_out_again(job, monkeypatch):
    from augmed.foundation import tasks

    handed_out = []
    monkeypatch.setattr(tasks.run_job, "delay", lambda **keys: handed_out.append(keys))
    tasks.resume_abandoned_jobs()
    assert handed_out == []
    Job.objects.update(status="running", lease_until=timezone.now() - timedelta(seconds=1))
    tasks.resume_abandoned_jobs()
    assert handed_out == [{"job_id": str(job.pk)}]


def _child_environment(database_url):
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**keep, "ENVIRONMENT": "test", "DATABASE_URL": database_url, "JOB_RUNNER": "process"}


@pytest.mark.sqlite
def test_a_child_process_runs_it_on_sqlite(transactional_db, tmp_path):
    path = tmp_path / "jobs.sqlite3"
    copy = sqlite3.connect(path)  # the tests' own database is in memory, where no other process can reach it
    connection.connection.backup(copy)
    copy.close()
    script = f"""
import time
from augmed.foundation import jobs
job = jobs.create(kind="{audit_job.KIND}", parameters={{}}, by=None)
for _ in range(300):
    job.refresh_from_db()
    if job.is_over:
        break
    time.sleep(0.1)
print("the job", job.status, job.result["holds"])
"""
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "--no-imports", "-v", "0", "-c", script]
    env = _child_environment(f"sqlite:///{path}")
    done = subprocess.run(command, env=env, cwd=ROOT, check=True, capture_output=True, text=True)
    assert "the job succeeded True" in done.stdout


@pytest.mark.postgresql
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_a_child_process_runs_it_on_postgresql(transactional_db, settings, monkeypatch):
    parameters = connection.settings_dict
    url = f"postgres://{parameters['USER']}@{parameters['HOST']}:{parameters['PORT']}/{parameters['NAME']}"
    for name, value in _child_environment(url).items():
        monkeypatch.setenv(name, value)
    settings.JOB_RUNNER = "process"
    job = jobs.create(kind=audit_job.KIND, parameters={}, by=None)
    deadline = time.monotonic() + 30
    while not job.is_over and time.monotonic() < deadline:
        time.sleep(0.1)
        job.refresh_from_db()
    assert (job.status, job.result["holds"]) == ("succeeded", True)
    assert django_settings.JOB_RUNNER == "process"
