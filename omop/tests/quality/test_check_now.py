"""A check of the database begun on the page: who may, how far it is, what it leaves."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from augmed.foundation.errors import Conflict
from augmed.foundation.models import Job
from omop import actions
from omop.models import ImportRun, Measurement

pytestmark = pytest.mark.django_db
OVERVIEW = "admin:omop_checkoutcome_changelist"


def begin(client):
    return client.post(reverse("admin:omop_quality_check_now"))


def test_from_the_button_to_the_rows(staff, data_staff, django_capture_on_commit_callbacks):
    Measurement.objects.create(
        measurement_id=5,
        person_id=77,
        measurement_concept_id=0,
        measurement_date="2020-01-31",
        measurement_type_concept_id=0,
    )
    assert "Check the database now" in staff.get(reverse(OVERVIEW)).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        response = begin(staff)
    run = ImportRun.objects.get()
    assert (run.kind, run.status, run.created_by) == ("database", "checked", data_staff)
    page = staff.get(response["Location"])
    assert [summary.table for summary in page.context["summaries"]] == ["measurement"]
    assert "without a row to ask" in page.content.decode()
    check = staff.get(
        reverse("admin:omop_quality_check", args=["measurement", "person_exists"]), {"column": "person_id"}
    )
    rows = reverse("admin:omop_quality_rows", args=["measurement", "person_exists"])
    assert rows in check.content.decode()
    assert [row.key for row, _ in staff.get(rows, {"column": "person_id"}).context["rows"]] == [5]


def test_how_far_it_is(staff, data_staff):
    response = begin(staff)
    job = Job.objects.get()
    assert parse_qs(urlsplit(response["Location"]).query) == {"over": ["database"], "job": [str(job.pk)]}
    Job.objects.filter(pk=job.pk).update(
        status="running", progress_done=30, progress_total=60, message="Checking death"
    )
    text = staff.get(response["Location"]).content.decode()
    assert f'data-progress-url="{reverse("admin:foundation_job_progress", args=[job.pk])}"' in text
    assert "50 %: Checking death" in text
    assert "Cancel the check" in text
    assert "Check the database now" not in text
    Job.objects.filter(pk=job.pk).update(status="failed", error="The database was busy.")
    text = staff.get(response["Location"]).content.decode()
    assert "The database was busy." in text
    assert "Check the database now" in text


def test_jobs_of_others_and_no_jobs_are_not_shown(staff, administrator):
    job = Job.objects.create(kind="omop.check_database", created_by=administrator, status="running")
    for name in (job.pk, "nonsense", ""):
        assert staff.get(reverse(OVERVIEW), {"job": name}).context["job"] is None


def test_who_may_begin_one(client, staff, signed_in, stranger):
    assert begin(client).status_code == 302
    assert begin(signed_in(stranger)).status_code == 403
    assert staff.get(reverse("admin:omop_quality_check_now")).status_code == 405
    assert not Job.objects.exists()


def test_what_is_refused_is_said(staff, monkeypatch):
    def refuse(*, by):
        raise Conflict("A check is running already.")

    monkeypatch.setattr(actions, "check_database", refuse)
    response = staff.post(reverse("admin:omop_quality_check_now"), follow=True)
    assert "A check is running already." in response.content.decode()
