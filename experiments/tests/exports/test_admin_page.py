"""The page of a study's exports in the admin."""

from __future__ import annotations

import pytest
from django.urls import reverse

from augmed.foundation.models import Job

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(answered):
    return reverse("admin:experiments_experiment_exports", args=[answered.pk])


def test_an_analyst_exports_and_downloads(client, answered, analyst, page, django_capture_on_commit_callbacks):
    client.force_login(analyst)
    assert "Arms and outcomes by arm are in your exports" in client.get(page).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(page)
    job = Job.objects.get()
    assert response["Location"] == reverse("admin:foundation_job_change", args=[job.pk])
    listed = client.get(page).content.decode()
    address = reverse("admin:experiments_experiment_export_file", args=[answered.pk, job.pk])
    assert address in listed
    file = client.get(address)
    assert file.status_code == 200
    assert b"".join(file.streaming_content)[:2] == b"PK"
    name = f"{answered.code}-{job.created_at:%Y-%m-%d-%H%M}.zip"
    assert file["Content-Disposition"] == f'attachment; filename="{name}"'
    assert f"Download {name}" in client.get(reverse("admin:foundation_job_change", args=[job.pk])).content.decode()
    same = client.get(reverse("admin:foundation_job_file", args=[job.pk]))
    assert same["Content-Disposition"] == f'attachment; filename="{name}"'
    assert b"".join(same.streaming_content)[:2] == b"PK"


def test_somebody_elses_export_is_not_there(
    client, answered, analyst, blinded, page, django_capture_on_commit_callbacks
):
    client.force_login(analyst)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(page)
    job = Job.objects.get()
    client.force_login(blinded)
    response = client.get(page).content.decode()
    assert str(job.pk) not in response
    assert "are left out" in response
    assert (
        client.get(reverse("admin:experiments_experiment_export_file", args=[answered.pk, job.pk])).status_code == 404
    )


def test_addresses_are_offered_to_those_who_may_alone(client, analyst, administrator, page):
    client.force_login(administrator)
    assert 'name="identified"' in client.get(page).content.decode()
    client.force_login(analyst)
    assert 'name="identified"' not in client.get(page).content.decode()
    client.post(page, {"identified": "on"})
    assert not Job.objects.exists()


def test_who_may_not_export_sees_no_page(client, answered, stranger, make_user, page):
    from experiments.actions.roles import grant_role

    client.force_login(stranger)
    assert client.get(page).status_code == 404
    coordinator = make_user("coordinator@example.org", is_staff=True)
    grant_role(user=coordinator, experiment=answered, role="coordinator", by=None)
    client.force_login(coordinator)
    assert client.get(page).status_code == 403
    assert client.post(page).status_code == 403
