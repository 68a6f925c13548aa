from __future__ import annotations

from datetime import datetime, timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import mail
from hypothesis import given
from hypothesis import strategies as st
from kombu.exceptions import OperationalError

from augmed.foundation.models import AuditEvent
from augmed.published.accounts.tests.conftest import LOG_IN, RESET, RESET_REQUEST, refusal, said
from participants import actions
from participants.actions.passwords import one_segment_token, reset_uid, two_segments
from participants.models import User
from participants.tests.conftest import NEW_PASSWORD, PASSWORD, link_in

pytestmark = pytest.mark.django_db
UPDATED = (200, {"data": "password updated", "error": None})


@pytest.fixture
def token(post, clinician):
    post(RESET_REQUEST, email="Clinician@example.org ")
    return link_in(mail.outbox[-1].body).removeprefix("/reset-password/")


def reset(post, token, password=NEW_PASSWORD):
    return post(RESET, resetToken=token, password=password)


class TestRequest:
    def test_mails_a_link_and_answers_the_id_of_the_mail(self, post, clinician):
        response = post(RESET_REQUEST, email=clinician.email)
        assert response.status_code == 200
        assert response.json()["error"] is None
        (message,) = mail.outbox
        assert message.to == [clinician.email]
        assert response.json()["data"]["id"] in message.message()["Message-ID"]
        assert AuditEvent.objects.get().action == "password_reset_requested"

    def test_not_on_the_roster(self, post, db):
        assert refusal(post(RESET_REQUEST, email="nobody@example.org")) == (500, "1002")
        assert mail.outbox == []

    def test_deactivated(self, post, clinician):
        actions.deactivate(user=clinician, by=None)
        assert refusal(post(RESET_REQUEST, email=clinician.email)) == (500, "1002")

    def test_not_signed_up(self, post, invitee):
        assert refusal(post(RESET_REQUEST, email=invitee.email)) == (500, "1004")
        assert mail.outbox == []

    @pytest.mark.parametrize("error", [ConnectionRefusedError(), OperationalError("no broker")])
    def test_a_mail_that_cannot_be_handed_over(self, api, clinician, error):
        def refuse(send):
            raise error

        with patch("participants.mail.transaction.on_commit", side_effect=refuse):
            response = api().post(RESET_REQUEST, {"email": clinician.email})
        assert refusal(response) == (500, "1040")
        assert "no broker" not in said(response)

    def test_asking_is_throttled_by_address_from_everywhere(self, api, clinician):
        body = {"email": clinician.email}
        answers = [api().post(RESET_REQUEST, body, REMOTE_ADDR=f"10.0.0.{i}").status_code for i in range(31)]
        assert answers == [200] * 30 + [503]


class TestReset:
    def test_sets_the_password_and_ends_all_tokens(self, post, api, clinician, token):
        client = api(clinician)
        response = reset(post, token)
        assert (response.status_code, response.json()) == UPDATED
        assert client.get("/api/v2/auth/me").status_code == 401
        assert refusal(post(LOG_IN, email=clinician.email, password=PASSWORD)) == (500, "1005")
        assert post(LOG_IN, email=clinician.email, password=NEW_PASSWORD).status_code == 200

    def test_works_once(self, post, token):
        reset(post, token)
        assert refusal(reset(post, token)) == (500, "1022")

    def test_a_weak_password_is_refused_and_the_link_still_works(self, post, token):
        response = reset(post, token, "1234567890")
        assert refusal(response) == (500, "1001")
        assert "entirely numeric" in said(response)
        assert reset(post, token).status_code == 200

    def test_an_expired_one_is_told_from_a_made_up_one(self, post, token, monkeypatch, settings):
        later = datetime.now() + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT + 60)  # noqa: DTZ005  as Django's own
        monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self: later)
        assert refusal(reset(post, token)) == (500, "1023")
        assert refusal(reset(post, token[:-1] + ("0" if token[-1] != "0" else "1"))) == (500, "1022")

    @pytest.mark.parametrize("made_up", ["x", "_", "MQ_", "MQ_x", "_MQ", "é_1", "MQ_" + "z" * 30 + "-1", "LTE_1-2"])
    def test_a_made_up_one(self, post, clinician, made_up):
        assert refusal(reset(post, made_up)) == (500, "1022")

    def test_one_of_another_account(self, post, token, other_clinician):
        mixed = f"{reset_uid(other_clinician)}_{two_segments(token)[1]}"
        assert refusal(reset(post, mixed)) == (500, "1022")

    def test_a_locked_out_person_can_log_in_at_once(self, post, clinician, token, settings):
        for _ in range(settings.AXES_FAILURE_LIMIT):
            post(LOG_IN, email=clinician.email, password="wrong")
        reset(post, token)
        assert post(LOG_IN, email=clinician.email, password=NEW_PASSWORD).status_code == 200

    def test_one_link_is_tried_at_most_so_often_from_everywhere(self, api, db):
        body = {"resetToken": "MQ_x", "password": NEW_PASSWORD}
        answers = [refusal(api().post(RESET, body, REMOTE_ADDR=f"10.0.0.{i}")) for i in range(31)]
        assert answers == [(500, "1022")] * 30 + [(503, "1129")]


@given(st.integers(min_value=1, max_value=2**63 - 1))
def test_the_two_parts_of_a_link_come_back(key):
    user = User(pk=key, email="a@example.org", password="x")
    uid, token = two_segments(one_segment_token(user))
    assert uid == reset_uid(user)
    assert "_" not in token
