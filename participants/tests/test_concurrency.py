"""Two requests at the same moment, on a database with real concurrency."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from augmed.foundation.errors import DomainError
from augmed.foundation.models import AuditEvent
from augmed.foundation.permissions import Verb
from participants import actions, second_factor, tokens
from participants.actions.invitations import invitation_token
from participants.models import ApiKey, RefreshUse, TokenFamily, User
from participants.tests.second_factors import phone_of, switch_on

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run all at the same moment, each on a connection of its own; results or the refusals, in order."""
    barrier = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        try:
            barrier.wait(timeout=10)
            results[place] = call()
        except DomainError as error:
            results[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return results


def test_an_invitation_is_accepted_by_one_of_two(invitee):
    token = invitation_token(actions.invite(user=invitee, by=None))
    passwords = ["the first Passphrase 1!", "the other Passphrase 2!"]
    results = at_once(*(lambda p=p: actions.accept_invitation(token=token, password=p) for p in passwords))
    accepted = [place for place, result in enumerate(results) if isinstance(result, User)]
    assert len(accepted) == 1
    assert User.objects.get(pk=invitee.pk).check_password(passwords[accepted[0]])


def test_two_administrators_cannot_remove_each_other(administrator, make_user):
    second = make_user("second@example.org", is_superuser=True, is_staff=True)
    results = at_once(
        lambda: actions.deactivate(user=administrator, by=second),
        lambda: actions.deactivate(user=second, by=administrator),
    )
    assert sum(isinstance(result, DomainError) for result in results) == 1
    assert User.objects.filter(is_superuser=True, is_active=True).count() == 1


def test_a_refresh_token_sent_twice_at_once_gives_two_pairs_of_one_log_in(clinician):
    from datetime import timedelta

    from django.utils import timezone

    family = TokenFamily.objects.create(user=clinician, expires_at=timezone.now() + timedelta(hours=1))
    first = tokens._pair(clinician, family)
    results = at_once(*[lambda: tokens.refresh(refresh_token=first.refresh)] * 2)
    assert all(isinstance(result, tokens.TokenPair) for result in results)
    assert RefreshUse.objects.count() == 1
    family.refresh_from_db()
    assert family.revoked_at is None


def test_one_of_two_signs_up(invitee, settings):
    settings.ROSTER_SIGNUP = True
    passwords = ["the first Passphrase 1!", "the other Passphrase 2!"]
    results = at_once(*(lambda p=p: actions.sign_up(email=invitee.email, password=p) for p in passwords))
    done = [place for place, result in enumerate(results) if isinstance(result, User)]
    assert len(done) == 1
    assert User.objects.get(pk=invitee.pk).check_password(passwords[done[0]])


def test_one_key_is_revoked_once(owner):
    expires = timezone.now() + timedelta(days=1)
    key = actions.create_api_key(owner=owner, label="x", scopes=[Verb.EXPORT], expires_at=expires, by=owner).key
    at_once(*(lambda: actions.revoke_api_key(key=ApiKey.objects.get(pk=key.pk), by=owner) for _ in range(2)))
    assert AuditEvent.objects.filter(action="api_key_revoked").count() == 1


@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_a_code_counts_for_one_of_two(clinician, monkeypatch, kind):
    phone = phone_of(clinician, monkeypatch)
    recovery_codes = switch_on(clinician, phone)
    code = phone.code() if kind == "app" else recovery_codes[0]
    results = at_once(*[lambda: actions.use_second_factor(user=clinician, code=code)] * 2)
    assert [result for result in results if result is None] == [None]
    (refused,) = [result for result in results if isinstance(result, DomainError)]
    assert refused.code == "second_factor_wrong"


def test_what_is_switched_on_is_not_ended_by_a_page_that_sets_up_another(clinician, monkeypatch):
    phone = phone_of(clinician, monkeypatch)
    actions.begin_second_factor(by=clinician)
    code = phone.code()
    confirmed, begun = at_once(
        lambda: actions.confirm_second_factor(code=code, by=clinician),
        lambda: actions.begin_second_factor(by=clinician),
    )
    # Whichever came first: it is on, or the page says that its code is not of the new secret.
    assert isinstance(begun, DomainError) == isinstance(confirmed, list)
    assert second_factor.is_on(clinician) == isinstance(confirmed, list)
