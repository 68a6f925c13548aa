from __future__ import annotations

import json

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.models import AuditEvent
from participants import actions
from participants.models import Invitation, User
from participants.tests.conftest import NEW_PASSWORD

pytestmark = pytest.mark.django_db


class TestCreateAccount:
    def test_without_a_password_invites(self, administrator):
        user = actions.create_account(email="New@Example.org", by=administrator, profile={"name": "New"})
        assert (user.email, user.profile.name, user.is_staff) == ("new@example.org", "New", False)
        assert Invitation.objects.open().filter(user=user).count() == 1
        assert AuditEvent.objects.filter(action="account_created", target_id=str(user.pk)).count() == 1

    def test_with_a_password_does_not(self, administrator):
        user = actions.create_account(email="new@example.org", by=administrator, password=NEW_PASSWORD)
        assert user.check_password(NEW_PASSWORD)
        assert not Invitation.objects.exists()

    @pytest.mark.parametrize(
        ("email", "password", "field"),
        [
            ("no address", None, "email"),
            ("clinician@example.org", None, "email"),
            ("Clinician@example.org", None, "email"),
            ("a@b.org", "1", "password"),
        ],
    )
    def test_refuses_and_leaves_nothing(self, administrator, clinician, email, password, field):
        with pytest.raises(Invalid) as refused:
            actions.create_account(email=email, by=administrator, password=password)
        assert field in refused.value.errors
        assert User.objects.count() == 2

    def test_a_failed_audit_event_undoes_it(self, administrator, monkeypatch):
        def refuse(**kwargs):
            raise RuntimeError("no audit")

        monkeypatch.setattr("augmed.foundation.audit.record", refuse)
        with pytest.raises(RuntimeError):
            actions.create_account(email="new@example.org", by=administrator, password=NEW_PASSWORD)
        assert not User.objects.filter(email="new@example.org").exists()


def test_the_database_refuses_an_upper_case_address(db):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([User(email="Upper@example.org", password="!")])


class TestDeactivate:
    def test_and_back(self, api, clinician, administrator):
        client = api(clinician)
        actions.deactivate(user=clinician, by=administrator)
        assert client.get("/api/v2/auth/me").status_code == 401
        actions.reactivate(user=clinician, by=administrator)
        assert client.get("/api/v2/auth/me").status_code == 401  # earlier tokens stay ended
        assert api(clinician).get("/api/v2/auth/me").status_code == 200
        actions_told = AuditEvent.objects.order_by("sequence").values_list("action", flat=True)
        assert list(actions_told) == ["account_deactivated", "account_reactivated"]

    def test_twice_is_a_conflict(self, clinician, administrator):
        actions.deactivate(user=clinician, by=administrator)
        with pytest.raises(Conflict):
            actions.deactivate(user=clinician, by=administrator)
        actions.reactivate(user=clinician, by=administrator)
        with pytest.raises(Conflict):
            actions.reactivate(user=clinician, by=administrator)

    def test_not_oneself(self, administrator):
        with pytest.raises(Conflict, match="your own"):
            actions.deactivate(user=administrator, by=administrator)

    def test_not_the_last_administrator(self, administrator, clinician):
        with pytest.raises(Conflict, match="last active administrator"):
            actions.deactivate(user=administrator, by=None)

    def test_one_of_two_administrators(self, administrator, make_user):
        second = make_user("second@example.org", is_superuser=True, is_staff=True)
        actions.deactivate(user=administrator, by=second)
        with pytest.raises(Conflict, match="last active administrator"):
            actions.change_global_role(user=second, is_superuser=False, is_data_staff=False, by=None)
        second.refresh_from_db()
        assert second.is_superuser

    def test_verbs_are_gone_at_once(self, data_staff, administrator):
        assert data_staff.global_verbs
        actions.deactivate(user=data_staff, by=administrator)
        assert data_staff.global_verbs == frozenset()


class TestChangeGlobalRole:
    def test_opens_the_admin_and_is_audited(self, clinician, administrator):
        actions.change_global_role(user=clinician, is_superuser=False, is_data_staff=True, by=administrator)
        clinician.refresh_from_db()
        assert (clinician.is_data_staff, clinician.is_staff, clinician.token_epoch) == (True, True, 1)
        event = AuditEvent.objects.get(action="global_role_changed")
        assert json.loads(event.data) == {"is_data_staff": True, "is_staff": True}

    def test_taking_it_leaves_the_admin_open_for_study_roles(self, data_staff, administrator):
        actions.change_global_role(user=data_staff, is_superuser=False, is_data_staff=False, by=administrator)
        data_staff.refresh_from_db()
        assert (data_staff.is_data_staff, data_staff.is_staff) == (False, True)

    def test_no_change_is_no_event_and_ends_nothing(self, data_staff, administrator):
        actions.change_global_role(user=data_staff, is_superuser=False, is_data_staff=True, by=administrator)
        assert data_staff.token_epoch == 0
        assert not AuditEvent.objects.exists()


class TestChangeAddress:
    def test_in_lower_case_and_never_in_the_audit_trail(self, clinician, administrator):
        actions.change_address(user=clinician, email="New@Example.org", by=administrator)
        clinician.refresh_from_db()
        assert clinician.email == "new@example.org"
        assert "example" not in AuditEvent.objects.get(action="address_changed").data

    @pytest.mark.parametrize("email", ["Other@example.org", "nonsense", ""])
    def test_refuses_a_taken_or_bad_one(self, clinician, other_clinician, email):
        with pytest.raises(Invalid):
            actions.change_address(user=clinician, email=email, by=None)
        clinician.refresh_from_db()
        assert clinician.email == "clinician@example.org"


class TestChangeProfile:
    def test_refuses_an_unknown_field(self, clinician):
        with pytest.raises(Invalid) as refused:
            actions.change_profile(user=clinician, by=clinician, user_id=1)
        assert set(refused.value.errors) == {"user_id"}

    def test_makes_a_missing_profile(self, clinician):
        clinician.profile.delete()
        clinician.refresh_from_db()
        actions.change_profile(user=clinician, by=None, intake={"years": "5"})
        assert User.objects.get(pk=clinician.pk).profile.intake == {"years": "5"}

    def test_an_attribute_that_says_who_somebody_is_is_refused(self, clinician):
        with pytest.raises(Invalid) as refused:
            actions.change_profile(user=clinician, by=None, intake={"Vorname": "Ann", "years": "5"})
        assert "says a name" in refused.value.errors["intake"][0]


class TestCreatesuperuser:
    def run(self, monkeypatch, email="Root@Example.org"):
        monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", email)
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", NEW_PASSWORD)
        call_command("createsuperuser", "--noinput", verbosity=0)

    def test_gives_an_administrator(self, monkeypatch, client):
        self.run(monkeypatch)
        user = User.objects.get(email="root@example.org")
        assert user.is_superuser
        assert user.is_staff
        assert user.profile.name == ""
        assert AuditEvent.objects.filter(action="account_created", actor="system").count() == 1
        body = {"username": "root@example.org", "password": NEW_PASSWORD}
        assert client.post("/sign-in/?next=/admin/", body).status_code == 302
        assert client.get("/admin/participants/user/").status_code == 200


def test_accounts_are_visible_to_those_who_manage_them(administrator, data_staff, owner, clinician):
    assert User.objects.visible_to(administrator).count() == 4
    for user in (data_staff, owner, clinician):
        assert list(User.objects.visible_to(user)) == [user]
