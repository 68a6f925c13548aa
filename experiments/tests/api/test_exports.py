"""/experiments/{code}/exports and /exports/{id}."""

import io
import zipfile

import pytest

from augmed.foundation.models import AuditEvent, Job

pytestmark = pytest.mark.django_db


def export(client, base, capture, **body):
    with capture(execute=True):
        return client.post(f"{base}/exports", body)


def test_an_export_is_asked_for_followed_and_downloaded(
    api, cast, base, study, enrolled, django_capture_on_commit_callbacks
):
    client = api(cast["unblinded analyst"])
    asked = export(client, base, django_capture_on_commit_callbacks)
    assert asked.status_code == 202, asked.json()
    address = f"/api/v2/exports/{asked.json()['id']}"
    done = client.get(address).json()
    assert done["status"] == "succeeded", done
    assert [row["id"] for row in client.get(f"{base}/exports").json()["results"]] == [done["id"]]
    answer = client.get(f"{address}/download")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert archive.testzip() is None
        assert archive.namelist()
    assert AuditEvent.objects.first().action == "job_file_downloaded"


def test_a_blinded_analyst_gets_no_arm(api, cast, base, study, enrolled, django_capture_on_commit_callbacks):
    client = api(cast["blinded analyst"])
    asked = export(client, base, django_capture_on_commit_callbacks).json()
    answer = client.get(f"/api/v2/exports/{asked['id']}/download")
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        text = "".join(archive.read(name).decode() for name in archive.namelist())
    for arm in study.arms.all():
        assert arm.key not in text
        assert arm.name not in text


def test_addresses_of_people_need_a_permission_of_their_own(api, cast, base):
    answer = api(cast["unblinded analyst"]).post(f"{base}/exports", {"identified": True})
    assert answer.status_code == 403
    assert not Job.objects.exists()


def test_somebody_elses_export_is_not_found(api, cast, base, django_capture_on_commit_callbacks):
    asked = export(api(cast["lead"]), base, django_capture_on_commit_callbacks).json()
    for path in ("", "/download"):
        assert api(cast["blinded analyst"]).get(f"/api/v2/exports/{asked['id']}{path}").status_code == 404
    assert api(cast["administrator"]).get(f"/api/v2/exports/{asked['id']}").status_code == 200
