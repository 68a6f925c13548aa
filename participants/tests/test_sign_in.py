"""The one door: password, second factor, and where it leads."""

from __future__ import annotations

import json

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.urls import reverse

from augmed.foundation.models import AuditEvent
from participants import actions
from participants.tests.conftest import NEW_PASSWORD, PASSWORD, link_in
from participants.tests.second_factors import phone_of, switch_on, wait

pytestmark = pytest.mark.django_db
URL, CODE, ADMIN = reverse("sign_in"), reverse("sign_in_code"), reverse("admin:index")


@pytest.fixture
def phone(clinician, monkeypatch):
    return phone_of(clinician, monkeypatch)


@pytest.fixture
def codes(clinician, phone):
    return switch_on(clinician, phone)


def give_password(client, user, password=PASSWORD, **body):
    return client.post(URL, {"username": user.email, "password": password, **body})


def give_code(client, code, **body):
    return client.post(CODE, {"code": code, **body})


def is_signed_in(client):
    return "_auth_user_id" in client.session


class TestPassword:
    def test_opens_home(self, client, clinician):
        response = give_password(client, clinician)
        assert (response.status_code, response.headers["Location"]) == (302, reverse("home"))
        assert is_signed_in(client)

    def test_however_the_address_is_spelled(self, client, clinician):
        client.post(URL, {"username": " Clinician@Example.ORG", "password": PASSWORD})
        assert is_signed_in(client)

    @pytest.mark.parametrize("email", ["clinician@example.org", "nobody@example.org"])
    def test_wrong_and_unknown_look_alike(self, client, clinician, email):
        response = client.post(URL, {"username": email, "password": "wrong"})
        assert response.status_code == 200
        page = response.content.decode()
        assert "The address or the password is wrong." in page
        assert "<title>Error: Sign in" in page
        assert not is_signed_in(client)

    def test_a_deactivated_account_looks_like_a_wrong_password(self, client, clinician):
        actions.deactivate(user=clinician, by=None)
        assert "The address or the password is wrong." in give_password(client, clinician).content.decode()

    def test_leads_to_the_page_that_was_asked_for(self, client, clinician):
        asked = client.get(reverse("account"))
        response = client.post(asked.headers["Location"], {"username": clinician.email, "password": PASSWORD})
        assert response.headers["Location"] == reverse("account")

    @pytest.mark.parametrize("elsewhere", ["https://evil.example.org/", "//evil.example.org", "javascript:alert(1)"])
    def test_leads_nowhere_else(self, client, clinician, elsewhere):
        assert give_password(client, clinician, next=elsewhere).headers["Location"] == reverse("home")

    def test_ends_after_the_time_set_whatever_is_written_into_the_session(self, client, clinician, clock):
        give_password(client, clinician)
        clock.forward(hours=11)
        session = client.session
        session["later"] = True
        session.save()
        assert 0 < client.session.get_expiry_age() <= 3600
        assert client.get(reverse("account")).status_code == 200
        clock.forward(hours=1, seconds=1)
        assert client.get(reverse("account")).headers["Location"].startswith(URL)

    def test_who_is_signed_in_goes_on(self, client, clinician):
        give_password(client, clinician)
        assert client.get(URL).headers["Location"] == reverse("home")

    def test_nothing_of_it_is_kept(self, client, clinician):
        for response in (client.get(URL), give_password(client, clinician, "wrong"), give_password(client, clinician)):
            assert "no-store" in response.headers["Cache-Control"]

    def test_is_throttled(self, client, db):
        for number in range(31):
            response = client.post(URL, {"username": f"nobody{number}@example.org", "password": "x"})
        assert response.status_code == 429


class TestAdministration:
    def test_leads_through_the_same_door(self, client, owner):
        login = client.get(ADMIN).headers["Location"]
        door = client.get(login).headers["Location"]
        assert door.startswith(URL)
        response = client.post(door, {"username": owner.email, "password": PASSWORD})
        assert response.headers["Location"] == ADMIN
        assert client.get(ADMIN).status_code == 200

    def test_participants_are_led_home_instead(self, client, clinician):
        response = client.post(f"{URL}?next={ADMIN}", {"username": clinician.email, "password": PASSWORD})
        assert response.headers["Location"] == reverse("home")

    def test_participants_who_go_there_are_told(self, client, clinician):
        give_password(client, clinician)
        response = client.get(ADMIN, follow=True)
        assert response.status_code == 403
        assert "Your role does not open this page." in response.content.decode()

    def test_takes_no_password_of_its_own(self, client, owner):
        client.post(reverse("admin:login"), {"username": owner.email, "password": PASSWORD})
        assert not is_signed_in(client)

    def test_its_page_for_passwords_is_the_account_s(self, client, owner):
        give_password(client, owner)
        assert client.get(reverse("admin:password_change")).headers["Location"] == reverse("change_password")


class TestSecondFactor:
    def test_the_password_alone_signs_nobody_in(self, client, clinician, codes):
        response = give_password(client, clinician)
        assert response.headers["Location"] == CODE
        assert not is_signed_in(client)
        assert client.get(reverse("home")).status_code == 302
        assert not AuditEvent.objects.filter(action="logged_in").exists()

    def test_a_session_that_somebody_planted_is_not_half_way_in(self, client, clinician, phone, codes):
        planted = client.session
        planted["before"] = True
        planted.save()
        client.cookies[settings.SESSION_COOKIE_NAME] = planted.session_key
        give_password(client, clinician)
        assert client.session.session_key != planted.session_key
        client.cookies[settings.SESSION_COOKIE_NAME] = planted.session_key
        assert client.get(CODE).headers["Location"] == URL

    def test_the_code_signs_in(self, client, clinician, phone, codes):
        give_password(client, clinician)
        assert client.get(CODE).status_code == 200
        assert give_code(client, phone.code()).headers["Location"] == reverse("home")
        assert is_signed_in(client)
        assert json.loads(AuditEvent.objects.get(action="logged_in").data) == {"door": "screens"}

    def test_a_recovery_code_does_too(self, client, clinician, codes):
        give_password(client, clinician)
        give_code(client, codes[0])
        assert is_signed_in(client)

    def test_the_page_that_was_asked_for_is_kept_over_both_steps(self, client, clinician, phone, codes):
        step = give_password(client, clinician, next=reverse("account")).headers["Location"]
        assert f'value="{reverse("account")}"' in client.get(step).content.decode()
        assert give_code(client, phone.code(), next=reverse("account")).headers["Location"] == reverse("account")

    def test_without_the_password_there_is_no_page_for_the_code(self, client, clinician, phone, codes):
        assert client.get(CODE).headers["Location"] == URL
        assert give_code(client, phone.code()).headers["Location"] == URL
        assert not is_signed_in(client)

    def test_a_wrong_code_says_so_and_is_audited(self, client, clinician, phone, codes, clock):
        give_password(client, clinician)
        response = give_code(client, phone.wrong_code())
        assert "This code is wrong." in response.content.decode()
        assert json.loads(AuditEvent.objects.get(action="log_in_failed").data)["second_factor"] is True
        wait(clock)
        give_code(client, phone.code())
        assert is_signed_in(client)

    def test_wrong_codes_lock_out_as_wrong_passwords_do(self, client, clinician, phone, codes, settings, clock):
        settings.OTP_TOTP_THROTTLE_FACTOR = 0
        give_password(client, clinician)
        for _ in range(settings.AXES_FAILURE_LIMIT):
            response = give_code(client, phone.wrong_code())
        assert response.status_code == 429
        assert "Too many failed attempts" in response.content.decode()
        assert give_code(client, phone.code()).status_code == 429
        assert not is_signed_in(client)

    def test_giving_the_password_again_forgives_no_wrong_code(self, client, clinician, phone, codes, settings):
        settings.OTP_TOTP_THROTTLE_FACTOR = 0
        for _ in range(settings.AXES_FAILURE_LIMIT - 1):
            give_password(client, clinician)
            give_code(client, phone.wrong_code())
        give_password(client, clinician)
        assert give_code(client, phone.wrong_code()).status_code == 429

    def test_no_code_is_kept_with_the_failures(self, client, clinician, phone, codes):
        give_password(client, clinician)
        code = phone.wrong_code()
        give_code(client, code)
        kept = " ".join(AccessAttempt.objects.values_list("post_data", flat=True))
        assert code not in kept
        assert clinician.email not in kept

    def test_the_password_counts_for_ten_minutes(self, client, clinician, phone, codes, monkeypatch):
        give_password(client, clinician)
        session = client.session
        session["signing_in"] = {**session["signing_in"], "until": 1.0}
        session.save()
        assert give_code(client, phone.code()).headers["Location"] == URL

    @pytest.mark.parametrize("change", [actions.sign_out_everywhere, actions.deactivate])
    def test_what_ends_sessions_ends_half_a_sign_in(self, client, clinician, phone, codes, change):
        give_password(client, clinician)
        change(user=clinician, by=None)
        assert give_code(client, phone.code()).headers["Location"] == URL
        assert not is_signed_in(client)

    def test_a_mailed_link_does_not_go_around_it(
        self, client, clinician, codes, mailoutbox, django_capture_on_commit_callbacks
    ):
        with django_capture_on_commit_callbacks(execute=True):
            actions.request_password_reset(email=clinician.email)
        body = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
        response = client.post(link_in(mailoutbox[-1].body), body, follow=True)
        page = response.content.decode()
        assert "You can sign in with it now." in page
        assert f'value="{clinician.email}"' in page
        assert not is_signed_in(client)


class TestWhereStaffNeedOne:
    @pytest.fixture(autouse=True)
    def _required(self, settings):
        settings.SECOND_FACTOR_FOR_STAFF = "required"

    def test_the_administration_is_closed_until_it_is_set_up(self, client, owner):
        give_password(client, owner, next=ADMIN)
        response = client.get(ADMIN, follow=True)
        assert response.redirect_chain[-1][0] == reverse("account")
        assert "opens for you once you have set up a second factor" in response.content.decode()

    def test_it_opens_with_one(self, client, owner, monkeypatch):
        phone = phone_of(owner, monkeypatch)
        switch_on(owner, phone)
        give_password(client, owner, next=ADMIN)
        assert give_code(client, phone.code(), next=ADMIN).headers["Location"] == ADMIN
        assert client.get(ADMIN).status_code == 200

    def test_participants_are_asked_for_nothing(self, client, clinician):
        give_password(client, clinician)
        assert client.get(reverse("account")).status_code == 200


class TestMailedLinks:
    def test_who_set_the_first_password_is_signed_in(
        self, client, invitee, mailoutbox, django_capture_on_commit_callbacks
    ):
        with django_capture_on_commit_callbacks(execute=True):
            actions.invite(user=invitee, by=None)
        body = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
        response = client.post(link_in(mailoutbox[-1].body), body)
        assert response.headers["Location"] == reverse("home")
        assert client.session["_auth_user_id"] == str(invitee.pk)
        assert AuditEvent.objects.filter(action="logged_in", actor=str(invitee.pk)).count() == 1


def test_signing_out_says_so(client, clinician):
    give_password(client, clinician)
    assert "You are signed out." in client.post(reverse("sign_out"), follow=True).content.decode()
    assert not is_signed_in(client)


@pytest.mark.parametrize("name", ["sign_out", "admin:logout"])
def test_signing_out_empties_what_pages_kept_in_the_browser(client, administrator, name):
    give_password(client, administrator)
    answer = client.post(reverse(name))
    assert answer.headers["Clear-Site-Data"] == '"storage"'
    assert answer.headers["Location"] == reverse("sign_in")
    assert not is_signed_in(client)


def test_signing_out_is_a_post(client, clinician):
    give_password(client, clinician)
    assert client.get(reverse("sign_out")).status_code == 405
    assert is_signed_in(client)
