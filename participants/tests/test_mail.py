from __future__ import annotations

import time
from concurrent.futures import Future
from typing import Any

import pytest
from django.core import mail as outbox

from participants import actions, mail, tasks


@pytest.fixture
def submitted(monkeypatch):
    """Futures of what went to the threads; the random wait of an unseen mail is fixed."""
    futures: list[Future[Any]] = []
    pool = mail._threads()

    class Recording:
        def submit(self, *args):
            futures.append(pool.submit(*args))
            return futures[-1]

    monkeypatch.setattr(mail, "_threads", Recording)
    monkeypatch.setattr("participants.mail.random.uniform", lambda low, high: 0.3)
    return futures


@pytest.mark.postgresql  # the tests' SQLite is in memory and belongs to one thread
def test_without_a_broker_a_thread_sends_after_the_answer(transactional_db, clinician, settings, submitted):
    settings.JOB_RUNNER = "process"
    begun = time.monotonic()
    actions.request_password_reset(email=clinician.email)
    assert time.monotonic() - begun < 0.2
    assert outbox.outbox == []
    submitted[0].result(timeout=10)
    assert time.monotonic() - begun >= 0.3
    assert [message.to for message in outbox.outbox] == [[clinician.email]]


def test_a_failure_in_the_thread_is_logged_without_the_address(db, caplog, monkeypatch):
    def refuse(**arguments):
        raise ConnectionRefusedError("clinician@example.org")

    monkeypatch.setattr(mail.connections, "close_all", lambda: None)  # here it is the test's own connection
    monkeypatch.setattr(tasks.mail, "send_password_reset", refuse)
    mail._in_thread(tasks.send_password_reset, {"email": "clinician@example.org"}, 0.0)
    assert "participants.send_password_reset failed: ConnectionRefusedError" in caplog.text
    assert "clinician@example.org" not in caplog.text


def test_with_a_broker_a_celery_task_sends(db, clinician, settings, monkeypatch, django_capture_on_commit_callbacks):
    handed_over = []
    settings.JOB_RUNNER = "celery"
    monkeypatch.setattr(tasks.send_password_reset, "apply_async", lambda **keys: handed_over.append(keys))
    with django_capture_on_commit_callbacks(execute=True):
        actions.request_password_reset(email=clinician.email)
    assert [call["kwargs"] for call in handed_over] == [{"email": clinician.email}]
    assert 0.5 <= handed_over[0]["countdown"] <= 1.5


def test_an_invitation_that_was_revoked_meanwhile_is_not_mailed(db, invitee):
    invitation = actions.invite(user=invitee, by=None)
    actions.revoke_invitation(invitation=invitation, by=None)
    tasks.send_invitation(invitation_id=str(invitation.pk))
    assert outbox.outbox == []


def test_an_address_gets_five_links_an_hour_whoever_asks(db, clinician, monkeypatch):
    begun = time.time()
    for minute in range(8):
        monkeypatch.setattr("participants.mail.time.time", lambda now=begun + 60 * minute: now)
        mail.send_password_reset(email=clinician.email)
    assert len(outbox.outbox) == 5
    monkeypatch.setattr("participants.mail.time.time", lambda: begun + 3601)
    mail.send_password_reset(email=clinician.email)
    assert len(outbox.outbox) == 6
