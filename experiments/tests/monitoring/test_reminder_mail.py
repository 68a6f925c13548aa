"""What a reminder says, its headers, and what happens where the mail server does not take it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery.exceptions import Retry
from django.core import mail

from augmed.foundation.models import AuditEvent
from experiments import tasks
from experiments.actions.enrolment import withdraw
from experiments.actions.reminders import set_reminder_rule, set_reminders_wanted
from experiments.models import Reminder, StudyTranslation
from experiments.reminders.delivery import MailServerAway, deliver, message_of
from experiments.reminders.tokens import token_of
from experiments.tests.monitoring.conftest import NOW, joined

pytestmark = pytest.mark.django_db


@pytest.fixture
def reminder(one_arm):
    return Reminder.objects.create(enrolment=joined(one_arm), cases_left=3)


def test_it_names_the_study_the_cases_and_both_links(reminder, one_arm, settings):
    settings.PUBLIC_URL = "https://study.example.org"
    message = message_of(reminder)
    off = f"https://study.example.org/reminders/{token_of(reminder.enrolment)}/"
    assert message.subject == "Reminder: Chest pain"
    assert "3 cases are waiting for you" in message.body
    assert "https://study.example.org/home/\n" in message.body
    assert f"{off}\n" in message.body
    assert message.extra_headers["List-Unsubscribe"] == f"<{off}>"
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message.to == [reminder.enrolment.user.email]


def test_it_says_nothing_of_the_person_or_the_cases(reminder, one_arm):
    message = message_of(reminder)
    said = f"{message.subject} {message.body}"
    for word in (reminder.enrolment.pseudonym, reminder.enrolment.user.email, "Only", "Age"):
        assert word not in said


def test_one_case_is_one_and_none_is_not_counted(reminder):
    reminder.cases_left = 1
    assert "1 case is waiting" in message_of(reminder).body
    reminder.cases_left = 0
    assert "is waiting for you" in message_of(reminder).body
    assert "0 case" not in message_of(reminder).body


def test_a_name_over_two_lines_makes_no_header(reminder, one_arm):
    one_arm.name = "Chest\npain"
    reminder.enrolment.experiment = one_arm
    assert message_of(reminder).subject == "Reminder: Chest pain"


def test_it_is_in_the_readers_language(reminder, one_arm):
    user = reminder.enrolment.user
    user.profile.language = "de"
    user.profile.save()
    one_arm.languages = ["en", "de"]
    one_arm.protocol_id = None
    one_arm.save()
    from augmed.foundation.canonical import sha256_hex
    from experiments.languages.texts import plain

    name = plain(one_arm.name)
    StudyTranslation.objects.create(
        experiment=one_arm, language="de", source=name, source_sha256=sha256_hex(name), text="Brustschmerz"
    )
    reminder = Reminder.objects.select_related("enrolment__experiment", "enrolment__user").get(pk=reminder.pk)
    assert "Brustschmerz" in message_of(reminder).subject


@pytest.fixture(autouse=True)
def _it_is_noon(at_noon):
    """Mails look at the clock too."""


def test_it_goes_out_once(reminder):
    assert deliver(reminder_id=reminder.pk)
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("change", ["withdrawn", "wants none", "quiet"])
def test_what_changed_between_noting_and_sending_is_kept(reminder, one_arm, lead, change, monkeypatch):
    if change == "withdrawn":
        withdraw(enrolment=reminder.enrolment, by=lead, reason="No time.")
    elif change == "wants none":
        set_reminders_wanted(enrolment=reminder.enrolment, wanted=False)
    else:
        set_reminder_rule(experiment=one_arm, by=lead)
        monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(hours=9))
    assert not deliver(reminder_id=reminder.pk)
    assert mail.outbox == []
    assert AuditEvent.objects.filter(action="reminder_not_sent").count() == 1


class Connection:
    """A mail server that fails when it is opened, or when it is given the mail."""

    def __init__(self, fails_at):
        self.fails_at = fails_at

    def open(self):
        if self.fails_at == "open":
            raise ConnectionRefusedError
        return True

    def send_messages(self, messages):
        raise TimeoutError

    def close(self):
        return None


def away(monkeypatch, fails_at):
    monkeypatch.setattr("experiments.reminders.delivery.get_connection", lambda: Connection(fails_at))


def test_a_server_that_is_away_is_asked_again(reminder, monkeypatch):
    away(monkeypatch, "open")
    with pytest.raises(MailServerAway):
        deliver(reminder_id=reminder.pk)
    assert not AuditEvent.objects.filter(action="reminder_not_sent").exists()


def test_what_may_have_gone_out_is_not_tried_again(reminder, monkeypatch):
    away(monkeypatch, "send")
    assert not deliver(reminder_id=reminder.pk)
    assert "TimeoutError" in AuditEvent.objects.get(action="reminder_not_sent").data


def test_the_task_tries_again_and_gives_up_in_the_end(reminder, monkeypatch):
    away(monkeypatch, "open")
    task, key = tasks.send_reminder, {"reminder_id": str(reminder.pk)}
    task.push_request(retries=0, called_directly=False, is_eager=False, kwargs=key, id="one")
    monkeypatch.setattr(task, "apply_async", lambda *args, **kwargs: None)
    monkeypatch.setattr("celery.app.task.Task.signature_from_request", lambda *args, **kwargs: _Nothing())
    try:
        with pytest.raises(Retry):
            task.run(**key)
        task.request.retries = task.max_retries
        task.run(**key)
    finally:
        task.pop_request()
    assert "mail server away" in AuditEvent.objects.get(action="reminder_not_sent").data


class _Nothing:
    def apply_async(self):
        return None


def test_without_a_broker_it_is_tried_once(reminder, monkeypatch):
    away(monkeypatch, "open")
    tasks.send_reminder(reminder_id=str(reminder.pk))
    assert AuditEvent.objects.filter(action="reminder_not_sent").count() == 1


def test_a_worker_that_dies_does_not_say_it_again():
    assert tasks.send_reminder.acks_late is False
