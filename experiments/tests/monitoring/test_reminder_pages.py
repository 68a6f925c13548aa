"""The pages of staff: who stopped, a reminder at once, and the rule."""

from __future__ import annotations

import json

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from augmed.foundation.models import AuditEvent
from experiments.actions.lifecycle import complete
from experiments.actions.reminders import set_reminder_rule, set_reminders_wanted
from experiments.models import Enrolment, Reminder, ReminderRule
from experiments.tests.monitoring.conftest import client_of, joined

pytestmark = pytest.mark.django_db

RULE = {
    "is_on": "on",
    "after_days": "5",
    "every_days": "10",
    "most": "2",
    "quiet_from": "17:00",
    "quiet_until": "09:30",
    "timezone": "Europe/Paris",
}


def address(experiment, name):
    return reverse(f"admin:experiments_experiment_{name}", args=[experiment.pk])


def test_the_rule_is_set_and_written_down(one_arm, lead):
    answer = client_of(lead).post(address(one_arm, "reminders"), RULE)
    assert answer.status_code == 302
    rule = ReminderRule.objects.get(experiment=one_arm)
    assert (rule.after_days, rule.most, rule.on_weekends, rule.timezone) == (5, 2, False, "Europe/Paris")
    event = AuditEvent.objects.get(action="reminder_rule_changed")
    assert json.loads(event.data)["quiet_until"] == "09:30:00"


def test_the_same_again_is_no_change(one_arm, lead):
    for _ in range(2):
        client_of(lead).post(address(one_arm, "reminders"), RULE)
    assert AuditEvent.objects.filter(action="reminder_rule_changed").count() == 1


@pytest.mark.parametrize(
    "wrong", [{"timezone": "Mars/Olympus"}, {"timezone": ""}, {"after_days": "0"}, {"most": "21"}, {"quiet_from": "x"}]
)
def test_what_is_refused_stays_on_the_page_with_the_reason(one_arm, lead, wrong):
    answer = client_of(lead).post(address(one_arm, "reminders"), {**RULE, **wrong})
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    assert not ReminderRule.objects.exists()


@pytest.mark.parametrize(("role", "status"), [("coordinator", 302), ("blinded_analyst", 403)])
def test_who_may_set_it(one_arm, staff, role, status):
    client = client_of(staff(one_arm, role))
    assert client.get(address(one_arm, "reminders")).status_code == 200
    assert client.post(address(one_arm, "reminders"), RULE).status_code == status


def test_a_completed_study_keeps_it(one_arm, lead):
    complete(experiment=one_arm, by=lead, reason="Done.")
    assert client_of(lead).post(address(one_arm, "reminders"), RULE).status_code == 403
    assert "The study is completed" in client_of(lead).get(address(one_arm, "reminders")).content.decode()


def test_the_page_says_when_the_next_go_out(one_arm, lead, at_noon):
    set_reminder_rule(experiment=one_arm, by=lead, quiet_from="11:00", quiet_until="14:00")
    page = client_of(lead).get(address(one_arm, "reminders")).content.decode()
    assert "The next go out from Tuesday, 03 March, 14:00 (UTC)" in page


def test_who_stopped_and_why(one_arm, lead):
    waits, silent, new = joined(one_arm), joined(one_arm), joined(one_arm, password=False)
    set_reminders_wanted(enrolment=silent, wanted=False)
    page = client_of(lead).get(address(one_arm, "stalled")).content.decode()
    assert "4 cases wait" in page
    assert "wants no reminders" in page
    assert "has not set a password yet" in page
    assert page.count("disabled") == 2
    assert waits.user.email in page
    assert new.pseudonym in page


def test_days_are_those_asked_for(one_arm, lead):
    joined(one_arm)
    client = client_of(lead)
    assert "4 cases wait" in client.get(address(one_arm, "stalled"), {"days": "7"}).content.decode()
    Enrolment.objects.update(joined_at=timezone.now())
    assert "Nobody has stopped." in client.get(address(one_arm, "stalled"), {"days": "9999"}).content.decode()


def test_a_reminder_at_once(one_arm, lead, django_capture_on_commit_callbacks):
    chosen = joined(one_arm)
    with django_capture_on_commit_callbacks(execute=True):
        answer = client_of(lead).post(address(one_arm, "stalled"), {"enrolment": [chosen.pk]}, follow=True)
    assert "Reminders on their way: 1." in answer.content.decode()
    assert [message.to for message in mail.outbox] == [[chosen.user.email]]


def test_nobody_chosen_and_nonsense(one_arm, lead):
    client = client_of(lead)
    assert "Nobody was chosen." in client.post(address(one_arm, "stalled"), follow=True).content.decode()
    answer = client.post(address(one_arm, "stalled"), {"enrolment": ["x", "9" * 30, "999999"]}, follow=True)
    assert "Not reminded: 1." in answer.content.decode()


@pytest.mark.parametrize(("role", "status"), [("coordinator", 302), ("blinded_analyst", 403), ("adjudicator", 403)])
def test_who_may_remind(one_arm, staff, role, status):
    chosen = joined(one_arm)
    answer = client_of(staff(one_arm, role)).post(address(one_arm, "stalled"), {"enrolment": [chosen.pk]})
    assert answer.status_code == status
    assert Reminder.objects.exists() is (status == 302)


def test_reminders_are_on_the_page_of_a_participant(one_arm, lead):
    enrolment = joined(one_arm, email="a.reader@example.org")
    Reminder.objects.create(enrolment=enrolment, cases_left=3)
    page = client_of(lead).get(reverse("admin:experiments_enrolment_change", args=[enrolment.pk])).content.decode()
    assert "Reminders by e-mail" in page
