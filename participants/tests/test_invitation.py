from __future__ import annotations

import pytest
from django.core import mail
from django.utils import timezone

from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.models import AuditEvent
from participants import actions
from participants.models import Invitation
from participants.tests.conftest import NEW_PASSWORD, link_in

pytestmark = pytest.mark.django_db
URL = "/api/v2/auth/accept-invitation"


@pytest.fixture
def token(invitee, administrator, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        actions.invite(user=invitee, by=administrator)
    return link_in(mail.outbox[-1].body).removeprefix("/invitation/")


def accept(api, token, password=NEW_PASSWORD):
    return api().post(URL, {"token": token, "password": password})


def test_is_mailed_with_a_link_and_noted_as_mailed(token, invitee):
    assert mail.outbox[-1].to == [invitee.email]
    invitation = Invitation.objects.get()
    assert invitation.mailed_at is not None
    assert token not in invitation.secret_hash


def test_names_no_study_but_the_address_to_sign_in_at(token):
    assert "take part" not in mail.outbox[-1].body
    assert "https://study.example.org/sign-in/\n" in mail.outbox[-1].body


def test_names_the_study_that_it_is_to(invitee, administrator, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        actions.invite(user=invitee, by=administrator, study_name="Risk & reading")
    assert "You are invited to take part in the study “Risk & reading”. An account was made" in mail.outbox[-1].body


def test_says_until_when_in_the_zone_of_the_screens(
    invitee, administrator, settings, django_capture_on_commit_callbacks
):
    settings.TIME_ZONE = "Asia/Tokyo"
    with django_capture_on_commit_callbacks(execute=True):
        invitation = actions.invite(user=invitee, by=administrator)
    there = timezone.localtime(invitation.expires_at)
    assert f"{there:%H:%M} (JST)" in mail.outbox[-1].body


def test_lets_its_owner_set_a_password_and_sign_in(api, token, invitee):
    assert accept(api, token).status_code == 204
    body = {"email": invitee.email, "password": NEW_PASSWORD}
    assert api().post("/api/v2/auth/token", body).status_code == 200
    assert AuditEvent.objects.filter(action="invitation_accepted", actor=str(invitee.pk)).count() == 1


def test_works_once(api, token, invitee):
    accept(api, token)
    response = accept(api, token, "yet another Passphrase 3!")
    assert response.status_code == 422
    assert response.json()["code"] == "invitation_invalid"
    invitee.refresh_from_db()
    assert invitee.check_password(NEW_PASSWORD)


def test_ends_with_its_time(api, token, clock):
    clock.forward(days=13, hours=23)
    assert accept(api, token, "short").json()["errors"]["password"]
    clock.forward(hours=2)
    assert accept(api, token).json()["code"] == "invitation_invalid"


def test_a_newer_one_ends_the_earlier(api, token, invitee, administrator):
    actions.invite(user=invitee, by=administrator)
    assert accept(api, token).json()["code"] == "invitation_invalid"


def test_can_be_revoked(api, token, administrator):
    actions.revoke_invitation(invitation=Invitation.objects.get(), by=administrator)
    assert accept(api, token).status_code == 422
    with pytest.raises(Conflict):
        actions.revoke_invitation(invitation=Invitation.objects.get(), by=administrator)


def test_deactivation_ends_it(api, token, invitee, administrator):
    actions.deactivate(user=invitee, by=administrator)
    assert accept(api, token).status_code == 422


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t.swapcase(), lambda t: t.split(".")[0], lambda t: "x"])
def test_a_changed_link_is_refused(api, token, change):
    assert accept(api, change(token)).status_code == 422


def test_a_weak_password_is_refused_and_the_link_still_works(api, token):
    response = accept(api, token, "password")
    assert response.status_code == 422
    assert any("too common" in text for text in response.json()["errors"]["password"])
    assert accept(api, token).status_code == 204


def test_a_password_like_the_address_is_refused(api, token):
    assert "password" in accept(api, token, "invitee@example").json()["errors"]


def test_who_has_a_password_is_not_invited(clinician, administrator):
    with pytest.raises(Conflict, match="has set a password"):
        actions.invite(user=clinician, by=administrator)


def test_a_deactivated_account_is_not_invited(invitee, administrator):
    actions.deactivate(user=invitee, by=administrator)
    with pytest.raises(Conflict, match="not active"):
        actions.invite(user=invitee, by=administrator)


def test_a_link_of_another_secret_key_is_refused(token, invitee, settings):
    settings.SECRET_KEY = "another"
    other = actions.invitations.invitation_token(Invitation.objects.get())
    with pytest.raises(Invalid):
        actions.accept_invitation(token=other, password=NEW_PASSWORD)


def test_a_mail_that_fails_shows(invitee, administrator, monkeypatch, django_capture_on_commit_callbacks):
    def refuse(*args, **kwargs):
        raise ConnectionRefusedError

    monkeypatch.setattr("participants.mail.EmailMessage.send", refuse)
    with pytest.raises(ConnectionRefusedError), django_capture_on_commit_callbacks(execute=True):
        actions.invite(user=invitee, by=administrator)
    assert Invitation.objects.get().mailed_at is None


class TestPage:
    def test_shows_a_form_without_using_the_link(self, client, token, invitee):
        for _ in range(2):
            response = client.get(f"/invitation/{token}")
            assert response.status_code == 200
            assert invitee.email in response.content.decode()
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert "no-store" in response.headers["Cache-Control"]

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_sets_the_password(self, client, token, invitee, slash):
        body = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
        response = client.post(f"/invitation/{token}{slash}", body, follow=True)
        assert response.status_code == 200
        assert "Your password is set" in response.content.decode()
        invitee.refresh_from_db()
        assert invitee.check_password(NEW_PASSWORD)

    def test_staff_are_shown_the_way_to_the_admin(self, client, token, invitee):
        invitee.is_staff = invitee.is_data_staff = True
        invitee.save()
        body = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
        response = client.post(f"/invitation/{token}", body, follow=True)
        assert "Open the administration" in response.content.decode()

    def test_says_what_is_wrong(self, client, token, invitee):
        response = client.post(f"/invitation/{token}", {"new_password1": "password", "new_password2": "passw0rd"})
        assert response.status_code == 200
        assert "match." in response.content.decode()
        invitee.refresh_from_db()
        assert not invitee.has_usable_password()

    def test_a_password_that_is_refused_is_told_where_it_is_chosen(self, client, token):
        short = {"new_password1": "abc", "new_password2": "abc"}
        errors = client.post(f"/invitation/{token}", short).context["form"].errors
        assert "too short" in errors["new_password1"][0]
        assert "new_password2" not in errors

    def test_a_used_link_says_so(self, client, token):
        actions.accept_invitation(token=token, password=NEW_PASSWORD)
        response = client.get(f"/invitation/{token}")
        assert response.status_code == 410
        assert "Ask for a new one" in response.content.decode()

    def test_is_throttled_and_logs_no_link(self, client, token, caplog):
        for _ in range(31):
            response = client.post(f"/invitation/{token}", {})
        assert response.status_code == 429
        assert token not in caplog.text
