from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from augmed.foundation.permissions import Verb
from participants import actions
from participants.api_key_admin import WORDS
from participants.models import KEY_VERBS, ApiKey

pytestmark = pytest.mark.django_db
LIST, ADD = reverse("admin:participants_apikey_changelist"), reverse("admin:participants_apikey_add")


@pytest.fixture
def sign_in(client):
    def as_(user):
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return as_


def body(**changes):
    day = timezone.now().date() + timedelta(days=30)
    return {"label": "nightly analysis", "scopes": ["export", "view_experiment"], "last_day": day, **changes}


def key_of(user, label="nightly analysis", **fields):
    expires = timezone.now() + timedelta(days=30)
    return actions.create_api_key(owner=user, label=label, scopes=[Verb.EXPORT], expires_at=expires, by=user).key


def page_of(key):
    return reverse("admin:participants_apikey_change", args=[key.pk])


def test_every_scope_has_words():
    assert set(WORDS) == set(KEY_VERBS)


class TestMake:
    def test_the_secret_is_shown_once_and_opens_nothing_more_than_chosen(self, sign_in, owner):
        response = sign_in(owner).post(ADD, body())
        assert response.status_code == 200
        assert "no-store" in response.headers["Cache-Control"]
        (secret,) = re.findall(r'value="(augmed_[^"]+)"', response.content.decode())
        key = ApiKey.objects.get()
        assert (key.owner, key.label, key.scopes) == (owner, "nightly analysis", ["view_experiment", "export"])
        assert secret.startswith(key.prefix)
        for page in (LIST, page_of(key)):
            assert secret not in sign_in(owner).get(page).content.decode()

    def test_neither_session_nor_cookies_hold_the_secret(self, sign_in, owner):
        client = sign_in(owner)
        (secret,) = re.findall(r'value="(augmed_[^"]+)"', client.post(ADD, body()).content.decode())
        held = [str(session.get_decoded()) for session in Session.objects.all()]
        held += [morsel.value for morsel in client.cookies.values()]
        assert held
        assert not [text for text in held if secret in text or secret[12:] in text]

    def test_it_works_to_the_end_of_its_last_day(self, sign_in, owner):
        given = body()
        sign_in(owner).post(ADD, given)
        expires_at = ApiKey.objects.get().expires_at
        assert expires_at.date() == given["last_day"]
        assert (expires_at + timedelta(seconds=1)).date() > given["last_day"]

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"label": ""}, "This field is required"),
            ({"scopes": []}, "This field is required"),
            ({"scopes": ["erase"]}, "Select a valid choice"),
            ({"last_day": "2020-01-01"}, "within the next 366 days"),
            ({"last_day": "9999-12-30"}, "within the next 366 days"),
            ({"last_day": "9999-12-31"}, "within the next 366 days"),
        ],
    )
    def test_what_is_wrong_is_said(self, sign_in, owner, changes, message):
        response = sign_in(owner).post(ADD, body(**changes))
        assert message in response.content.decode()
        assert not ApiKey.objects.exists()

    def test_a_form_of_another_site_is_refused(self, owner):
        from django.test import Client

        strict = Client(enforce_csrf_checks=True)
        strict.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
        assert strict.post(ADD, body()).status_code == 403


class TestSee:
    def test_each_their_own_and_administrators_all(self, sign_in, owner, stranger, administrator):
        mine, other = key_of(owner, "mine"), key_of(stranger, "theirs")
        text = sign_in(owner).get(LIST).content.decode()
        assert "mine" in text
        assert "theirs" not in text
        assert sign_in(owner).get(page_of(mine)).status_code == 200
        assert sign_in(owner).get(page_of(other)).status_code == 404
        text = sign_in(administrator).get(LIST).content.decode()
        assert "mine" in text
        assert "theirs" in text

    @pytest.mark.parametrize("page", [LIST, ADD])
    def test_participants_are_sent_to_the_log_in(self, sign_in, clinician, page):
        assert sign_in(clinician).get(page).status_code == 302

    def test_says_what_became_of_each(self, sign_in, administrator, owner, stranger, clock):
        revoked, _expired = key_of(owner), key_of(stranger)
        actions.revoke_api_key(key=revoked, by=owner)
        clock.forward(days=40)
        text = sign_in(administrator).get(LIST).content.decode()
        assert "revoked" in text
        assert "expired" in text

    def test_the_list_costs_the_same_for_many(self, sign_in, administrator, owner, django_assert_max_num_queries):
        client = sign_in(administrator)
        for i in range(30):
            key_of(owner, f"key {i}")
        with django_assert_max_num_queries(7):
            client.get(LIST)


class TestRevoke:
    def act(self, client, key):
        return client.post(LIST, {"action": "revoke", "_selected_action": [key.pk]}, follow=True)

    def test_ones_own(self, sign_in, owner):
        key = key_of(owner)
        assert "is revoked" in self.act(sign_in(owner), key).content.decode()
        assert "revoked before" in self.act(sign_in(owner), key).content.decode()
        key.refresh_from_db()
        assert key.revoked_at is not None

    def test_not_a_strangers(self, sign_in, owner, stranger):
        key = key_of(stranger)
        self.act(sign_in(owner), key)
        key.refresh_from_db()
        assert key.revoked_at is None

    def test_an_administrator_anybodys(self, sign_in, owner, administrator):
        key = key_of(owner)
        self.act(sign_in(administrator), key)
        key.refresh_from_db()
        assert key.revoked_at is not None


def test_keys_are_neither_changed_nor_deleted(sign_in, administrator, owner):
    key = key_of(owner)
    client = sign_in(administrator)
    assert client.post(page_of(key), {"label": "other"}).status_code == 403
    assert client.post(reverse("admin:participants_apikey_delete", args=[key.pk])).status_code == 403
    assert ApiKey.objects.get().label == "nightly analysis"


def test_history_is_the_audit_trail(sign_in, administrator, owner):
    key = key_of(owner)
    address = reverse("admin:participants_apikey_history", args=[key.pk])
    assert "api_key_created" in sign_in(administrator).get(address, follow=True).content.decode()
