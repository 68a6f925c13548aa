from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from augmed.foundation.models import AuditEvent
from participants import actions, second_factor
from participants.tests.conftest import NEW_PASSWORD, PASSWORD
from participants.tests.second_factors import phone_of, switch_on, wait

pytestmark = pytest.mark.django_db
ACCOUNT, BEGIN, SET_UP = reverse("account"), reverse("second_factor_begin"), reverse("second_factor_set_up")
CODES, OFF, PASSWORD_PAGE = reverse("second_factor_codes"), reverse("second_factor_off"), reverse("change_password")


def signed_in(user):
    client = Client()
    client.post(reverse("sign_in"), {"username": user.email, "password": PASSWORD})
    return client


@pytest.fixture
def phone(clinician, monkeypatch):
    return phone_of(clinician, monkeypatch)


@pytest.fixture
def reader(clinician):
    return signed_in(clinician)


@pytest.fixture
def protected(reader, clinician, phone):
    """Signed in, with a second factor that was set up in this session."""
    reader.post(BEGIN, {"password": PASSWORD})
    reader.post(SET_UP, {"code": phone.code()})
    return reader


@pytest.mark.parametrize("url", [ACCOUNT, BEGIN, SET_UP, CODES, OFF, PASSWORD_PAGE])
def test_is_for_those_who_are_signed_in(client, db, url):
    for response in (client.get(url), client.post(url, {"password": PASSWORD})):
        assert response.status_code in {302, 405}
    assert client.get(url, follow=True).redirect_chain[-1][0].startswith(reverse("sign_in"))


def test_tells_who_one_is(reader, clinician):
    page = reader.get(ACCOUNT).content.decode()
    assert clinician.email in page
    assert clinician.profile.name in page
    assert "Set up a second factor" in page


def test_costs_the_same_whatever_is_set_up(reader, protected, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        reader.get(ACCOUNT)


def test_an_account_without_a_profile_has_a_page(reader, clinician):
    clinician.profile.delete()
    assert reader.get(ACCOUNT).status_code == 200


def test_keeps_the_language(reader, clinician):
    response = reader.post(reverse("set_language"), {"language": "de", "next": ACCOUNT})
    assert response.headers["Location"] == ACCOUNT
    assert reader.get(ACCOUNT).headers["Content-Language"] == "de"
    clinician.profile.refresh_from_db()
    assert clinician.profile.language == "de"


def test_signs_out_everywhere(reader, clinician, api):
    other, client = signed_in(clinician), api(clinician)
    response = reader.post(reverse("sign_out_everywhere"), follow=True)
    assert "You are signed out on every device." in response.content.decode()
    assert other.get(ACCOUNT).status_code == 302
    assert client.get("/api/v2/auth/me").status_code == 401
    assert AuditEvent.objects.filter(action="signed_out_everywhere", actor=str(clinician.pk)).count() == 1


class TestPassword:
    def change(self, client, old=PASSWORD, new=NEW_PASSWORD, again=NEW_PASSWORD):
        body = {"old_password": old, "new_password1": new, "new_password2": again}
        return client.post(PASSWORD_PAGE, body)

    def test_is_changed_here_and_this_session_stays(self, reader, clinician, api):
        other, client = signed_in(clinician), api(clinician)
        assert self.change(reader).headers["Location"] == ACCOUNT
        assert "Your password is changed." in reader.get(ACCOUNT).content.decode()
        assert other.get(ACCOUNT).status_code == 302
        assert client.get("/api/v2/auth/me").status_code == 401
        clinician.refresh_from_db()
        assert clinician.check_password(NEW_PASSWORD)
        assert AuditEvent.objects.filter(action="password_changed").count() == 1

    def test_needs_the_old_one(self, reader, clinician):
        page = self.change(reader, old="wrong").content.decode()
        assert "This is not your password." in page
        clinician.refresh_from_db()
        assert clinician.check_password(PASSWORD)

    @pytest.mark.parametrize(("new", "again"), [("password", "password"), (NEW_PASSWORD, "other"), ("", "")])
    def test_says_what_is_wrong(self, reader, new, again):
        page = self.change(reader, new=new, again=again).content.decode()
        assert "errorlist" in page
        assert "<title>Error:" in page

    def test_guessing_the_old_one_locks_out(self, reader, settings):
        for _ in range(settings.AXES_FAILURE_LIMIT):
            response = self.change(reader, old="wrong")
        assert response.status_code == 429
        assert self.change(reader).status_code == 429


class TestSettingUpASecondFactor:
    def test_asks_for_the_password_first(self, reader, clinician):
        assert reader.get(SET_UP).headers["Location"] == BEGIN
        assert "This is not your password." in reader.post(BEGIN, {"password": "wrong"}).content.decode()
        assert not TOTPDevice.objects.exists()

    def test_shows_a_picture_and_the_key(self, reader, clinician):
        assert reader.post(BEGIN, {"password": PASSWORD}).headers["Location"] == SET_UP
        response = reader.get(SET_UP)
        page = response.content.decode()
        assert "<svg" in page
        assert "style=" not in page
        key = re.search(r'class="secret">([A-Z2-7 ]+)<', page)[1]
        assert len(key.replace(" ", "")) == 32
        assert "no-store" in response.headers["Cache-Control"]

    def test_a_reload_shows_the_same_key(self, reader):
        reader.post(BEGIN, {"password": PASSWORD})
        keys = [re.search(r'class="secret">([A-Z2-7 ]+)<', reader.get(SET_UP).content.decode())[1] for _ in range(2)]
        assert keys[0] == keys[1]

    def test_a_wrong_code_says_so(self, reader, phone, clinician):
        reader.post(BEGIN, {"password": PASSWORD})
        assert "This code is wrong." in reader.post(SET_UP, {"code": phone.wrong_code()}).content.decode()
        assert not second_factor.is_on(clinician)

    def test_shows_ten_codes_once_and_keeps_this_session(self, reader, phone, clinician):
        other = signed_in(clinician)
        reader.post(BEGIN, {"password": PASSWORD})
        response = reader.post(SET_UP, {"code": phone.code()})
        shown = re.findall(r"<code>([a-z2-9]{5}-[a-z2-9]{5})</code>", response.content.decode())
        assert len(set(shown)) == 10
        assert "no-store" in response.headers["Cache-Control"]
        assert "10 recovery codes are left" in reader.get(ACCOUNT).content.decode()
        assert other.get(ACCOUNT).status_code == 302
        assert not any(code in str(dict(reader.session)) for code in shown)

    def test_sent_twice_it_goes_to_the_account(self, protected):
        assert protected.post(SET_UP, {"code": "123456"}, follow=True).redirect_chain[-1][0] == ACCOUNT

    def test_the_key_is_not_shown_again(self, protected):
        assert protected.get(SET_UP, follow=True).redirect_chain[-1][0] == ACCOUNT

    def test_the_secret_is_shown_for_a_quarter_of_an_hour(self, reader):
        reader.post(BEGIN, {"password": PASSWORD})
        session = reader.session
        session["password_given_until"] = 1.0
        session.save()
        assert reader.get(SET_UP).headers["Location"] == BEGIN


class TestASecondFactorThatIsOn:
    def test_new_codes_need_the_password(self, protected, clinician):
        assert "This is not your password." in protected.post(CODES, {"password": "wrong"}).content.decode()
        page = protected.post(CODES, {"password": PASSWORD}).content.decode()
        assert len(re.findall(r"<code>[a-z2-9]{5}-[a-z2-9]{5}</code>", page)) == 10
        assert "The old ones have ended." in page

    def test_switching_off_needs_the_password(self, protected, clinician):
        protected.post(OFF, {"password": "wrong"})
        assert second_factor.is_on(clinician)
        page = protected.post(OFF, {"password": PASSWORD}, follow=True).content.decode()
        assert "The second factor is switched off." in page
        assert not second_factor.is_on(clinician)

    def test_guessing_the_password_locks_out(self, protected, clinician, settings):
        for _ in range(settings.AXES_FAILURE_LIMIT):
            response = protected.post(OFF, {"password": "wrong"})
        assert response.status_code == 429
        assert protected.post(OFF, {"password": PASSWORD}).status_code == 429
        assert second_factor.is_on(clinician)

    def test_few_codes_left_are_pointed_out(self, protected, clinician, monkeypatch):
        codes = actions.renew_recovery_codes(by=clinician)
        for code in codes[:8]:
            actions.use_second_factor(user=clinician, code=code)
        assert re.search(r'class="note wait">\s*2 recovery codes are left', protected.get(ACCOUNT).content.decode())

    def test_the_next_sign_in_asks_for_it(self, protected, clinician, phone, client, clock):
        response = client.post(reverse("sign_in"), {"username": clinician.email, "password": PASSWORD})
        assert response.headers["Location"] == reverse("sign_in_code")
        wait(clock)
        client.post(reverse("sign_in_code"), {"code": phone.code()})
        assert client.get(ACCOUNT).status_code == 200


@pytest.mark.parametrize("url", [CODES, OFF])
def test_without_a_second_factor_there_is_nothing_to_renew_or_end(reader, url):
    assert reader.get(url).headers["Location"] == ACCOUNT
    assert reader.post(url, {"password": PASSWORD}).headers["Location"] == ACCOUNT


def test_an_administrator_sees_and_resets_it(administrator, clinician, phone, api):
    switch_on(clinician, phone)
    staff = signed_in(administrator)
    change_list = reverse("admin:participants_user_changelist")
    assert 'alt="True"' in staff.get(change_list).content.decode()
    body = {"action": "reset_second_factor", "_selected_action": [clinician.pk, administrator.pk]}
    page = staff.post(change_list, body, follow=True).content.decode()
    assert "1 second factors taken away" in page
    assert "Switch off your own second factor on your account page." in page
    assert not second_factor.is_on(clinician)
    assert AuditEvent.objects.get(action="second_factor_reset").actor == str(administrator.pk)


def test_secrets_have_no_page_in_the_administration(administrator):
    from django.contrib import admin
    from django_otp.plugins.otp_static.models import StaticDevice

    assert not admin.site.is_registered(TOTPDevice)
    assert not admin.site.is_registered(StaticDevice)
