"""Two workers, and staff beside them, at the same moment: nobody gets two reminders."""

from __future__ import annotations

import pytest

from experiments.actions.reminders import set_reminder_rule
from experiments.actions.reminding import remind_due, remind_now
from experiments.models import Reminder
from experiments.tests.monitoring.conftest import NOW, joined
from experiments.tests.test_reviews_at_once import at_once

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def test_two_runs_at_once(one_arm, lead, at_noon):
    set_reminder_rule(experiment=one_arm, by=lead, quiet_from="00:00", quiet_until="00:00", on_weekends=True)
    people = [joined(one_arm) for _ in range(5)]
    for _ in range(3):
        results = at_once(lambda: remind_due(now=NOW), lambda: remind_due(now=NOW), lambda: remind_due(now=NOW))
        assert not [one for one in results if isinstance(one, Exception)]
    assert sorted(Reminder.objects.values_list("enrolment", flat=True)) == [enrolment.pk for enrolment in people]


def test_a_run_and_staff_at_once(one_arm, lead, at_noon):
    set_reminder_rule(experiment=one_arm, by=lead, quiet_from="00:00", quiet_until="00:00", on_weekends=True)
    keys = [joined(one_arm).pk for _ in range(5)]
    at_once(lambda: remind_due(now=NOW), lambda: remind_now(experiment=one_arm, enrolments=keys, by=lead))
    assert sorted(Reminder.objects.values_list("enrolment", flat=True)) == keys
