"""The actions: setting up, using, renewing and ending."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.models import AuditEvent
from participants import actions, second_factor
from participants.tests.second_factors import phone_of, switch_on, wait

pytestmark = pytest.mark.django_db
FULL_WIDTH = "\uff11\uff12\uff13\uff14\uff15\uff16"  # digits to Python, but none that an app shows


@pytest.fixture
def phone(clinician, monkeypatch):
    return phone_of(clinician, monkeypatch)


@pytest.fixture
def codes(clinician, phone):
    return switch_on(clinician, phone)


def refused(code, user):
    with pytest.raises((Invalid, Conflict)) as caught:
        actions.use_second_factor(user=user, code=code)
    return caught.value.code


def events(action):
    return AuditEvent.objects.filter(action=action)


class TestSettingUp:
    def test_counts_only_once_a_code_was_shown(self, clinician, phone, clock):
        actions.begin_second_factor(by=clinician)
        assert not second_factor.is_on(clinician)
        with pytest.raises(Invalid):
            actions.confirm_second_factor(code=phone.wrong_code(), by=clinician)
        assert not second_factor.is_on(clinician)
        wait(clock)
        assert len(actions.confirm_second_factor(code=phone.code(), by=clinician)) == 10
        assert second_factor.is_on(clinician)

    def test_beginning_again_ends_the_secret_from_before(self, clinician):
        first = actions.begin_second_factor(by=clinician)
        second = actions.begin_second_factor(by=clinician)
        assert first.key != second.key
        assert TOTPDevice.objects.get().key == second.key

    def test_is_refused_where_it_is_on(self, clinician, codes):
        with pytest.raises(Conflict, match="already"):
            actions.begin_second_factor(by=clinician)

    def test_confirming_is_refused_where_it_is_on(self, clinician, phone, codes):
        TOTPDevice.objects.create(user=clinician, name="app", confirmed=False, key=TOTPDevice.objects.get().key)
        with pytest.raises(Conflict, match="already"):
            actions.confirm_second_factor(code="123456", by=clinician)
        assert TOTPDevice.objects.filter(confirmed=True).count() == 1

    def test_confirming_nothing_is_refused(self, clinician):
        with pytest.raises(Conflict, match="begin again"):
            actions.confirm_second_factor(code="123456", by=clinician)

    def test_ends_tokens_and_is_audited(self, clinician, api, phone):
        client = api(clinician)
        switch_on(clinician, phone)
        assert client.get("/api/v2/auth/me").status_code == 401
        event = events("second_factor_enabled").get()
        assert (event.actor, event.target_id, event.data) == (str(clinician.pk), str(clinician.pk), "{}")

    def test_a_failed_audit_event_leaves_it_off(self, clinician, phone, monkeypatch):
        actions.begin_second_factor(by=clinician)

        def refuse(**kwargs):
            raise RuntimeError("no audit")

        monkeypatch.setattr("augmed.foundation.audit.record", refuse)
        with pytest.raises(RuntimeError):
            actions.confirm_second_factor(code=phone.code(), by=clinician)
        assert not second_factor.is_on(clinician)
        assert not StaticToken.objects.exists()


class TestCodes:
    def test_of_the_app_counts_once(self, clinician, phone, codes):
        code = phone.code()
        actions.use_second_factor(user=clinician, code=code)
        assert refused(code, clinician) == "second_factor_wrong"

    def test_of_the_app_may_be_typed_with_a_space(self, clinician, phone, codes):
        code = phone.code()
        actions.use_second_factor(user=clinician, code=f" {code[:3]} {code[3:]}")

    def test_of_another_person_does_not_count(self, clinician, other_clinician, phone, codes, monkeypatch):
        other = phone_of(other_clinician, monkeypatch)
        switch_on(other_clinician, other)
        assert refused(other.code(), clinician) == "second_factor_wrong"

    @pytest.mark.parametrize("typed", ["", "x", "12345", "1234567", "abcde-fghij", FULL_WIDTH, "-", "é" * 40])
    def test_made_up_ones_do_not_count(self, clinician, codes, typed):
        assert refused(typed, clinician) == "second_factor_wrong"

    def test_after_a_wrong_one_even_the_right_one_waits(self, clinician, phone, codes, clock):
        refused(phone.wrong_code(), clinician)
        assert refused(phone.code(), clinician) == "second_factor_wait"
        wait(clock)
        actions.use_second_factor(user=clinician, code=phone.code())

    def test_the_wait_doubles(self, clinician, phone, codes, clock):
        for _ in range(6):
            refused(phone.wrong_code(), clinician)
            clock.forward(minutes=1)
        refused(phone.wrong_code(), clinician)
        clock.forward(seconds=60)
        assert refused(phone.code(), clinician) == "second_factor_wait"
        clock.forward(seconds=5)
        actions.use_second_factor(user=clinician, code=phone.code())

    def test_without_a_second_factor_none_counts(self, clinician):
        assert refused("123456", clinician) == "second_factor_wrong"


class TestRecoveryCodes:
    def test_each_counts_once_and_is_audited(self, clinician, codes):
        actions.use_second_factor(user=clinician, code=codes[0])
        assert refused(codes[0], clinician) == "second_factor_wrong"
        assert json.loads(events("recovery_code_used").get().data) == {"left": 9}
        assert second_factor.second_factor_of(clinician).codes_left == 9

    def test_may_be_typed_in_capitals_and_without_the_dash(self, clinician, codes):
        actions.use_second_factor(user=clinician, code=codes[1].upper().replace("-", " "))

    def test_are_stored_as_hashes(self, codes):
        kept = set(StaticToken.objects.values_list("token", flat=True))
        assert len(kept) == 10
        assert not kept & {form for code in codes for form in (code, second_factor.plain(code))}

    def test_what_is_stored_is_no_code(self, clinician, codes):
        assert refused(StaticToken.objects.first().token, clinician) == "second_factor_wrong"

    def test_a_locked_app_does_not_lock_them(self, clinician, phone, codes):
        refused(phone.wrong_code(), clinician)
        actions.use_second_factor(user=clinician, code=codes[0])

    def test_new_ones_end_those_from_before(self, clinician, codes, clock):
        renewed = actions.renew_recovery_codes(by=clinician)
        assert not set(renewed) & set(codes)
        assert refused(codes[0], clinician) == "second_factor_wrong"
        wait(clock)
        actions.use_second_factor(user=clinician, code=renewed[0])
        assert events("recovery_codes_renewed").count() == 1

    def test_there_are_none_without_a_second_factor(self, clinician):
        with pytest.raises(Conflict):
            actions.renew_recovery_codes(by=clinician)


class TestEnding:
    def test_by_its_owner(self, clinician, codes):
        actions.disable_second_factor(by=clinician)
        assert not second_factor.is_on(clinician)
        assert not StaticDevice.objects.exists()
        assert events("second_factor_disabled").count() == 1

    def test_by_an_administrator_ends_tokens_too(self, clinician, administrator, codes, api):
        client = api(clinician)
        actions.reset_second_factor(user=clinician, by=administrator)
        assert not second_factor.is_on(clinician)
        assert client.get("/api/v2/auth/me").status_code == 401
        assert events("second_factor_reset").get().actor == str(administrator.pk)

    def test_an_administrator_does_not_reset_their_own(self, administrator, monkeypatch):
        switch_on(administrator, phone_of(administrator, monkeypatch))
        with pytest.raises(Conflict, match="account page"):
            actions.reset_second_factor(user=administrator, by=administrator)

    def test_where_there_is_none(self, clinician, administrator):
        for end in (
            lambda: actions.disable_second_factor(by=clinician),
            lambda: actions.reset_second_factor(user=clinician, by=administrator),
        ):
            with pytest.raises(Conflict, match="no second factor"):
                end()
        assert not AuditEvent.objects.exists()


class TestCommand:
    def run(self, email):
        out = StringIO()
        call_command("reset_second_factor", email, stdout=out)
        return out.getvalue()

    def test_takes_it_away_in_the_systems_name(self, administrator, monkeypatch):
        switch_on(administrator, phone_of(administrator, monkeypatch))
        assert "taken away" in self.run("Administrator@example.org")
        assert not second_factor.is_on(administrator)
        assert events("second_factor_reset").get().actor == "system"

    @pytest.mark.parametrize("email", ["nobody@example.org", "clinician@example.org"])
    def test_says_where_there_is_nothing_to_take(self, clinician, email):
        with pytest.raises(CommandError, match=r"no account|no second factor"):
            self.run(email)


def test_no_event_tells_a_secret(clinician, phone, codes):
    actions.use_second_factor(user=clinician, code=codes[0])
    text = " ".join(AuditEvent.objects.values_list("data", flat=True))
    device = TOTPDevice.objects.get()
    assert not [secret for secret in (device.key, *codes) if secret in text]


def test_what_the_account_page_tells_is_one_query(clinician, codes, django_assert_num_queries):
    with django_assert_num_queries(1):
        told = second_factor.second_factor_of(clinician)
    assert told.codes_left == 10
