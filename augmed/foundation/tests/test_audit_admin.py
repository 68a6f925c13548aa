from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.urls import reverse

from augmed.foundation import audit
from augmed.foundation.admin import audit as audit_admin
from augmed.foundation.models import AuditEvent, Job

pytestmark = pytest.mark.django_db
LIST = reverse("admin:foundation_auditevent_changelist")
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def staff(client, administrator, monkeypatch):
    client.force_login(administrator, backend=BACKEND)
    return client


@pytest.fixture
def events(staff, administrator, clinician):
    with transaction.atomic():
        audit.record(action="opened", by=clinician, target=("cases.case", 7), experiment_id=3)
        audit.record(action="closed", by=clinician, target=("cases.case", 8), experiment_id=4)
        audit.record(action="opened", by=None, target=("omop.visit", 7), data={"text": "<script>alert(1)</script>"})


def shown(client, **query):
    response = client.get(LIST, query)
    assert response.status_code == 200
    return [(event.action, event.target_id) for event in response.context["cl"].result_list]


@pytest.mark.parametrize("who", ["data_staff", "owner", "clinician"])
def test_is_for_those_who_may_view_it(client, request, administrator, who):
    user = request.getfixturevalue(who)
    client.force_login(user, backend=BACKEND)
    expected = 403 if user.is_staff else 302
    assert client.get(LIST).status_code == expected
    assert client.post(reverse("admin:foundation_auditevent_verify")).status_code == expected


def test_newest_first_with_who(events, staff, clinician):
    assert shown(staff)[:3] == [("opened", "7"), ("closed", "8"), ("opened", "7")]
    page = staff.get(LIST).content.decode()
    assert f"{clinician.pk} (clinician@example.org)" in page
    assert "<script>alert(1)" not in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"actor": "Clinician@example.org"}, [("closed", "8"), ("opened", "7")]),
        ({"actor": "system"}, [("opened", "7")]),
        ({"actor": "nobody@example.org"}, []),
        ({"action": "closed"}, [("closed", "8")]),
        ({"target_type": "cases.case", "target_id": "7"}, [("opened", "7")]),
        ({"experiment_id": "3"}, [("opened", "7")]),
        ({"action": "opened", "experiment_id": "4"}, []),
        ({"until": "2020-01-01"}, []),
        ({"since": "2020-01-01", "action": "closed"}, [("closed", "8")]),
    ],
)
def test_search_by_each_and_together(events, staff, query, expected):
    assert shown(staff, **query) == expected


def test_the_day_named_as_the_last_is_included(events, staff):
    today = datetime.now(UTC).date().isoformat()
    assert shown(staff, since=today, until=today, action="closed") == [("closed", "8")]


@pytest.mark.parametrize("query", [{"experiment_id": "x"}, {"since": "yesterday"}, {"experiment_id": "9" * 30}])
def test_a_bad_search_says_so(events, staff, query):
    response = staff.get(LIST, query)
    assert response.status_code == 200
    assert "not understood" in response.content.decode()


def test_pages_keep_the_search(staff, events, monkeypatch):
    monkeypatch.setattr(audit_admin.AuditEventAdmin, "list_per_page", 1)
    page = staff.get(LIST, {"action": "opened"}).content.decode()
    assert "?p=2&amp;action=opened" in page
    assert shown(staff, action="opened", p=2) == [("opened", "7")]


def test_counts_no_further_than_the_bound(staff, events, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(audit_admin, "MOST_COUNTED", 2)
    with django_assert_max_num_queries(8):
        response = staff.get(LIST)
    assert response.context["cl"].result_count == 2


def test_nothing_can_be_changed(staff, events):
    event = AuditEvent.objects.first()
    change = reverse("admin:foundation_auditevent_change", args=[event.pk])
    assert staff.get(change).status_code == 200
    assert staff.post(change, {"actor": "x"}).status_code == 403
    assert staff.get(reverse("admin:foundation_auditevent_add")).status_code == 403
    assert staff.post(reverse("admin:foundation_auditevent_delete", args=[event.pk])).status_code == 403


def test_the_chain_can_be_verified_from_here(staff, events, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        response = staff.post(reverse("admin:foundation_auditevent_verify"))
    job = Job.objects.get()
    assert response.url == reverse("admin:foundation_job_change", args=[job.pk])
    assert job.result["holds"] is True


def test_starting_it_needs_a_post(staff):
    assert staff.get(reverse("admin:foundation_auditevent_verify")).status_code == 405
