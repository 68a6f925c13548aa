"""The mail of a reminder that was noted: what it says, and that it goes out at most once."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import DNS_NAME, EmailMessage, get_connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from experiments.actions.reminders import rule_of
from experiments.actions.reminding import note_not_sent
from experiments.languages.texts import texts_of_review
from experiments.models import Enrolment, Experiment, Reminder, ReminderRule
from experiments.reminders.rules import is_quiet
from experiments.reminders.tokens import token_of
from participants.language import speaking_to


class MailServerAway(Exception):
    """Nothing was handed over: this may be tried again."""


def deliver(*, reminder_id: int | str) -> bool:
    """Hand the mail over, unless it is no longer wanted by now; whether it was.

    MailServerAway before anything was said to the mail server. What goes wrong after that is not tried again, as the
    mail may have gone out: it is written down instead."""
    found = Reminder.objects.select_related("enrolment__experiment", "enrolment__user").get(pk=reminder_id)
    if why := _unwanted(found.enrolment):
        note_not_sent(reminder=found, why=why)
        return False
    connection = get_connection()
    try:
        connection.open()
    except OSError as error:
        raise MailServerAway from error
    try:
        message_of(found, connection).send()
    except OSError as error:
        note_not_sent(reminder=found, why=type(error).__name__)
        return False
    finally:
        connection.close()
    return True


def give_up(*, reminder_id: int | str) -> None:
    """The mail server did not answer for too long."""
    note_not_sent(reminder=Reminder.objects.select_related("enrolment").get(pk=reminder_id), why="mail server away")


def message_of(reminder: Reminder, connection: object = None) -> EmailMessage:
    """In the reader's language; of the study it says its name and how many cases wait, of the person nothing."""
    enrolment = reminder.enrolment
    study, user = enrolment.experiment, enrolment.user
    off = settings.PUBLIC_URL + reverse("reminders_off", args=[token_of(enrolment)])
    with speaking_to(user, otherwise=study.languages[0]):
        name = texts_of_review(protocol_id=study.protocol_id, experiment_id=study.pk)(study.name)
        context = {
            "study": name,
            "cases": reminder.cases_left,
            "link": settings.PUBLIC_URL + reverse("home"),
            "off": off,
        }
        subject = _("Reminder: %(study)s") % {"study": " ".join(name.split())}
        text = render_to_string("reminders/mail/reminder.txt", context)
    headers = {
        "Message-ID": f"<reminder-{reminder.pk}@{DNS_NAME}>",
        "List-Unsubscribe": f"<{off}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
    }
    return EmailMessage(
        subject, text, settings.DEFAULT_FROM_EMAIL, [user.email], headers=headers, connection=connection
    )


def _unwanted(enrolment: Enrolment) -> str:
    """Why this reminder must not go out any more, if so: minutes may lie between its noting and now."""
    if enrolment.kind != Enrolment.Kind.REAL or enrolment.status != Enrolment.Status.ACTIVE:
        return "no longer takes part"
    if enrolment.reminders_off_at is not None:
        return "wants none"
    if not enrolment.user.is_active or enrolment.experiment.status != Experiment.Status.ACTIVE:
        return "account or study closed"
    stored = ReminderRule.objects.filter(experiment=enrolment.experiment_id).first()
    return "quiet hours" if stored is not None and is_quiet(rule_of(stored), timezone.now()) else ""
