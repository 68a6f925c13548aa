"""The mail of a reminder that was noted: what it says, and that it goes out at most once (decision record 0084)."""

from __future__ import annotations

from contextlib import suppress

from django.conf import settings
from django.core.mail import DNS_NAME, EmailMessage, get_connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from experiments.actions.reminders import rule_of
from experiments.actions.reminding import hand_over, settle
from experiments.languages.texts import texts_of_review
from experiments.models import Reminder, ReminderRule
from experiments.reminders.outbox import WINDOW, standing_of, with_standing
from experiments.reminders.refusals import Word, outcome_of
from experiments.reminders.rules import is_quiet
from experiments.reminders.tokens import token_of
from participants.language import speaking_to


def deliver(*, reminder_id: int | str) -> bool:
    """Mail a reminder that is still to be mailed and still wanted; whether the mail server took it.

    Until it is handed over it can be tried again, by whoever finds it waiting. From then on it may have gone out, and
    only a plain refusal brings it back: no answer at all does not. Whatever goes wrong is written down."""
    rows = with_standing(Reminder.objects.select_related("enrolment__experiment", "enrolment__user"))
    found = rows.get(pk=reminder_id)
    if not standing_of(found).is_waiting or _is_quiet_for(found):
        return False
    connection = get_connection()
    try:
        message = message_of(found, connection)
        connection.open()
    except (OSError, ValueError) as error:
        why = outcome_of(error, talking=False)[1]
        too_late = timezone.now() - found.sent_at > WINDOW
        settle(reminder=found, word=Word.NOT_SENT if too_late else Word.POSTPONED, why=why)
        return False
    try:
        return hand_over(reminder_id=found.pk) and _send(found, message)
    finally:
        with suppress(OSError):  # what was said is said, however the mail server takes the farewell
            connection.close()


def _send(reminder: Reminder, message: EmailMessage) -> bool:
    try:
        taken = message.send() > 0
    except (OSError, ValueError) as error:
        word, why = outcome_of(error, talking=True)
        settle(reminder=reminder, word=word, why=why)
        return False
    settle(reminder=reminder, word=Word.MAILED if taken else Word.NOT_SENT, why="" if taken else "there is no address")
    return taken


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


def _is_quiet_for(reminder: Reminder) -> bool:
    """It waits for the morning."""
    stored = ReminderRule.objects.filter(experiment=reminder.enrolment.experiment_id).first()
    return stored is not None and is_quiet(rule_of(stored), timezone.now())
