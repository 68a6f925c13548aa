from __future__ import annotations

import json

import pytest

from augmed.foundation.models import AuditEvent
from participants.models import TokenFamily
from participants.tests.conftest import PASSWORD
from participants.tests.second_factors import phone_of, switch_on, wait

pytestmark = pytest.mark.django_db
URL, PUBLISHED = "/api/v2/auth/token", "/api/auth/login"


@pytest.fixture
def phone(clinician, monkeypatch):
    return phone_of(clinician, monkeypatch)


@pytest.fixture
def codes(clinician, phone):
    return switch_on(clinician, phone)


def log_in(api, user, password=PASSWORD, **body):
    return api().post(URL, {"email": user.email, "password": password, **body})


def test_the_password_alone_is_not_enough(api, clinician, codes):
    for body in ({}, {"second_factor": ""}):
        response = log_in(api, clinician, **body)
        assert response.status_code == 401
        assert response.json()["code"] == "second_factor_needed"
    assert not TokenFamily.objects.exists()


def test_asking_for_the_code_is_no_failure(api, clinician, codes, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT + 1):
        response = log_in(api, clinician)
    assert response.json()["code"] == "second_factor_needed"


def test_with_a_code_of_the_app(api, clinician, phone, codes):
    assert log_in(api, clinician, second_factor=phone.code()).status_code == 200


def test_with_a_recovery_code(api, clinician, codes):
    assert log_in(api, clinician, second_factor=codes[0]).status_code == 200
    assert AuditEvent.objects.filter(action="recovery_code_used").exists()


def test_a_wrong_code_is_counted_and_audited(api, clinician, phone, codes):
    response = log_in(api, clinician, second_factor=phone.wrong_code())
    assert (response.status_code, response.json()["code"]) == (401, "second_factor_wrong")
    event = AuditEvent.objects.get(action="log_in_failed")
    assert event.target_id == str(clinician.pk)
    assert json.loads(event.data) == {"door": "api", "locked_out": False, "second_factor": True}


def test_a_wrong_password_tells_nothing_of_a_second_factor(api, clinician, other_clinician, codes):
    told = [log_in(api, user, "wrong").json()["code"] for user in (clinician, other_clinician)]
    assert told == ["log_in_failed"] * 2


def test_wrong_codes_lock_out(api, clinician, phone, codes, settings, clock):
    settings.OTP_TOTP_THROTTLE_FACTOR = 0
    for _ in range(settings.AXES_FAILURE_LIMIT):
        response = log_in(api, clinician, second_factor=phone.wrong_code())
    response = log_in(api, clinician, second_factor=phone.code())
    assert (response.status_code, response.json()["code"]) == (429, "locked_out")
    clock.forward(minutes=16)
    assert log_in(api, clinician, second_factor=phone.code()).status_code == 200


def test_a_wait_is_told_and_not_counted(api, clinician, phone, codes, clock):
    log_in(api, clinician, second_factor=phone.wrong_code())
    response = log_in(api, clinician, second_factor=phone.code())
    assert (response.status_code, response.json()["code"]) == (401, "second_factor_wait")
    assert AuditEvent.objects.filter(action="log_in_failed").count() == 1
    wait(clock)
    assert log_in(api, clinician, second_factor=phone.code()).status_code == 200


def test_who_has_none_may_send_anything(api, clinician):
    assert log_in(api, clinician, second_factor="123456").status_code == 200


class TestWhereStaffNeedOne:
    @pytest.fixture(autouse=True)
    def _required(self, settings):
        settings.SECOND_FACTOR_FOR_STAFF = "required"

    def test_staff_without_one_are_refused(self, api, owner):
        response = log_in(api, owner)
        assert (response.status_code, response.json()["code"]) == (401, "second_factor_not_set_up")

    def test_staff_with_one_come_in(self, api, owner, monkeypatch):
        phone = phone_of(owner, monkeypatch)
        switch_on(owner, phone)
        assert log_in(api, owner, second_factor=phone.code()).status_code == 200

    def test_participants_are_asked_for_nothing(self, api, clinician):
        assert log_in(api, clinician).status_code == 200


class TestPublishedClient:
    def log_in(self, api, user, password=PASSWORD):
        return api().post(PUBLISHED, {"email": user.email, "password": password})

    def test_is_told_where_to_sign_in(self, api, clinician, codes, settings):
        response = self.log_in(api, clinician)
        assert response.status_code == 500  # what its client shows to people
        assert "Authorization" not in response.headers
        assert "second factor" in str(response.json())
        assert settings.PUBLIC_URL in str(response.json())
        assert not TokenFamily.objects.exists()

    def test_a_wrong_password_is_told_as_ever(self, api, clinician, codes):
        assert "Incorrect password" in str(self.log_in(api, clinician, "wrong").json())

    def test_staff_who_need_one_are_told_so(self, api, owner, settings):
        settings.SECOND_FACTOR_FOR_STAFF = "required"
        assert "needs a second factor" in str(self.log_in(api, owner).json())
