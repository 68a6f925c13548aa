from __future__ import annotations

import re

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from augmed.foundation.models import AuditEvent
from participants import actions
from participants.actions.passwords import one_segment_token
from participants.tests.conftest import NEW_PASSWORD, link_in

pytestmark = pytest.mark.django_db
ASK, CONFIRM = "/api/v2/auth/password-reset", "/api/v2/auth/password-reset/confirm"


@pytest.fixture
def link(clinician, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        actions.request_password_reset(email="Clinician@example.org ")
    _, uid, token = link_in(mail.outbox[-1].body).strip("/").split("/")
    return {"uid": uid, "token": token}


def confirm(api, link, password=NEW_PASSWORD):
    return api().post(CONFIRM, {**link, "password": password})


def test_known_and_unknown_addresses_get_the_same_answer_for_the_same_work(api, clinician):
    answers, statements = [], []
    for email in ("clinician@example.org", "nobody@example.org"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            response = api().post(ASK, {"email": email})
        answers.append((response.status_code, response.content, dict(response.headers)))
        statements.append([query["sql"] for query in queries])
    assert answers[0] == answers[1]
    assert answers[0][0] == 202
    assert statements[0] == statements[1] == []  # the look-up is done after the answer, where mail is sent


def test_the_known_address_gets_a_mail_and_the_unknown_none(api, clinician, django_capture_on_commit_callbacks):
    for email in ("clinician@example.org", "nobody@example.org"):
        with django_capture_on_commit_callbacks(execute=True):
            api().post(ASK, {"email": email})
    assert [message.to for message in mail.outbox] == [["clinician@example.org"]]


def test_sets_the_password_and_ends_all_tokens(api, clinician, link):
    client = api(clinician)
    assert confirm(api, link).status_code == 204
    assert client.get("/api/v2/auth/me").status_code == 401
    clinician.refresh_from_db()
    assert clinician.check_password(NEW_PASSWORD)
    assert AuditEvent.objects.filter(action="password_reset", target_id=str(clinician.pk)).count() == 1


def test_works_once(api, link):
    confirm(api, link)
    response = confirm(api, link, "yet another Passphrase 3!")
    assert response.status_code == 422
    assert response.json()["code"] == "link_invalid"


def test_ends_with_its_time(api, link, monkeypatch, settings):
    from datetime import datetime, timedelta

    from django.contrib.auth.tokens import PasswordResetTokenGenerator

    later = datetime.now() + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT + 60)  # noqa: DTZ005  as Django's own
    monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self: later)
    assert confirm(api, link).json()["code"] == "link_expired"
    # Only who holds the link learns that it was one.
    assert confirm(api, {**link, "token": link["token"][:-1] + "-"}).json()["code"] == "link_invalid"


def test_a_used_link_does_not_become_an_expired_one(api, link, monkeypatch, settings):
    from datetime import datetime, timedelta

    from django.contrib.auth.tokens import PasswordResetTokenGenerator

    confirm(api, link)
    later = datetime.now() + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT + 60)  # noqa: DTZ005  as Django's own
    monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self: later)
    assert confirm(api, link).json()["code"] == "link_invalid"


@pytest.mark.parametrize(
    "act",
    [
        lambda user: actions.sign_out_everywhere(user=user, by=None),
        lambda user: actions.deactivate(user=user, by=None),
        lambda user: actions.change_address(user=user, email="new@example.org", by=None),
    ],
)
def test_ends_when_access_is_ended(api, clinician, link, act):
    act(clinician)
    assert confirm(api, link).json()["code"] == "link_invalid"


@pytest.mark.parametrize("uid", ["", "x", "é", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk", "MQ" * 30])
def test_a_made_up_uid_is_refused(api, link, uid):
    assert confirm(api, {**link, "uid": uid}).status_code == 422


def test_a_link_of_one_account_does_not_open_another(api, link, other_clinician):
    from participants.actions.passwords import reset_uid

    assert confirm(api, {**link, "uid": reset_uid(other_clinician)}).status_code == 422


def test_a_weak_password_is_refused_and_the_link_still_works(api, link):
    assert "password" in confirm(api, link, "1234567890").json()["errors"]
    assert confirm(api, link).status_code == 204


def test_a_locked_out_person_can_sign_in_at_once(api, clinician, link, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT):
        api().post("/api/v2/auth/token", {"email": clinician.email, "password": "wrong"})
    confirm(api, link)
    body = {"email": clinician.email, "password": NEW_PASSWORD}
    assert api().post("/api/v2/auth/token", body).status_code == 200


def test_a_deactivated_account_gets_no_mail(clinician, django_capture_on_commit_callbacks):
    actions.deactivate(user=clinician, by=None)
    with django_capture_on_commit_callbacks(execute=True):
        actions.request_password_reset(email=clinician.email)
    assert mail.outbox == []


def test_who_was_only_invited_gets_the_invitation_again(invitee, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        actions.request_password_reset(email=invitee.email)
    assert mail.outbox == []  # nobody has invited the person yet
    with django_capture_on_commit_callbacks(execute=True):
        actions.invite(user=invitee, by=None)
        actions.request_password_reset(email=invitee.email)
    assert [link_in(message.body)[:12] for message in mail.outbox] == ["/invitation/"] * 2


def test_asking_is_throttled_by_address_from_everywhere(api, db):
    answers = [api().post(ASK, {"email": "a@example.org"}, REMOTE_ADDR=f"10.0.0.{i}").status_code for i in range(31)]
    assert answers == [202] * 30 + [429]


def test_confirming_is_throttled(api, db):
    link = {"uid": "MQ", "token": "x"}
    assert [confirm(api, link).status_code for _ in range(31)] == [422] * 30 + [429]


def without_csrf_token(page):
    return re.sub(r'"[A-Za-z0-9]{64}"', "", page.content.decode())


class TestPages:
    def test_the_sign_in_page_links_to_it(self, client, db):
        assert reverse("forgotten_password") in client.get(reverse("sign_in")).content.decode()

    def test_the_address_that_djangos_admin_has_for_it_leads_there(self, client, db):
        assert client.get(reverse("admin_password_reset")).headers["Location"] == reverse("forgotten_password")

    def test_asking_looks_alike_for_known_and_unknown(self, client, clinician):
        pages = [
            client.post(reverse("forgotten_password"), {"email": email}, follow=True)
            for email in ("clinician@example.org", "nobody@example.org")
        ]
        assert pages[0].redirect_chain == pages[1].redirect_chain
        assert without_csrf_token(pages[0]) == without_csrf_token(pages[1])
        assert "on its way" in pages[0].content.decode()

    def test_the_link_sets_a_password(self, client, clinician, link):
        url = f"/reset-password/{link['uid']}/{link['token']}"
        assert client.get(url).status_code == 200
        body = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
        assert "Your password is set" in client.post(url, body, follow=True).content.decode()
        clinician.refresh_from_db()
        assert clinician.check_password(NEW_PASSWORD)
        assert client.get(url).status_code == 410

    def test_a_link_of_the_published_client_sets_a_password_too(self, client, clinician):
        url = f"/reset-password/{one_segment_token(clinician)}"
        body = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
        assert client.get(url).status_code == 200
        assert "Your password is set" in client.post(url, body, follow=True).content.decode()
        clinician.refresh_from_db()
        assert clinician.check_password(NEW_PASSWORD)
        assert client.get(url).status_code == 410

    @pytest.mark.parametrize("token", ["x", "_", "MQ", "MQ_", "_MQ", "MQ_x_y", "%C3%A9_1"])
    def test_a_made_up_link_of_the_client_says_so(self, client, db, token):
        assert client.get(f"/reset-password/{token}").status_code == 410

    def test_a_made_up_link_says_so(self, client, db):
        assert client.get("/reset-password/x/y").status_code == 410
