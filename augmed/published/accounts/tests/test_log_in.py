from __future__ import annotations

from datetime import timedelta

import pytest
from rest_framework_simplejwt.tokens import AccessToken

from augmed.foundation.models import AuditEvent
from augmed.published.accounts.tests.conftest import LOG_IN, refusal, said
from participants import actions
from participants.models import TokenFamily
from participants.tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def log_in(post, email="clinician@example.org", password=PASSWORD, **extra):
    return post(LOG_IN, email=email, password=password, **extra)


def bearer(response):
    scheme, token = response.headers["Authorization"].split(" ")
    assert scheme == "Bearer"
    return token


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_token_is_in_the_header_alone(post, api, clinician, slash):
    response = post(LOG_IN + slash, email=" Clinician@Example.org ", password=PASSWORD)
    assert (response.status_code, response.json()) == (200, {"message": "Login Successfully"})
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer(response)}")
    assert client.get("/api/v2/auth/me").json()["email"] == "clinician@example.org"


def test_the_token_slides_within_the_twelve_hours_of_the_log_in(post, clinician, settings):
    settings.SLIDING_LIFETIME = timedelta(minutes=120)
    token = AccessToken(bearer(log_in(post)))
    assert token["exp"] - token["iat"] == 120 * 60
    family = TokenFamily.objects.get()
    assert token["slides_until"] == int(family.expires_at.timestamp())
    assert (family.expires_at - family.created_at).total_seconds() == 12 * 3600


def test_the_token_hints_who_may_open_the_clients_pages_for_staff(post, clinician, owner):
    assert AccessToken(bearer(log_in(post)))["admin_flag"] is False
    assert AccessToken(bearer(log_in(post, owner.email)))["admin_flag"] is True
    assert "example.org" not in str(AccessToken(bearer(log_in(post))).payload)


def test_is_audited_and_noted(post, clinician):
    log_in(post)
    clinician.refresh_from_db()
    assert clinician.last_login is not None
    assert AuditEvent.objects.get().action == "logged_in"


def test_an_address_that_is_not_on_the_roster(post, clinician, settings):
    settings.SUPPORT_CONTACT = "help@example.org"
    response = log_in(post, "nobody@example.org")
    assert refusal(response) == (500, "1002")
    assert said(response).endswith("Please contact help@example.org")


def test_a_deactivated_account_is_as_if_not_on_the_roster(post, clinician):
    actions.deactivate(user=clinician, by=None)
    assert refusal(log_in(post)) == (500, "1002")


def test_an_account_without_a_password(post, invitee):
    response = log_in(post, invitee.email)
    assert refusal(response) == (500, "1004")
    assert said(response) == "Email hasn't sign up, please sign up."


def test_an_account_whose_invitation_lies_in_the_mailbox(post, invitee, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        actions.invite(user=invitee, by=None)
    response = log_in(post, invitee.email)
    assert refusal(response) == (500, "1004")
    assert "was mailed to you" in said(response)


def test_a_wrong_password(post, clinician):
    response = log_in(post, password="wrong")
    assert refusal(response) == (500, "1005")
    assert "Authorization" not in response.headers
    assert not TokenFamily.objects.exists()


@pytest.mark.parametrize("email", ["clinician@example.org", "nobody@example.org"])
def test_a_refused_log_in_is_audited(post, clinician, email):
    log_in(post, email, "wrong")
    event = AuditEvent.objects.get()
    assert event.action == "log_in_failed"
    assert "example" not in event.data


def test_too_many_failures_lock_out_here_and_everywhere(post, api, clinician, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT - 1):
        assert refusal(log_in(post, password="wrong")) == (500, "1005")
    for password in ("wrong", PASSWORD):
        response = log_in(post, password=password)
        assert refusal(response) == (503, "1129")
        assert "Try again in 15 minutes" in said(response)
        assert response.headers["Retry-After"] == "900"
    body = {"email": clinician.email, "password": PASSWORD}
    assert api().post("/api/v2/auth/token", body).status_code == 429


def test_an_ended_token_that_is_sent_along_does_not_matter(post, clinician):
    assert log_in(post, headers={"Authorization": "Bearer of.an.ended"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, "email"),
        ({"email": "a@b.org"}, "password"),
        ({"email": ["a@b.org"], "password": "x"}, "email"),
        ({"email": "a@b.org", "password": "x" * 2000}, "password"),
        ({"email": "a@b.org", "password": "\0"}, "password"),
        ({"email": "", "password": "x"}, "email"),
    ],
)
def test_a_body_that_the_client_never_sends(post, db, body, names):
    response = post(LOG_IN, **body)
    assert refusal(response) == (400, 400)
    assert said(response).startswith(f"{names}: ")


@pytest.mark.parametrize(("content", "kind", "status"), [("{", "json", 400), ("[]", "json", 400), ("x", "xml", 415)])
def test_a_body_that_is_no_object(api, db, content, kind, status):
    response = api().post(LOG_IN, content, content_type=f"application/{kind}")
    assert refusal(response) == (status, status)


@pytest.mark.parametrize("path", [LOG_IN, "/api/auth/signup", "/api/auth/reset-password"])
def test_there_is_nothing_to_get(api, db, path):
    assert refusal(api().get(path)) == (405, 405)


def test_knocking_is_throttled_by_client(post, db):
    answers = [refusal(log_in(post, f"nobody{i}@example.org")) for i in range(31)]
    assert answers == [(500, "1002")] * 30 + [(503, "1129")]


def test_a_log_in_takes_as_many_statements_however_many_there_were(post, clinician, django_assert_max_num_queries):
    for _ in range(5):
        log_in(post)
    with django_assert_max_num_queries(14):
        log_in(post)
