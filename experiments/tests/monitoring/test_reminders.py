"""Who is reminded and when, and that nobody is twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from augmed.foundation.errors import Conflict
from augmed.foundation.models import AuditEvent
from experiments.actions.consent_versions import publish_consent_document
from experiments.actions.enrolment import enrol, erase_enrolment, record_consent, withdraw
from experiments.actions.lifecycle import pause, resume
from experiments.actions.reminders import set_reminder_rule, set_reminders_wanted
from experiments.actions.reminding import remind_due, remind_now
from experiments.models import Enrolment, ExperimentTransition, Reminder
from experiments.monitoring.stalled import described, stalled
from experiments.tests import factories
from experiments.tests.monitoring.conftest import LONG_AGO, NOW, backdate, joined, read, reader, reviews_of

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def study(one_arm, lead):
    set_reminder_rule(experiment=one_arm, by=lead, after_days=7, every_days=7, most=2, timezone="Europe/Berlin")
    return one_arm


@pytest.fixture
def sent(django_capture_on_commit_callbacks):
    """`sent(now)`: the addresses that the hourly run of that moment mailed to."""

    def run(now=NOW, action=None):
        mail.outbox.clear()
        with django_capture_on_commit_callbacks(execute=True):
            (action or (lambda: remind_due(now=now)))()
        return sorted(address for message in mail.outbox for address in message.to)

    return run


@pytest.fixture(autouse=True)
def _it_is_noon(at_noon):
    """Mails look at the clock too."""


def test_whoever_was_away_for_long_enough_is_reminded(study, sent):
    away = joined(study)
    assert sent(LONG_AGO + 6 * DAY) == []
    assert sent() == [away.user.email]
    [reminder] = Reminder.objects.all()
    assert (reminder.enrolment, reminder.cases_left, reminder.sent_at) == (away, 4, NOW)


def test_a_second_run_finds_nobody(study, sent):
    joined(study)
    assert len(sent()) == 1
    assert sent() == []
    assert sent(NOW + timedelta(hours=1)) == []


def test_again_after_the_days_of_the_rule_and_not_too_often(study, sent):
    joined(study)
    runs = [len(sent(NOW + days * DAY)) for days in (0, 6, 7, 14, 21)]
    assert runs == [1, 0, 1, 0, 0]  # at most two


def test_an_answer_is_activity(study, sent):
    enrolment = joined(study)
    read(reviews_of(enrolment)[0], at=NOW - 3 * DAY)
    assert sent() == []
    assert sent(NOW + 6 * DAY) == [enrolment.user.email]
    assert Reminder.objects.get().cases_left == 3


@pytest.mark.parametrize("hours", [7, 12])  # 20 h and 1 h in Berlin
def test_in_quiet_hours_none_goes_out(study, sent, hours):
    joined(study)
    assert sent(NOW + timedelta(hours=hours)) == []


def test_on_weekends_none_goes_out_unless_wanted(study, sent, lead):
    joined(study)
    assert sent(NOW + 4 * DAY) == []
    set_reminder_rule(experiment=study, by=lead, on_weekends=True)
    assert len(sent(NOW + 4 * DAY)) == 1


def test_a_study_without_a_rule_or_with_one_that_is_off_reminds_nobody(one_arm, sent, lead):
    joined(one_arm)
    assert sent() == []
    set_reminder_rule(experiment=one_arm, by=lead, is_on=False)
    assert sent() == []


def test_nobody_is_reminded_of_a_study_that_does_not_run(study, sent, lead):
    joined(study)
    pause(experiment=study, by=lead, reason="A while.")
    assert sent() == []


def test_after_a_pause_everybody_has_their_days_again(study, sent, lead):
    joined(study)
    pause(experiment=study, by=lead, reason="A while.")
    resume(experiment=study, by=lead, reason="Over.")
    backdate(ExperimentTransition, "at", NOW - 2 * DAY, experiment=study, from_status="paused")
    assert sent() == []
    assert len(sent(NOW + 6 * DAY)) == 1


def withdrawn(enrolment, by):
    withdraw(enrolment=enrolment, by=by, reason="No time.")


def erased(enrolment, by):
    erase_enrolment(enrolment=enrolment, by=by, reason="Asked for.")


def completed(enrolment, by):
    for review in reviews_of(enrolment):
        read(review, at=LONG_AGO)


def deactivated(enrolment, by):
    enrolment.user.is_active = False
    enrolment.user.save()


def without_password(enrolment, by):
    enrolment.user.set_password(None)
    enrolment.user.save()


def who_wants_none(enrolment, by):
    set_reminders_wanted(enrolment=enrolment, wanted=False)


@pytest.mark.parametrize("state", [withdrawn, erased, completed, deactivated, without_password, who_wants_none])
def test_who_is_never_reminded(study, sent, lead, state):
    enrolment = joined(study)
    state(enrolment, lead)
    backdate_all(enrolment)
    assert sent() == []
    assert sent(action=lambda: remind_now(experiment=study, enrolments=[enrolment.pk], by=lead)) == []
    assert not Reminder.objects.exists()


def backdate_all(enrolment):
    from experiments.models import EnrolmentEvent

    backdate(EnrolmentEvent, "at", LONG_AGO, enrolment=enrolment)


@pytest.mark.parametrize("kind", [Enrolment.Kind.TRAINING, Enrolment.Kind.PREVIEW])
def test_trainings_and_previews_are_never_reminded(study, sent, lead, kind):
    other = enrol(experiment=study, user=reader(), by=None, kind=kind)
    Enrolment.objects.filter(pk=other.pk).update(joined_at=LONG_AGO, status="active")
    backdate_all(other)
    assert sent() == []
    assert sent(action=lambda: remind_now(experiment=study, enrolments=[other.pk], by=lead)) == []


def test_who_waits_for_consent_is_listed_but_not_mailed(lead, sent):
    study = factories.make_study(by=lead, consent_required=True)
    set_reminder_rule(experiment=study, by=lead)
    joined(study)
    [found] = described(stalled(study, since=NOW, now=NOW), now=NOW)
    assert (found.reason, found.may_be_reminded) == ("consent", False)
    assert sent() == []


def test_who_is_asked_to_sign_again_is_listed_but_not_mailed(lead, sent):
    study = factories.make_study(by=lead, consent_required=True, cases=2)
    set_reminder_rule(experiment=study, by=lead)
    publish_consent_document(experiment=study, title="Consent", text="As it was.", by=lead)
    begun, done = joined(study), joined(study)
    for enrolment in (begun, done):
        record_consent(enrolment=enrolment, kind="given", by=lead)
    for review in reviews_of(done):
        read(review)
    publish_consent_document(
        experiment=study, title="Consent", text="As it is now.", by=lead, asks_again=True, what_changed="A word."
    )
    later = datetime.now(UTC) + DAY  # rows that are made now keep the real time
    found = described(stalled(study, since=later, now=later), now=later)
    assert {one.enrolment.pk for one in found} == {begun.pk, done.pk}
    assert {(one.waits_for, one.may_be_reminded) for one in found} == {("has not signed the new consent form", False)}
    assert sent(later) == []


def test_nothing_that_opens_later_is_waited_for(study, sent):
    """A second reading that is not due yet is nobody's delay, and a mail would tell that it comes."""
    from experiments.models import Assignment

    enrolment = joined(study)
    backdate(Assignment, "available_from", NOW + DAY, enrolment=enrolment)
    assert sent() == []


def test_studies_go_by_their_own_rules(study, sent, lead):
    other = factories.make_study(by=lead, arms={"Only": [factories.show("age")]})
    set_reminder_rule(experiment=other, by=lead, after_days=100)
    user = joined(study).user
    joined(other)
    assert sent() == [user.email]


# By staff


def now_for(study, people, lead):
    return lambda: remind_now(experiment=study, enrolments=[one.pk for one in people], by=lead)


def test_staff_remind_whom_they_choose(study, sent, lead):
    chosen, other = joined(study), joined(study)
    assert sent(action=now_for(study, [chosen], lead)) == [chosen.user.email]
    event = AuditEvent.objects.get(action="reminders_sent")
    assert str(chosen.pk) in event.data
    assert str(other.pk) not in event.data.replace(str(chosen.pk), "")


def test_staff_cannot_remind_twice_within_a_day(study, sent, lead):
    chosen = joined(study)
    assert len(sent(action=now_for(study, [chosen], lead))) == 1
    assert sent(action=now_for(study, [chosen], lead)) == []
    assert AuditEvent.objects.filter(action="reminders_sent").count() == 1


def test_a_reminder_by_staff_counts_for_the_rule(study, sent, lead):
    chosen = joined(study)
    sent(action=now_for(study, [chosen], lead))
    assert sent() == []


def test_staff_keep_quiet_hours_too(study, sent, lead, monkeypatch):
    chosen = joined(study)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(hours=8))
    with pytest.raises(Conflict, match=r"Wednesday, 04 March, 08:00 \(Europe/Berlin\)"):
        sent(action=now_for(study, [chosen], lead))
    assert not Reminder.objects.exists()


def test_people_of_another_study_are_not_reached(study, sent, lead):
    other = joined(factories.make_study(by=lead, arms={"Only": [factories.show("age")]}))
    assert sent(action=now_for(study, [other], lead)) == []


# The command


def test_the_command_says_how_many(study, capsys, django_capture_on_commit_callbacks):
    joined(study)
    with django_capture_on_commit_callbacks(execute=True):
        call_command("send_reminders")
    assert capsys.readouterr().out == "1 new reminders; what became of them is on each study's page Reminders.\n"
    assert len(mail.outbox) == 1


def test_a_run_costs_the_same_however_many_are_due(study):
    costs = []
    for people in (2, 6):
        for _ in range(people):
            joined(study)
        with CaptureQueriesContext(connection) as statements:
            assert remind_due(now=NOW) == people
        costs.append(len(statements))
    assert costs[0] == costs[1]
