"""Accounts: passwords that open, and what is not given."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.test import RequestFactory

from augmed.published.moving.run import import_augmed
from augmed.published.moving.tests.dump import PASSWORD, Dump, augmed_hash
from experiments.actions.roles import grant_role
from experiments.models import Experiment
from participants.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def move(tmp_path: Path) -> Any:
    return lambda dump: import_augmed(source=dump.to_folder(tmp_path / "dump"), by=None)


def signs_in(email: str, password: str = PASSWORD) -> bool:
    request = RequestFactory().post("/")
    return authenticate(request, username=email, password=password) is not None


def test_who_had_signed_up_signs_in_with_the_same_password(move):
    dump = Dump()
    dump.user("Ada@Example.org")
    move(dump)
    ada = User.objects.get(email="ada@example.org")
    assert (ada.profile.name, ada.profile.position, ada.profile.employer) == ("Ada", "GP", "")
    assert ada.date_joined == datetime(2024, 1, 2, 3, 4, 5, 600000, tzinfo=UTC)
    assert signs_in("ada@example.org")
    assert not signs_in("ada@example.org", "another")


def test_who_had_not_signed_up_has_no_password(move):
    dump = Dump()
    dump.user("ben@example.org", password=None)
    dump.user("carl@example.org", active=False)  # a password by a reset, which did not let in there either
    move(dump)
    assert not any(user.has_usable_password() for user in User.objects.all())
    assert all(user.is_active for user in User.objects.all())


def test_administrators_of_augmed_get_no_right_here(move):
    dump = Dump()
    dump.user("root@example.org", admin_flag=True)
    report = move(dump)
    user = User.objects.get()
    assert (user.is_superuser, user.is_staff, user.is_data_staff) == (False, False, False)
    assert "administrator" in report.notes[0].text
    assert "@" not in str(report.notes)


def test_of_two_addresses_that_differ_in_case_the_one_in_use_comes(move):
    dump = Dump()
    dump.user("ada@example.org", password=None, name="Unused")
    dump.user("Ada@example.org", name="Used")
    report = move(dump)
    assert [user.profile.name for user in User.objects.all()] == ["Used"]
    assert [(one.key, one.row) for one in report.problems] == [("1", 2)]
    assert "user 2" in report.problems[0].text


def test_an_account_that_is_here_stays_as_it_is(move, make_user):
    own = make_user("ada@example.org")
    dump = Dump()
    dump.user("ada@example.org", name="Another")
    report = move(dump)
    own.refresh_from_db()
    assert (own.profile.name, own.check_password("a long Passphrase 1!")) == ("Ada", True)
    assert report.counts["user"].was_there == 1


def test_a_password_follows_augmeds_until_one_is_set_here(move):
    dump = Dump()
    row = dump.user("ada@example.org", password=None)
    move(dump)
    row.update({"password": augmed_hash(), "salt": "q80qRmRtWgGHg4zKlzJ9Xw==", "active": True})
    assert move(dump).counts["user"].changed == 1
    assert signs_in("ada@example.org")  # which stores Django's own hash

    row["password"] = augmed_hash("Another-1")
    assert move(dump).counts["user"].changed == 0
    assert signs_in("ada@example.org")


def test_staff_are_given_no_password_of_augmeds(move):
    User.objects.create_user("lead@example.org", None, is_staff=True)
    dump = Dump()
    dump.user("lead@example.org")
    move(dump)
    assert not User.objects.get().has_usable_password()


def test_nor_is_who_holds_a_role_in_a_study_without_a_way_into_the_administration(move):
    user = User.objects.create_user("analyst@example.org", None)
    study = Experiment.objects.create(name="Study")
    grant_role(user=user, experiment=study, role="blinded_analyst", by=None)
    User.objects.filter(pk=user.pk).update(is_staff=False)
    dump = Dump()
    dump.user("analyst@example.org")
    move(dump)
    assert not User.objects.get(pk=user.pk).has_usable_password()


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"email": "no address"}, "email"),
        ({"email": ""}, "email"),
        ({"name": "x" * 513}, "longer than 512"),
    ],
)
def test_a_row_that_is_no_account_is_named(move, cells, reason):
    dump = Dump()
    dump.user("ada@example.org")
    dump.user("ben@example.org").update(cells)
    report = move(dump)
    assert User.objects.count() == 1
    assert [one.key for one in report.problems] == ["2"]
    assert reason in report.problems[0].text


@pytest.mark.parametrize("cells", [{"password": "plain"}, {"salt": None}, {"salt": "a$b"}, {"password": "Zm9v"}])
def test_a_password_of_another_form_is_not_taken_over(move, cells):
    dump = Dump()
    dump.user("ada@example.org").update(cells)
    report = move(dump)
    assert not User.objects.get().has_usable_password()
    assert "forgot password" in report.notes[0].text
