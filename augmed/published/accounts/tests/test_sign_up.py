from __future__ import annotations

from unittest.mock import patch

import pytest
from django.core import mail

from augmed.foundation.models import AuditEvent
from augmed.published.accounts.tests.conftest import LOG_IN, RESET, RESET_REQUEST, SIGN_UP, refusal, said
from experiments.actions.roles import grant_role
from experiments.tests import factories
from participants import actions
from participants.models import User
from participants.tests.conftest import NEW_PASSWORD, link_in

pytestmark = pytest.mark.django_db
TYPED = "a typed Passphrase 9!"
DONE = (201, {"data": "Sign up successfully", "error": None})


@pytest.fixture(params=[True, False], ids=["knowing the address is enough", "a link is mailed"])
def both_ways(request, settings):
    settings.ROSTER_SIGNUP = request.param


def sign_up(post, email="invitee@example.org", password=TYPED):
    return post(SIGN_UP, email=email, password=password)


def answered(response):
    return response.status_code, response.json()


@pytest.mark.usefixtures("both_ways")
class TestRefusals:
    def test_the_password_is_judged_before_the_roster_in_our_validators_words(self, post, db):
        response = sign_up(post, "nobody@example.org", "Sh0rt!")
        assert refusal(response) == (500, "1001")
        assert "at least 8 characters" in said(response)

    def test_a_password_like_the_address(self, post, invitee):
        assert refusal(sign_up(post, password="invitee@example.org")) == (500, "1001")

    def test_not_on_the_roster(self, post, db):
        assert refusal(sign_up(post)) == (500, "1002")
        assert not User.objects.exists()

    def test_deactivated(self, post, invitee):
        actions.deactivate(user=invitee, by=None)
        assert refusal(sign_up(post)) == (500, "1002")

    def test_signed_up_before(self, post, clinician):
        before = clinician.password
        assert refusal(sign_up(post, clinician.email)) == (500, "1003")
        clinician.refresh_from_db()
        assert clinician.password == before

    def test_knocking_is_throttled_by_address_from_everywhere(self, api, db):
        body = {"email": "nobody@example.org", "password": TYPED}
        answers = [refusal(api().post(SIGN_UP, body, REMOTE_ADDR=f"10.0.0.{i}")) for i in range(31)]
        assert answers == [(500, "1002")] * 30 + [(503, "1129")]


class TestAtOnce:
    @pytest.fixture(autouse=True)
    def _on(self, settings):
        settings.ROSTER_SIGNUP = True

    def test_sets_the_password(self, post, invitee):
        assert answered(sign_up(post, " Invitee@example.org")) == DONE
        assert post(LOG_IN, email=invitee.email, password=TYPED).status_code == 200
        assert mail.outbox == []
        assert AuditEvent.objects.filter(action="signed_up", actor=str(invitee.pk)).count() == 1

    def test_closes_the_invitation_and_ends_what_came_before(self, post, invitee):
        invitation = actions.invite(user=invitee, by=None)
        sign_up(post)
        invitation.refresh_from_db()
        assert invitation.revoked_at is not None
        assert User.objects.get(pk=invitee.pk).token_epoch == invitee.token_epoch + 1

    @pytest.mark.parametrize("path", [LOG_IN, RESET_REQUEST])
    def test_an_invitation_in_the_mailbox_does_not_keep_from_signing_up(
        self, post, invitee, path, django_capture_on_commit_callbacks
    ):
        with django_capture_on_commit_callbacks(execute=True):
            actions.invite(user=invitee, by=None)
        response = post(path, email=invitee.email, password=TYPED)
        assert refusal(response) == (500, "1004")
        assert said(response).endswith("please sign up.")

    def test_nobody_claims_an_account_that_opens_the_administration(self, post, invitee):
        User.objects.filter(pk=invitee.pk).update(is_staff=True)
        assert answered(sign_up(post)) == DONE
        assert not User.objects.get(pk=invitee.pk).has_usable_password()
        assert [message.to for message in mail.outbox] == [[invitee.email]]

    def test_nor_one_that_has_a_role_in_a_study_and_no_way_into_the_administration(self, post, invitee, administrator):
        study = factories.make_study(by=administrator)
        grant_role(user=invitee, experiment=study, role="blinded_analyst", by=administrator)
        actions.change_global_role(
            user=invitee, is_superuser=False, is_data_staff=False, is_staff=False, by=administrator
        )
        assert answered(sign_up(post)) == DONE
        assert not User.objects.get(pk=invitee.pk).has_usable_password()
        assert [message.to for message in mail.outbox] == [[invitee.email]]


class TestByLink:
    @pytest.fixture(autouse=True)
    def _off(self, settings):
        settings.ROSTER_SIGNUP = False

    def token(self):
        page, token = link_in(mail.outbox[-1].body).strip("/").split("/")
        assert page == "reset-password"
        return token

    def test_keeps_nothing_of_the_typed_password(self, post, invitee):
        before = invitee.password
        with patch("django.contrib.auth.hashers.make_password") as hashed:
            assert answered(sign_up(post)) == DONE
        hashed.assert_not_called()
        invitee.refresh_from_db()
        assert invitee.password == before
        assert TYPED not in "".join(AuditEvent.objects.values_list("data", flat=True)) + mail.outbox[0].body
        assert refusal(post(LOG_IN, email=invitee.email, password=TYPED)) == (500, "1004")

    def test_the_log_in_then_says_to_open_the_link(self, post, invitee):
        sign_up(post)
        assert "Please open it, then log in" in said(post(LOG_IN, email=invitee.email, password=TYPED))

    def test_once_the_link_is_too_old_the_log_in_says_to_sign_up(self, post, invitee, clock):
        sign_up(post)
        clock.forward(days=3)
        assert said(post(LOG_IN, email=invitee.email, password=TYPED)).endswith("please sign up.")

    @pytest.mark.parametrize("days", [0, 3], ids=["lost", "too old"])
    def test_a_new_link_can_be_asked_for_as_for_a_forgotten_password(self, post, invitee, clock, days):
        sign_up(post)
        clock.forward(days=days)
        assert post(RESET_REQUEST, email=invitee.email).status_code == 200
        assert [message.subject for message in mail.outbox] == ["Set your password"] * 2
        assert post(RESET, resetToken=self.token(), password=NEW_PASSWORD).status_code == 200

    def test_a_link_that_was_ended_is_no_longer_spoken_of(self, post, invitee):
        sign_up(post)
        actions.change_address(user=invitee, email="new@example.org", by=None)
        assert said(post(LOG_IN, email="new@example.org", password=TYPED)).endswith("please sign up.")
        assert refusal(post(RESET, resetToken=self.token(), password=NEW_PASSWORD)) == (500, "1022")

    def test_a_mail_that_did_not_go_out_is_not_spoken_of(self, post, invitee):
        with patch("participants.mail.EmailMessage.send", side_effect=ConnectionRefusedError):
            assert refusal(sign_up_in_the_request(invitee)) == (500, "1040")
        assert said(post(LOG_IN, email=invitee.email, password=TYPED)).endswith("please sign up.")

    def test_the_link_sets_the_first_password_and_closes_invitations(self, post, invitee):
        invitation = actions.invite(user=invitee, by=None)
        sign_up(post)
        assert post(RESET, resetToken=self.token(), password=NEW_PASSWORD).status_code == 200
        assert post(LOG_IN, email=invitee.email, password=NEW_PASSWORD).status_code == 200
        invitation.refresh_from_db()
        assert invitation.revoked_at is not None

    def test_the_link_works_without_the_client_too(self, client, post, invitee):
        sign_up(post)
        page = f"/reset-password/{self.token()}"
        assert invitee.email in client.get(page).content.decode()
        client.post(page, {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD})
        assert post(LOG_IN, email=invitee.email, password=NEW_PASSWORD).status_code == 200

    def test_the_link_leads_to_where_the_client_is(self, post, invitee, settings):
        settings.CLIENT_URL = "https://client.example.org"
        sign_up(post)
        assert "https://client.example.org/reset-password/" in mail.outbox[0].body

    def test_asking_is_audited(self, post, invitee):
        sign_up(post)
        assert AuditEvent.objects.get().action == "sign_up_requested"


def sign_up_in_the_request(user):
    """Where the mail is sent within the request, as on_commit does outside of a test's transaction."""
    from rest_framework.test import APIClient

    with patch("participants.mail.transaction.on_commit", side_effect=lambda send: send()):
        return APIClient().post(SIGN_UP, {"email": user.email, "password": TYPED})
