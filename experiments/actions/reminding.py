"""Remind participants by e-mail: all who are due, or those whom staff chose.

A reminder is noted first and mailed afterwards. What was noted and not mailed is tried again; what was handed to a mail
server never is, so that nobody gets it twice (decision record 0084)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from augmed.foundation import audit
from augmed.foundation.errors import Conflict
from experiments.actions.reminders import rule_of
from experiments.models import Enrolment, Experiment, Reminder, ReminderRule
from experiments.monitoring.activity import cases_waiting
from experiments.monitoring.stalled import Stalled, described, stalled
from experiments.reminders.outbox import WINDOW, standing_of, waiting, with_standing
from experiments.reminders.refusals import Word
from experiments.reminders.rules import is_due, is_quiet, next_moment
from participants.mail import send_later

AT_ONCE = timedelta(days=1)
"""So long after a reminder staff cannot send the same person another one."""
HEAD_START = timedelta(minutes=5)
"""So long whoever noted a reminder has to mail it before others try."""
_AUDITED_PEOPLE = 1000
_TASK = "experiments.send_reminder"
_Wanted = Callable[[Stalled], bool]


@dataclass(frozen=True, slots=True)
class Reminded:
    """How many of those asked for were reminded, and how many were not, as nothing waits for them any more, they want
    no reminders, or they got one within the day."""

    sent: int
    left_out: int


def remind_due(*, now: datetime | None = None) -> int:
    """Remind everybody who is due, in every study that runs and reminds; how many. What was noted before and not mailed
    is tried again. Run every hour by the schedule, or by `manage.py send_reminders`; twice at once, the second finds
    nobody."""
    moment = now or timezone.now()
    for late in waiting(Reminder.objects.filter(sent_at__lte=moment - HEAD_START)).order_by("pk"):
        send_later(_TASK, reminder_id=str(late.pk))
    rules = ReminderRule.objects.filter(is_on=True, experiment__status=Experiment.Status.ACTIVE)
    return sum(_remind_due(stored, moment) for stored in rules.select_related("experiment").order_by("pk"))


def remind_now(*, experiment: Experiment, enrolments: Iterable[int], by: Any, stages: int | None = None) -> Reminded:
    """Remind these participants, whom staff chose from the list of those who stopped.

    Never those who want none, nor within a day of the last reminder; Conflict in the quiet hours of the study's rule.
    `stages`: of which the asker's list was made (experiments.monitoring.activity.waiting_reviews)."""
    now, asked = timezone.now(), set(enrolments)
    stored = ReminderRule.objects.filter(experiment=experiment).first()
    if stored is not None and is_quiet(rule_of(stored), now):
        again = next_moment(rule_of(stored), now).astimezone(ZoneInfo(stored.timezone))
        raise Conflict(
            f"These are the study's quiet hours. Reminders go out from {again:%A, %d %B, %H:%M} ({stored.timezone}).",
            code="quiet_hours",
        )

    def wanted(one: Stalled) -> bool:
        return one.enrolment.pk in asked and (one.last_reminder is None or now - one.last_reminder >= AT_ONCE)

    with transaction.atomic():
        sent = _note(experiment, asked, wanted, since=now, now=now, stages=stages)
        if sent:
            data = {"enrolments": sent[:_AUDITED_PEOPLE], "people": len(sent)}
            audit.record(action="reminders_sent", by=by, target=experiment, data=data, experiment_id=experiment.pk)
    return Reminded(len(sent), len(asked) - len(sent))


def hand_over(*, reminder_id: int | str) -> bool:
    """Take a reminder to hand it to the mail server in the next moment; False where somebody else took it, or where it
    is not wanted any more, which is written down."""
    now = timezone.now()
    with transaction.atomic():
        list(Enrolment.objects.select_for_update(of=("self",)).filter(reminders=int(reminder_id)).values_list("pk"))
        rows = with_standing(Reminder.objects.select_related("enrolment__experiment"))
        found = rows.get(pk=reminder_id)
        if not standing_of(found).is_waiting:
            return False
        why = _unwanted(found, now)
        _record(found, Word.NOT_SENT if why else Word.HANDED_OVER, why)
    return not why


def settle(*, reminder: Reminder, word: Word, why: str = "") -> None:
    """Write down what became of a reminder. The same postponement is written down once, not hour by hour."""
    with transaction.atomic():
        before = standing_of(with_standing(Reminder.objects.filter(pk=reminder.pk)).get())
        if (before.word, before.why) != (word, why):
            _record(reminder, word, why)


def _record(reminder: Reminder, word: Word, why: str) -> None:
    study, data = reminder.enrolment.experiment_id, {"why": why} if why else {}
    audit.record(action=word.value, by=None, target=reminder, data=data, experiment_id=study)


def _unwanted(reminder: Reminder, now: datetime) -> str:
    """Why it must not go out any more, if so: hours may lie between its noting and now."""
    enrolment = reminder.enrolment
    if now - reminder.sent_at > WINDOW:
        return "it could not be sent for too long"
    if Reminder.objects.filter(enrolment=enrolment, pk__gt=reminder.pk).exists():
        return "a newer one took its place"
    people = stalled(enrolment.experiment, since=reminder.sent_at, now=now, only=(enrolment.pk,))
    if not any(one.may_be_reminded for one in described(people, now=now)):
        return "no longer due: has gone on, has left, wants none, or the study does not run"
    return ""


def _remind_due(stored: ReminderRule, now: datetime) -> int:
    rule = rule_of(stored)
    if is_quiet(rule, now):
        return 0

    def due(one: Stalled) -> bool:
        return is_due(rule, last_activity=one.last_activity, sent=one.reminders, last_sent=one.last_reminder, now=now)

    since = now - rule.after
    people = _chosen(stored.experiment, due, since=since, now=now)
    if not people:
        return 0
    with transaction.atomic():
        return len(_note(stored.experiment, {one.enrolment.pk for one in people}, due, since=since, now=now))


def _note(
    experiment: Experiment,
    people: set[int],
    wanted: _Wanted,
    *,
    since: datetime,
    now: datetime,
    stages: int | None = None,
) -> list[int]:
    """Write down that they are reminded, and have it mailed once this is committed; whom. They are locked, then looked
    at again: of two who do this at once the second sees what the first wrote."""
    locks = Enrolment.objects.select_for_update(of=("self",)).filter(pk__in=people).order_by("pk")
    list(locks.values_list("pk"))
    chosen = _chosen(experiment, wanted, since=since, now=now, stages=stages, only=people)
    left = cases_waiting((one.enrolment.pk for one in chosen), now)  # at any stage: it is the reader who is told
    reminders = Reminder.objects.bulk_create(
        Reminder(enrolment=one.enrolment, sent_at=now, cases_left=left.get(one.enrolment.pk, 0)) for one in chosen
    )
    for reminder in reminders:
        send_later(_TASK, reminder_id=str(reminder.pk))
    return [reminder.enrolment_id for reminder in reminders]


def _chosen(
    experiment: Experiment,
    wanted: _Wanted,
    *,
    since: datetime,
    now: datetime,
    stages: int | None = None,
    only: set[int] | None = None,
) -> list[Stalled]:
    """None of whom a reminder is still on its way to: of two they would get both."""
    people = stalled(experiment, since=since, now=now, stages=stages, only=only)
    found = described(people, now=now, stages=stages)
    return [one for one in found if one.may_be_reminded and not one.is_on_its_way and wanted(one)]
