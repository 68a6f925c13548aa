"""A reminder that was noted is mailed once, whatever dies, whatever the mail server says, however long it is away."""

from __future__ import annotations

import smtplib
from datetime import timedelta

import pytest
from django.urls import reverse

from augmed.foundation import audit
from augmed.foundation.models import AuditEvent
from experiments.actions import reminding
from experiments.actions.reminders import set_reminder_rule
from experiments.actions.reminding import remind_due, remind_now
from experiments.models import Reminder
from experiments.reminders import delivery
from experiments.reminders.delivery import deliver
from experiments.reminders.outbox import standing_of, with_standing
from experiments.tests.monitoring.conftest import NOW, client_of, joined
from experiments.tests.test_reviews_at_once import at_once

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Died(BaseException):
    """The process is no more."""


class Server:
    """A mail server of which a test says what it does. `refuses`: by address, what it answers instead of taking."""

    def __init__(self):
        self.taken, self.refuses, self.is_away, self.dies = [], {}, False, ""

    def open(self):
        self.die("open")
        if self.is_away:
            raise ConnectionRefusedError
        return True

    def send_messages(self, messages):
        self.die("send")
        [message] = messages
        [address] = message.to
        if address in self.refuses:
            raise self.refuses[address]
        self.taken.append(address)
        self.die("answer")
        return 1

    def close(self):
        raise smtplib.SMTPServerDisconnected("it said no farewell")

    def die(self, where):
        if self.dies == where:
            self.dies = ""
            raise Died


@pytest.fixture
def server(monkeypatch):
    made = Server()
    monkeypatch.setattr(delivery, "get_connection", lambda: made)
    return made


@pytest.fixture
def clock(monkeypatch):
    """`clock(moment)` sets the time."""

    def set_to(moment):
        monkeypatch.setattr("django.utils.timezone.now", lambda: moment)
        return moment

    set_to(NOW)
    return set_to


@pytest.fixture
def study(one_arm, lead):
    set_reminder_rule(
        experiment=one_arm, by=lead, every_days=1, quiet_from="00:00", quiet_until="00:00", on_weekends=True
    )
    return one_arm


@pytest.fixture
def run(clock, django_capture_on_commit_callbacks):
    """`run(after)`: the hourly run at that time after NOW, with all that it has mailed."""

    def hourly(after=timedelta(0)):
        with django_capture_on_commit_callbacks(execute=True):
            return remind_due(now=clock(NOW + after))

    return hourly


def standings():
    return [standing_of(one) for one in with_standing(Reminder.objects.order_by("pk"))]


# Whoever sends it dies


def test_a_death_between_noting_and_mailing_loses_nothing(study, server, run, clock):
    person = joined(study)
    assert remind_due(now=NOW) == 1  # and what was to come after the commit never comes
    assert server.taken == []
    run(HOUR)
    run(2 * HOUR)
    assert server.taken == [person.user.email]


@pytest.mark.parametrize(("where", "mails"), [("open", 1), ("hand over", 1), ("send", 0), ("answer", 1), ("note", 1)])
def test_a_death_at_any_point_mails_at_most_once(study, server, run, monkeypatch, where, mails):
    """Until it is handed over it is tried again. From then on it may be on its way, and is not."""
    joined(study)
    recorded = audit.record
    if where in ("hand over", "note"):
        action = {"hand over": "reminder_handed_over", "note": "reminder_mailed"}[where]

        def record(**fields):
            if fields["action"] == action:
                raise Died
            return recorded(**fields)

        monkeypatch.setattr(reminding.audit, "record", record)
    server.dies = where
    with pytest.raises(Died):
        run()
    monkeypatch.setattr(reminding.audit, "record", recorded)
    for hours in range(1, 20):
        run(hours * HOUR)
    assert len(server.taken) == mails
    [found] = standings()
    assert found.is_unconfirmed is (where in ("send", "answer", "note"))
    assert ("may have gone out" in found.trouble) is found.is_unconfirmed


def test_two_runs_find_the_same_one_waiting(study, server, run, clock):
    joined(study)
    remind_due(now=NOW)
    [reminder] = Reminder.objects.all()
    assert [deliver(reminder_id=reminder.pk) for _ in range(3)] == [True, False, False]
    assert len(server.taken) == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_moment(study, server, clock):
    reminder = Reminder.objects.create(enrolment=joined(study), cases_left=4, sent_at=NOW)
    results = at_once(*[lambda: deliver(reminder_id=reminder.pk)] * 4)
    assert sorted(results) == [False, False, False, True]
    assert len(server.taken) == 1


# The mail server refuses


def said(code, kind=None):
    return kind(code, b"no", "here@example.org") if kind is smtplib.SMTPSenderRefused else kind(code, b"no")


REFUSALS = [
    (
        lambda to: smtplib.SMTPRecipientsRefused({to: (550, b"nobody")}),
        "Not sent: ",
        "refuses the address (550)",
        0,
    ),
    (lambda to: smtplib.SMTPRecipientsRefused({to: (451, b"later")}), "Not sent yet: ", "at the moment (451)", 1),
    (lambda to: said(550, smtplib.SMTPSenderRefused), "Not sent yet: ", "this server as sender (550)", 1),
    (lambda to: said(452, smtplib.SMTPDataError), "Not sent yet: ", "at the moment (452)", 1),
    (lambda to: said(554, smtplib.SMTPDataError), "Not sent: ", "refuses the mail (554)", 0),
    (lambda to: smtplib.SMTPNotSupportedError("utf8"), "Not sent: ", "cannot write to such an address", 0),
    (lambda to: smtplib.SMTPServerDisconnected("gone"), "It may have gone out, or not: ", "SMTPServerDisconnected", 0),
    (lambda to: TimeoutError(), "It may have gone out, or not: ", "TimeoutError", 0),
    (lambda to: ValueError("a header"), "Not sent: ", "could not be written (ValueError)", 0),
]


@pytest.mark.parametrize(("error", "begins", "why", "again"), REFUSALS)
def test_each_refusal_is_written_down_and_stops_nobody_else(study, server, run, lead, error, begins, why, again):
    """`again`: how often it goes out once the server takes everything."""
    first, refused, last = (joined(study) for _ in range(3))
    server.refuses = {refused.user.email: error(refused.user.email)}
    run()
    assert server.taken == [first.user.email, last.user.email]
    trouble = standings()[1].trouble
    assert trouble.startswith(begins)
    assert why in trouble
    page = client_of(lead).get(reverse("admin:experiments_experiment_reminders", args=[study.pk])).content.decode()
    assert why in page
    assert refused.pseudonym in page
    assert first.pseudonym not in page
    server.refuses = {}
    run(HOUR)
    run(2 * HOUR)
    assert server.taken.count(refused.user.email) == again
    assert len(server.taken) == 2 + again


def test_what_the_server_said_is_not_kept(study, server, run):
    """It may name the address."""
    person = joined(study)
    server.refuses = {person.user.email: smtplib.SMTPRecipientsRefused({person.user.email: (550, b"who is Doe?")})}
    run()
    kept = "".join(AuditEvent.objects.values_list("data", flat=True))
    assert "(550)" in kept
    assert "Doe" not in kept
    assert person.user.email not in kept


# The mail server is away


def test_a_server_that_is_away_for_an_hour(study, server, run):
    person = joined(study)
    server.is_away = True
    run()
    assert "cannot be reached" in standings()[0].trouble
    server.is_away = False
    run(HOUR)
    run(2 * HOUR)
    assert server.taken == [person.user.email]
    assert standings()[0].trouble == ""


def test_a_server_that_is_away_for_good(study, server, run):
    """It is tried for three days, which the trail says once, and meanwhile no second reminder is noted."""
    joined(study)
    server.is_away = True
    for hours in range(0, 73, 6):
        run(hours * HOUR)
    assert len(standings()) == 1
    assert AuditEvent.objects.filter(action="reminder_postponed").count() == 1
    run(73 * HOUR)
    assert standings()[0].trouble.startswith("Not sent: ")
    server.is_away = False
    run(74 * HOUR)
    run(75 * HOUR)
    assert len(server.taken) == 1
    assert len(standings()) == 2


def test_days_count_from_when_it_went_out(study, server, run):
    joined(study)
    server.is_away = True
    run()
    server.is_away = False
    run(20 * HOUR)
    for hours in (25, 30, 43):
        assert run(hours * HOUR) == 0
    assert run(45 * HOUR) == 1
    assert len(server.taken) == 2


def test_staff_do_not_add_one_to_one_on_its_way(study, server, run, clock, lead):
    person = joined(study)
    server.is_away = True
    run()
    clock(NOW + 2 * DAY)
    assert remind_now(experiment=study, enrolments=[person.pk], by=lead).sent == 0
