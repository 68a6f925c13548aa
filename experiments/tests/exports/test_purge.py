"""Archives of exports do not lie about for ever."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from augmed.foundation.errors import NotFound
from augmed.foundation.models import AuditEvent, Job
from experiments.actions.exports import download_export, export_path, purge_exports, request_export
from experiments.tasks import purge_exports as scheduled

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(answered, analyst, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        made = request_export(experiment=answered, by=analyst)
    made.refresh_from_db()
    assert export_path(made).is_file()
    return made


def test_only_old_archives_are_removed_and_the_trail_says_so(job, analyst, settings):
    now = timezone.now()
    assert purge_exports(now=now + settings.EXPORT_LIFETIME - timedelta(minutes=1)) == 0
    assert export_path(job).is_file()
    assert purge_exports(now=now + settings.EXPORT_LIFETIME + timedelta(minutes=1)) == 1
    assert not export_path(job).exists()
    event = AuditEvent.objects.get(action="export_purged")
    assert (event.actor, event.target_id, event.experiment_id) == ("system", str(job.pk), job.experiment_id)
    assert purge_exports(now=now + timedelta(days=365)) == 0
    assert AuditEvent.objects.filter(action="export_purged").count() == 1
    with pytest.raises(NotFound):
        download_export(job=job, by=analyst)


def test_a_failed_audit_keeps_the_file(job, monkeypatch):
    def fail(**_):
        raise RuntimeError("no trail")

    monkeypatch.setattr("augmed.foundation.audit.record", fail)
    with pytest.raises(RuntimeError):
        purge_exports(now=timezone.now() + timedelta(days=365))
    assert export_path(job).is_file()


def test_the_schedule_and_the_command_remove_what_is_old(job, settings, client, analyst):
    assert settings.CELERY_BEAT_SCHEDULE["remove old exports"]["task"] == scheduled.name
    assert scheduled() == 0
    Job.objects.filter(pk=job.pk).update(finished_at=timezone.now() - settings.EXPORT_LIFETIME * 2)
    out = StringIO()
    call_command("purge_exports", stdout=out)
    assert out.getvalue() == "1 archives removed.\n"
    client.force_login(analyst)
    page = client.get(reverse("admin:experiments_experiment_exports", args=[job.experiment_id])).content.decode()
    assert "removed" in page
    assert "Download" not in page
