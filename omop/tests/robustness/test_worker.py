"""A worker that is killed in the middle of a statement: the job is abandoned, taken over after its lease, and done."""

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from augmed.foundation import jobs
from augmed.foundation.models import Job
from omop import actions, uploads
from omop.imports.options import ImportOptions, Mode
from omop.models.imports import ImportRun
from omop.sources import ImportSource
from omop.tests.robustness.children import KILLED
from omop.tests.robustness.state import wait_until
from omop.tests.test_import_sample import SAMPLE

pytestmark = pytest.mark.postgresql  # a child of a test on SQLite has a database of its own


@pytest.fixture
def load_job(live, changed_sample, data_staff, monkeypatch):
    """A job that loads the changed sample over the sample, checked and waiting."""
    monkeypatch.setattr(jobs, "dispatch", lambda job: None)
    actions.import_files(paths=[SAMPLE], by=None)
    files = [SimpleUploadedFile(path.name, path.read_bytes()) for path in changed_sample.iterdir()]
    source = ImportSource("upload", uploads.store(files))
    check = actions.start_import(source=source, options=ImportOptions(mode=Mode.UPSERT), by=data_staff)
    assert jobs.run(job_id=check.pk).result["status"] == "checked"
    return actions.confirm_import(job=Job.objects.get(pk=check.pk), by=data_staff)


def test_a_killed_worker_leaves_the_job_to_the_next_one(live, children, load_job):
    before = live.contents()

    def kill(process: int) -> None:
        wait_until(lambda: live.waiting("death"))
        os.kill(process, signal.SIGKILL)

    with live.held("death"):
        killed = children.run("run_job", str(load_job.pk), meanwhile=kill)
    assert killed.code == KILLED, killed.output
    assert live.leftovers() == []
    assert live.contents() == before
    job = Job.objects.get(pk=load_job.pk)
    assert job.status == Job.Status.RUNNING
    assert ImportRun.objects.filter(job_id=job.pk).count() == 0

    held = children.run("run_job", str(job.pk))  # its lease is not over
    assert (held.code, held.output.strip()) == (0, f"Job {job.pk}: running")
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    taken = children.run("run_job", str(job.pk))
    assert taken.code == 0, taken.output
    job.refresh_from_db()
    run = ImportRun.objects.get(job_id=job.pk)
    assert (job.status, job.result) == (Job.Status.SUCCEEDED, {"run": str(run.pk), "status": "loaded"})
    assert live.contents()["measurement"] != before["measurement"]
    assert not any(path.is_file() for path in (Path(django_settings.MEDIA_ROOT) / "omop-uploads").rglob("*"))


def test_a_cancel_is_heard_while_a_statement_waits(live, children, load_job, data_staff):
    before = live.contents()

    def cancel(process: int) -> None:
        wait_until(lambda: live.waiting("death"))
        jobs.cancel(job=load_job, by=data_staff)
        wait_until(lambda: not live.waiting("death"))

    with live.held("death"):
        done = children.run("run_job", str(load_job.pk), meanwhile=cancel)
    assert done.code == 0, done.output
    assert Job.objects.get(pk=load_job.pk).status == Job.Status.CANCELLED
    assert ImportRun.objects.get(job_id=load_job.pk).status == "cancelled"
    assert live.contents() == before
    assert live.leftovers() == []
