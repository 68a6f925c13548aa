from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from augmed.foundation import audit
from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import Conflict, Forbidden, Invalid
from augmed.foundation.models import AuditEvent
from augmed.foundation.permissions import Verb
from participants import actions
from participants.authentication import ApiKeyAuthentication
from participants.models import ApiKey, User

pytestmark = pytest.mark.django_db


def in_days(days):
    return timezone.now() + timedelta(days=days)


def make(owner, *scopes, **fields):
    given = {"label": "nightly analysis", "scopes": scopes or (Verb.EXPORT,), "expires_at": in_days(30), **fields}
    return actions.create_api_key(owner=owner, by=given.pop("by", owner), **given)


def come_by(secret):
    headers = {} if secret is None else {"X-API-Key": secret}
    return ApiKeyAuthentication().authenticate(Request(RequestFactory().get("/", headers=headers)))


class TestCreate:
    def test_only_the_hash_of_the_secret_is_kept(self, owner):
        made = make(owner)
        stored = ApiKey.objects.values().get()
        assert stored["secret_hash"] == sha256_hex(made.secret)
        assert made.secret not in json.dumps(stored, default=str)
        assert made.secret.startswith(stored["prefix"])
        assert len(made.secret) - len(stored["prefix"]) >= 32
        assert made.secret not in repr(made)

    def test_no_two_secrets_are_alike(self, owner):
        assert make(owner).secret != make(owner).secret

    def test_it_is_audited_without_the_secret(self, owner):
        made = make(owner, Verb.EXPORT, Verb.VIEW_EXPERIMENT)
        event = AuditEvent.objects.get(action="api_key_created")
        assert (event.actor, event.target_id) == (str(owner.pk), str(made.key.pk))
        assert json.loads(event.data)["scopes"] == ["view_experiment", "export"]
        assert made.secret not in event.data

    @pytest.mark.parametrize(
        ("fields", "place"),
        [
            ({"label": "  "}, "label"),
            ({"label": "x" * 101}, "label"),
            ({"scopes": []}, "scopes"),
            ({"scopes": [Verb.EXPORT, Verb.ERASE]}, "scopes"),
            ({"scopes": [Verb.VIEW_CASES]}, "scopes"),
            ({"expires_at": in_days(-1)}, "expires_at"),
            ({"expires_at": in_days(400)}, "expires_at"),
        ],
    )
    def test_refuses(self, owner, fields, place):
        with pytest.raises(Invalid) as refusal:
            make(owner, **fields)
        assert set(refusal.value.errors) == {place}
        assert not ApiKey.objects.exists()

    def test_nobody_makes_a_key_for_another(self, owner, administrator):
        with pytest.raises(Forbidden):
            make(owner, by=administrator)

    def test_a_participant_has_none(self, clinician):
        with pytest.raises(Conflict):
            make(clinician)

    def test_a_key_makes_no_keys(self, administrator):
        user, _ = come_by(make(administrator, Verb.MANAGE_ACCOUNTS).secret)
        with pytest.raises(Forbidden):
            make(user)


class TestRevoke:
    def test_ends_it_at_once(self, owner):
        made = make(owner)
        actions.revoke_api_key(key=made.key, by=owner)
        with pytest.raises(AuthenticationFailed):
            come_by(made.secret)
        event = AuditEvent.objects.get(action="api_key_revoked")
        assert (event.actor, event.target_id) == (str(owner.pk), str(made.key.pk))

    def test_an_administrator_may_and_a_stranger_may_not(self, owner, administrator, stranger):
        key = make(owner).key
        with pytest.raises(Forbidden):
            actions.revoke_api_key(key=key, by=stranger)
        actions.revoke_api_key(key=key, by=administrator)
        with pytest.raises(Conflict):
            actions.revoke_api_key(key=key, by=owner)

    def test_deactivation_ends_all_and_reactivation_brings_none_back(self, owner, administrator):
        made = make(owner)
        actions.deactivate(user=owner, by=administrator)
        actions.reactivate(user=owner, by=administrator)
        with pytest.raises(AuthenticationFailed):
            come_by(made.secret)
        event = AuditEvent.objects.get(action="account_deactivated")
        assert json.loads(event.data) == {"api_keys_revoked": [made.key.pk]}


class TestAuthentication:
    def test_gives_the_owner_by_one_query(self, owner, django_assert_num_queries):
        made = make(owner)
        come_by(made.secret)  # notes the use
        with django_assert_num_queries(1):
            user, key = come_by(made.secret)
        assert (user, key) == (owner, made.key)

    @pytest.mark.parametrize("secret", [None, "", " ", "augmed_wrong", "é", "x" * 5000])
    def test_refuses_what_is_no_key(self, owner, secret):
        make(owner)
        with pytest.raises(AuthenticationFailed, match=r"^Invalid or missing API key$"):
            come_by(secret)

    def test_ends_with_its_time(self, owner, clock):
        made = make(owner)
        clock.forward(days=31)
        with pytest.raises(AuthenticationFailed):
            come_by(made.secret)

    def test_is_dead_while_its_owner_is_not_active(self, owner):
        made = make(owner)
        User.objects.filter(pk=owner.pk).update(is_active=False)
        with pytest.raises(AuthenticationFailed):
            come_by(made.secret)

    def test_notes_its_use_at_most_once_an_hour(self, owner, clock, django_assert_num_queries):
        made = make(owner)
        come_by(made.secret)
        first = ApiKey.objects.get().last_used_at
        clock.forward(minutes=59)
        with django_assert_num_queries(1):
            come_by(made.secret)
        assert ApiKey.objects.get().last_used_at == first
        clock.forward(minutes=2)
        come_by(made.secret)
        assert ApiKey.objects.get().last_used_at > first


class TestLimit:
    def test_outside_studies_it_may_what_both_may(self, administrator, owner):
        user, _ = come_by(make(administrator, Verb.MANAGE_ACCOUNTS).secret)
        assert user.may(Verb.MANAGE_ACCOUNTS)
        assert [verb for verb in Verb if user.may(verb)] == [Verb.MANAGE_ACCOUNTS]
        researcher, _ = come_by(make(owner, Verb.MANAGE_ACCOUNTS).secret)
        assert not researcher.may(Verb.MANAGE_ACCOUNTS)

    def test_it_follows_what_its_owner_may_now(self, administrator, make_user):
        second = make_user("second@example.org", is_superuser=True, is_staff=True)
        secret = make(second, Verb.MANAGE_ACCOUNTS).secret
        actions.change_global_role(
            user=second, is_superuser=False, is_data_staff=False, is_staff=True, by=administrator
        )
        assert not come_by(secret)[0].may(Verb.MANAGE_ACCOUNTS)

    def test_a_verb_that_keys_no_longer_have_gives_nothing(self, administrator):
        made = make(administrator)
        ApiKey.objects.update(scopes=["erase", "of the past"])
        user, _ = come_by(made.secret)
        assert not any(user.may(verb) for verb in Verb)

    def test_what_was_remembered_before_the_limit_is_forgotten(self, administrator):
        assert administrator.may(Verb.ERASE)
        administrator.limit_to(frozenset({Verb.EXPORT}), api_key_id=1)
        assert not administrator.may(Verb.ERASE)


def test_the_audit_trail_names_the_key(administrator, make_user):
    made = make(administrator, Verb.MANAGE_ACCOUNTS)
    user, _ = come_by(made.secret)
    actions.create_account(email="new@example.org", by=user)
    event = AuditEvent.objects.get(action="account_created")
    assert event.actor == str(administrator.pk)
    assert json.loads(event.data)["api_key"] == made.key.pk
    assert list(audit.verify()) == []
