"""What a reminder says, its headers, and that it goes out only while it is wanted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail

from augmed.foundation.models import AuditEvent
from experiments.actions.enrolment import withdraw
from experiments.actions.reminders import set_reminder_rule, set_reminders_wanted
from experiments.models import Reminder, StudyTranslation
from experiments.reminders.delivery import deliver, message_of
from experiments.reminders.tokens import token_of
from experiments.tests.monitoring.conftest import NOW, joined, read, reviews_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def reminder(one_arm):
    return Reminder.objects.create(enrolment=joined(one_arm), cases_left=3, sent_at=NOW)


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


@pytest.mark.parametrize("change", ["withdrawn", "wants none", "has read", "another one"])
def test_what_is_no_longer_wanted_does_not_go_out(reminder, one_arm, lead, change):
    if change == "withdrawn":
        withdraw(enrolment=reminder.enrolment, by=lead, reason="No time.")
    elif change == "wants none":
        set_reminders_wanted(enrolment=reminder.enrolment, wanted=False)
    elif change == "has read":
        read(reviews_of(reminder.enrolment)[0], at=NOW + timedelta(minutes=1))
    else:
        Reminder.objects.create(enrolment=reminder.enrolment, cases_left=3, sent_at=NOW)
    assert not deliver(reminder_id=reminder.pk)
    assert mail.outbox == []
    assert AuditEvent.objects.filter(action="reminder_not_sent").count() == 1
    assert not AuditEvent.objects.filter(action="reminder_handed_over").exists()


def test_in_quiet_hours_it_waits_for_the_morning(reminder, one_arm, lead, monkeypatch):
    set_reminder_rule(experiment=one_arm, by=lead)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(hours=9))
    assert not deliver(reminder_id=reminder.pk)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(hours=21))
    assert deliver(reminder_id=reminder.pk)
    assert len(mail.outbox) == 1


def test_what_it_costs(reminder, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        assert deliver(reminder_id=reminder.pk)
