from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
from django.urls import reverse

from augmed.foundation.models import AuditEvent, Job

pytestmark = pytest.mark.django_db
LIST = reverse("admin:foundation_job_changelist")
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def as_user(client):
    def sign_in(user):
        client.force_login(user, backend=BACKEND)
        return client

    return sign_in


@pytest.fixture
def job(owner):
    return Job.objects.create(kind="tests.job", created_by=owner, status="running", progress_done=3, progress_total=10)


@pytest.fixture
def finished(job, settings):
    folder = Path(settings.MEDIA_ROOT) / "exports"
    folder.mkdir(parents=True)
    (folder / "study.zip").write_bytes(b"the archive")
    job.status, job.result = "succeeded", {"file": "exports/study.zip"}
    job.save()
    return job


def url(name, job):
    return reverse(f"admin:foundation_job_{name}", args=[job.pk])


class TestWho:
    @pytest.mark.parametrize("name", ["change", "progress", "file", "cancel"])
    def test_a_strangers_job_does_not_exist(self, as_user, stranger, finished, name):
        client = as_user(stranger)
        response = client.post(url(name, finished)) if name == "cancel" else client.get(url(name, finished))
        assert response.status_code == 404
        assert not AuditEvent.objects.filter(action="job_file_downloaded").exists()

    def test_the_list_shows_ones_own(self, as_user, owner, stranger, administrator, job):
        for user, count in [(owner, 1), (stranger, 0), (administrator, 1)]:
            assert len(as_user(user).get(LIST).context["cl"].result_list) == count

    @pytest.mark.parametrize("name", ["change", "progress", "file"])
    def test_participants_do_not_come_in(self, as_user, clinician, job, name):
        assert as_user(clinician).get(url(name, job)).status_code == 302


class TestPage:
    def test_a_running_job_has_a_bar_a_script_and_a_button(self, as_user, owner, job):
        page = as_user(owner).get(url("change", job)).content.decode()
        assert '<progress id="job-progress" max="100" value="30">' in page
        assert url("progress", job) in page
        assert "foundation/job.js" in page
        assert '<noscript><meta http-equiv="refresh"' in page
        assert "Cancel this job" in page

    def test_a_job_of_unknown_length_has_a_bar_without_a_value(self, as_user, owner, job):
        Job.objects.update(progress_total=None)
        assert '<progress id="job-progress" max="100">' in as_user(owner).get(url("change", job)).content.decode()

    def test_a_finished_job_has_its_result_and_no_button(self, as_user, owner, finished):
        page = as_user(owner).get(url("change", finished)).content.decode()
        assert "Download study.zip" in page
        assert "Cancel this job" not in page
        assert "foundation/job.js" not in page

    def test_a_failed_job_says_why(self, as_user, owner, job):
        Job.objects.update(status="failed", error="The file <b>was</b> refused.")
        page = as_user(owner).get(url("change", job)).content.decode()
        assert "The file &lt;b&gt;was&lt;/b&gt; refused." in page

    def test_nothing_can_be_edited(self, as_user, owner, job):
        assert as_user(owner).post(url("change", job), {"status": "succeeded"}).status_code == 403


class TestProgress:
    def test_is_json_and_not_cached(self, as_user, owner, job):
        response = as_user(owner).get(url("progress", job))
        assert response.headers["Cache-Control"].startswith("no-store")
        assert response.json() == {
            "status": "running",
            "over": False,
            "percent": 30,
            "done": 3,
            "total": 10,
            "message": "",
        }


class TestCancel:
    def test_asks_the_job_to_stop(self, as_user, owner, job):
        response = as_user(owner).post(url("cancel", job), follow=True)
        assert "asked to stop" in response.content.decode()
        job.refresh_from_db()
        assert job.cancel_requested
        assert AuditEvent.objects.get(action="job_cancelled").actor == str(owner.pk)

    def test_says_when_it_is_too_late(self, as_user, owner, finished):
        assert "already succeeded" in as_user(owner).post(url("cancel", finished), follow=True).content.decode()

    def test_needs_a_post(self, as_user, owner, job):
        assert as_user(owner).get(url("cancel", job)).status_code == 405


class TestFile:
    @pytest.mark.parametrize("who", ["owner", "administrator"])
    def test_its_creator_and_administrators_get_it(self, as_user, request, finished, who):
        user = request.getfixturevalue(who)
        response = as_user(user).get(url("file", finished))
        assert b"".join(response.streaming_content) == b"the archive"
        assert response.headers["Content-Disposition"] == 'attachment; filename="study.zip"'
        event = AuditEvent.objects.get(action="job_file_downloaded")
        assert (event.actor, event.target_id) == (str(user.pk), str(finished.pk))
        assert json.loads(event.data) == {"bytes": 11, "file": "study.zip"}

    @pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "exports", "exports/../../secret", "none.zip", ""])
    def test_nothing_outside_the_folder_is_served(self, as_user, owner, finished, settings, name):
        (Path(settings.MEDIA_ROOT).parent / "secret").write_text("x")
        Job.objects.update(result={"file": name})
        assert as_user(owner).get(url("file", finished)).status_code == 404

    def test_a_job_that_failed_has_no_file(self, as_user, owner, finished):
        Job.objects.update(status="failed")
        assert as_user(owner).get(url("file", finished)).status_code == 404

    def test_an_unknown_job_is_404(self, as_user, owner):
        assert as_user(owner).get(reverse("admin:foundation_job_file", args=[uuid.uuid4()])).status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        "django_celery_beat_periodictask",
        "django_celery_beat_crontabschedule",
        "django_celery_beat_intervalschedule",
        "django_celery_beat_solarschedule",
        "django_celery_beat_clockedschedule",
        "axes_accessattempt",
    ],
)
def test_schedules_and_failed_log_ins_are_for_administrators(as_user, administrator, data_staff, owner, name):
    address = reverse(f"admin:{name}_changelist")
    assert as_user(administrator).get(address).status_code == 200
    for user in (data_staff, owner):
        assert as_user(user).get(address).status_code == 403
