"""An export as a job: asked for, written, audited, fetched, cancelled, run again."""

from __future__ import annotations

import json
import zipfile

import pytest
from django.test import Client
from django.urls import reverse

from augmed.foundation import jobs
from augmed.foundation.errors import NotFound
from augmed.foundation.models import AuditEvent, Job
from experiments.actions import exports
from experiments.actions.exports import download_export, export_path, request_export
from experiments.actions.roles import grant_role, revoke_role
from experiments.exports.archive import file_sha256
from experiments.models import StudyRole

pytestmark = pytest.mark.django_db


@pytest.fixture
def queued(answered, analyst):
    """A job that nothing has run yet (the test's transaction never commits)."""
    return request_export(experiment=answered, by=analyst)


def test_the_job_makes_an_archive_and_says_what_is_in_it(answered, analyst, queued, settings):
    job = jobs.run(job_id=queued.pk)
    assert job.status == Job.Status.SUCCEEDED
    path = export_path(job)
    assert job.result["file"] == str(path.relative_to(settings.MEDIA_ROOT))
    assert job.result["sha256"] == file_sha256(path)
    assert job.result["bytes"] == path.stat().st_size
    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["asked_by"] == str(analyst.pk)
    assert manifest["job"] == str(job.pk)
    assert job.progress_total == 2 * job.result["rows"]["reviews.csv"]  # each is written in both forms


def test_asking_and_exporting_are_audited_with_filters_rows_and_hash(answered, analyst, queued):
    job = jobs.run(job_id=queued.pk)
    asked = AuditEvent.objects.get(action="export_requested")
    made = AuditEvent.objects.get(action="exported")
    for event in (asked, made):
        assert (event.actor, event.experiment_id) == (str(analyst.pk), answered.pk)
    data = json.loads(made.data)
    assert data["sha256"] == job.result["sha256"]
    assert data["rows"] == job.result["rows"]
    assert data["filters"]["arms"] == "shown"


def test_rights_are_those_at_the_time_it_runs(answered, analyst, queued):
    revoke_role(user=analyst, experiment=answered, role=StudyRole.Role.UNBLINDED_ANALYST, by=None)
    job = jobs.run(job_id=queued.pk)
    assert job.status == Job.Status.FAILED
    assert "does not allow exports" in job.error
    assert not export_path(job).exists()


def test_an_archive_is_no_longer_there_for_who_lost_what_it_shows(answered, analyst, queued):
    job = jobs.run(job_id=queued.pk)
    analyst.is_staff = True
    analyst.save(update_fields=["is_staff"])
    client = Client()
    client.force_login(analyst, backend="django.contrib.auth.backends.ModelBackend")
    address = reverse("admin:foundation_job_file", args=[job.pk])
    fetched = client.get(address)
    assert fetched.status_code == 200
    assert b"".join(fetched.streaming_content) == export_path(job).read_bytes()  # read to its end, it is closed
    assert download_export(job=job, by=analyst).path == export_path(job)
    grant_role(user=analyst, experiment=answered, role=StudyRole.Role.BLINDED_ANALYST, by=None)
    revoke_role(user=analyst, experiment=answered, role=StudyRole.Role.UNBLINDED_ANALYST, by=None)
    client.force_login(analyst, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(address).status_code == 404
    with pytest.raises(NotFound):
        download_export(job=job, by=analyst)


def test_a_job_whose_worker_died_is_run_again_and_leaves_one_archive(queued):
    folder = export_path(queued).parent
    folder.mkdir(parents=True)
    (folder / f".{queued.pk}.zip.0123.partial").write_bytes(b"half")
    Job.objects.filter(pk=queued.pk).update(status=Job.Status.RUNNING, lease_until=None)
    first = jobs.run(job_id=queued.pk)
    assert first.status == Job.Status.SUCCEEDED
    Job.objects.filter(pk=queued.pk).update(status=Job.Status.RUNNING, lease_until=None)
    again = jobs.run(job_id=queued.pk)
    assert again.status == Job.Status.SUCCEEDED
    assert again.result["rows"] == first.result["rows"]
    assert [path.name for path in folder.iterdir()] == [f"{queued.pk}.zip"]


def test_a_cancelled_export_leaves_no_file_and_a_new_one_can_be_made(answered, analyst, queued, monkeypatch):
    original = jobs.Progress.update

    def cancel_at_once(self, *args, **kwargs):
        Job.objects.filter(pk=self.job.pk).update(cancel_requested=True)
        original(self, *args, **{**kwargs, "force": True})

    monkeypatch.setattr(jobs.Progress, "update", cancel_at_once)
    job = jobs.run(job_id=queued.pk)
    assert job.status == Job.Status.CANCELLED
    assert list(export_path(job).parent.iterdir()) == []
    assert not AuditEvent.objects.filter(action="exported").exists()
    monkeypatch.undo()
    assert jobs.run(job_id=request_export(experiment=answered, by=analyst).pk).status == Job.Status.SUCCEEDED


def test_a_fault_half_way_leaves_no_file(queued, monkeypatch):
    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr("experiments.exports.codebook.codebook_json", fail)
    with pytest.raises(OSError, match="disk full"):
        jobs.run(job_id=queued.pk)
    assert list(export_path(queued).parent.iterdir()) == []


def test_only_its_asker_and_administrators_fetch_the_file(answered, analyst, queued, blinded, lead, administrator):
    with pytest.raises(NotFound):
        download_export(job=queued, by=analyst)  # not there yet
    job = jobs.run(job_id=queued.pk)
    for user in (analyst, administrator):
        download = download_export(job=job, by=user)
        assert download.path.read_bytes()[:2] == b"PK"
        assert download.name.startswith(answered.code)
    for user in (blinded, lead):
        with pytest.raises(NotFound):
            download_export(job=job, by=user)
    fetched = AuditEvent.objects.filter(action="job_file_downloaded").values_list("actor", flat=True)
    assert sorted(fetched) == sorted([str(analyst.pk), str(administrator.pk)])


def test_the_handler_is_registered(answered):
    assert jobs._handlers[exports.EXPORT] is exports.run_export
