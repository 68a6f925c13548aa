from __future__ import annotations

import json

import pytest
from django.urls import reverse
from rest_framework_simplejwt.tokens import AccessToken

from augmed.foundation.models import AuditEvent
from participants.models import TokenFamily
from participants.tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
URL = "/api/v2/auth/token"


def log_in(client, email="clinician@example.org", password=PASSWORD, **extra):
    return client.post(URL, {"email": email, "password": password}, **extra)


@pytest.mark.parametrize("slash", ["", "/"])
def test_gives_a_pair_that_opens_the_api(api, clinician, slash):
    response = api().post(URL + slash, {"email": "Clinician@Example.org ", "password": PASSWORD})
    assert response.status_code == 200, response.content
    assert response.headers["Cache-Control"] == "no-store"
    assert set(response.json()) == {"access", "refresh", "access_expires_at", "refresh_expires_at"}
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {response.json()['access']}")
    assert client.get("/api/v2/auth/me").json()["email"] == "clinician@example.org"
    clinician.refresh_from_db()
    assert clinician.last_login is not None


def test_access_lives_fifteen_minutes_and_the_log_in_twelve_hours(api, clinician):
    access = AccessToken(log_in(api()).json()["access"])
    assert access["exp"] - access["iat"] == 15 * 60
    family = TokenFamily.objects.get()
    assert (family.expires_at - family.created_at).total_seconds() == 12 * 3600


@pytest.mark.parametrize(("email", "password"), [("clinician@example.org", "wrong"), ("nobody@example.org", PASSWORD)])
def test_wrong_and_unknown_look_alike(api, clinician, email, password):
    response = log_in(api(), email, password)
    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'
    assert response.json()["code"] == "log_in_failed"
    assert response.json()["detail"] == "The address or the password is wrong."


def test_a_deactivated_account_cannot_log_in(api, clinician):
    clinician.is_active = False
    clinician.save()
    assert log_in(api()).status_code == 401


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"email", "password"}),
        ({"email": "no address", "password": "x"}, {"email"}),
        ({"email": "a@b.org", "password": "x\0y"}, {"password"}),
        ({"email": "a@b.org", "password": "x" * 2000}, {"password"}),
    ],
)
def test_a_bad_body_is_422_by_field(api, db, body, fields):
    response = api().post(URL, body)
    assert response.status_code == 422
    assert set(response.json()["errors"]) == fields


def test_a_body_that_is_no_json_is_400(api, db):
    response = api().post(URL, "{", content_type="application/json")
    assert response.status_code == 400
    assert response.json()["code"] == "parse_error"


def test_a_list_as_body_is_422(api, db):
    response = api().post(URL, ["x"])
    assert response.status_code == 422


def test_log_ins_are_in_the_audit_trail(api, clinician):
    log_in(api())
    event = AuditEvent.objects.get(action="logged_in")
    assert (event.actor, event.target_id) == (str(clinician.pk), str(clinician.pk))
    assert json.loads(event.data) == {"door": "api"}


def test_a_failure_is_recorded_by_the_account_not_by_what_was_typed(api, clinician):
    log_in(api(), "CLINICIAN@example.org", "wrong")
    event = AuditEvent.objects.get(action="log_in_failed")
    assert event.target_id == str(clinician.pk)
    assert json.loads(event.data) == {"door": "api", "locked_out": False}


def test_a_failure_of_an_unknown_address_is_recorded_by_a_keyed_hash(api, db):
    log_in(api(), "somebody@example.org")
    log_in(api(), "Somebody@Example.org")
    first, second = AuditEvent.objects.filter(action="log_in_failed")
    assert first.target_id == "unknown"
    assert "somebody" not in first.data.lower()
    assert json.loads(first.data)["address_hash"] == json.loads(second.data)["address_hash"]


def test_a_failed_audit_event_undoes_the_log_in(api, clinician, monkeypatch):
    def refuse(**kwargs):
        raise RuntimeError("no audit")

    monkeypatch.setattr("augmed.foundation.audit.record", refuse)
    client = api()
    client.raise_request_exception = False
    assert log_in(client).status_code == 500
    assert not TokenFamily.objects.exists()


class TestLockout:
    def fail(self, client, settings, **extra):
        spellings = ["clinician@example.org", "CLINICIAN@example.org"]  # must share one counter
        for attempt in range(settings.AXES_FAILURE_LIMIT):
            response = log_in(client, spellings[attempt % 2], "wrong", **extra)
        return response

    def test_after_ten_failures_the_right_password_is_429_too(self, api, clinician, settings):
        assert self.fail(api(), settings).status_code == 429
        response = log_in(api())
        assert response.status_code == 429
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.headers["Retry-After"] == str(15 * 60)
        assert response.json()["code"] == "locked_out"
        assert "15 minutes" in response.json()["detail"]

    def test_it_ends_after_the_time_set(self, api, clinician, settings, clock):
        self.fail(api(), settings)
        clock.forward(minutes=16)
        assert log_in(api()).status_code == 200

    def test_another_client_can_still_log_in(self, api, clinician, settings):
        self.fail(api(), settings, REMOTE_ADDR="10.0.0.1")
        assert log_in(api(), REMOTE_ADDR="10.0.0.2").status_code == 200

    def test_another_address_of_the_same_network_is_not_another_client(self, api, clinician, settings):
        for attempt in range(settings.AXES_FAILURE_LIMIT):
            log_in(api(), password="wrong", REMOTE_ADDR=f"2001:db8::{attempt:x}")
        assert log_in(api(), REMOTE_ADDR="2001:db8::ffff").status_code == 429
        assert log_in(api(), REMOTE_ADDR="2001:db8:0:1::1").status_code == 200

    def test_a_made_up_forwarded_header_is_not_another_client(self, api, clinician, settings):
        for attempt in range(settings.AXES_FAILURE_LIMIT):
            log_in(api(), password="wrong", HTTP_X_FORWARDED_FOR=f"10.0.0.{attempt}")
        assert log_in(api()).status_code == 429

    def test_a_success_forgets_the_failures(self, api, clinician, settings):
        for _ in range(settings.AXES_FAILURE_LIMIT - 1):
            log_in(api(), password="wrong")
        assert log_in(api()).status_code == 200
        assert log_in(api(), password="wrong").status_code == 401

    def test_attempts_beyond_the_limit_do_not_fill_the_chain(self, api, clinician, settings):
        self.fail(api(), settings)
        for _ in range(5):
            log_in(api())
        events = AuditEvent.objects.filter(action="log_in_failed")
        assert events.count() == settings.AXES_FAILURE_LIMIT
        assert json.loads(events.first().data)["locked_out"] is True

    def test_the_sign_in_page_says_so(self, client, administrator, settings):
        url = reverse("sign_in")
        body = {"username": "administrator@example.org", "password": "wrong"}
        for _ in range(settings.AXES_FAILURE_LIMIT):
            response = client.post(url, body)
        assert response.status_code == 429
        response = client.post(url, {**body, "password": PASSWORD})
        assert response.status_code == 429
        assert "Too many failed attempts" in response.content.decode()
        assert "15 minutes" in response.content.decode()
        assert "_auth_user_id" not in client.session

    def test_failures_in_the_api_lock_the_pages_too(self, api, client, administrator, settings):
        for _ in range(settings.AXES_FAILURE_LIMIT):
            log_in(api(), "administrator@example.org", "wrong")
        body = {"username": "administrator@example.org", "password": PASSWORD}
        assert client.post(reverse("sign_in"), body).status_code == 429


class TestThrottle:
    def test_by_client(self, api, db):
        answers = [log_in(api(), f"nobody{i}@example.org").status_code for i in range(31)]
        assert answers[:30] == [401] * 30
        assert answers[30] == 429

    def test_by_address_from_everywhere(self, api, db, settings):
        settings.AXES_FAILURE_LIMIT = 1000
        answers = [log_in(api(), "Nobody@example.org", REMOTE_ADDR=f"10.0.0.{i}").status_code for i in range(31)]
        assert answers[:30] == [401] * 30
        assert answers[30] == 429

    def test_a_further_field_hides_no_address(self, client, db, settings):
        settings.AXES_FAILURE_LIMIT = 1000
        for i in range(31):
            body = {"username": "nobody@example.org", "email": f"junk{i}@example.org", "uid": f"{i}", "password": "x"}
            response = client.post(reverse("sign_in"), body, REMOTE_ADDR=f"10.0.0.{i}")
            assert response.status_code == (200 if i < 30 else 429), i

    def test_addresses_of_one_network_are_one_client(self, api, db):
        answers = [
            log_in(api(), f"nobody{i}@example.org", REMOTE_ADDR=f"2001:db8:0:7:{i:x}::1").status_code for i in range(31)
        ]
        assert answers[:30] == [401] * 30
        assert answers[30] == 429
        assert log_in(api(), REMOTE_ADDR="2001:db8:0:8::1").status_code == 401

    def test_says_when_to_come_back(self, api, db):
        for i in range(31):
            response = log_in(api(), f"nobody{i}@example.org")
        assert int(response.headers["Retry-After"]) > 0
        assert response.json()["code"] == "throttled"


def test_log_ins_and_log_outs_of_the_pages_are_in_the_audit_trail(client, administrator):
    client.post(reverse("sign_in"), {"username": administrator.email, "password": PASSWORD})
    client.post(reverse("admin:logout"))
    events = AuditEvent.objects.filter(action__in=["logged_in", "logged_out"]).order_by("sequence")
    assert [(e.action, e.data) for e in events] == [
        ("logged_in", '{"door":"screens"}'),
        ("logged_out", '{"door":"screens"}'),
    ]
