"""The study's rule for reminders, and a reader's wish for none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.db import transaction
from django.utils import timezone

from augmed.foundation import audit
from augmed.foundation.errors import Invalid
from experiments.actions.common import apply_fields, clean, locked, refuse_when_over
from experiments.models import Enrolment, Experiment, ReminderRule
from experiments.reminders.rules import Rule

RULE_FIELDS = frozenset(
    {"is_on", "after_days", "every_days", "most", "quiet_from", "quiet_until", "on_weekends", "timezone"}
)


def set_reminder_rule(*, experiment: Experiment, by: Any, **fields: Any) -> ReminderRule:
    """Make or change the study's rule; Invalid names each field that was not accepted."""
    with transaction.atomic():
        study = locked(experiment)
        refuse_when_over(study)
        rule = ReminderRule.objects.filter(experiment=study).first()
        is_new = rule is None
        rule = rule or ReminderRule(experiment=study)
        changed = apply_fields(rule, fields, RULE_FIELDS)
        if rule.timezone not in available_timezones():
            message = "There is no such time zone. An example: Europe/Berlin."
            raise Invalid(message, errors={"timezone": [message]})
        clean(rule, exclude=("experiment",))
        if not is_new and not changed:
            return rule
        rule.save()
        kept = {name: _plain(getattr(rule, name)) for name in sorted(RULE_FIELDS)}
        audit.record(action="reminder_rule_changed", by=by, target=study, data=kept, experiment_id=study.pk)
    return rule


def rule_of(stored: ReminderRule) -> Rule:
    return Rule(
        after=timedelta(days=stored.after_days),
        every=timedelta(days=stored.every_days),
        most=stored.most,
        quiet_from=stored.quiet_from,
        quiet_until=stored.quiet_until,
        on_weekends=stored.on_weekends,
        zone=ZoneInfo(stored.timezone),
    )


def set_reminders_wanted(*, enrolment: Enrolment, wanted: bool) -> None:
    """The reader's own wish, by the link in a mail or signed in. It holds at once, also for a mail under way."""
    off_at = None if wanted else timezone.now()
    if wanted or enrolment.reminders_off_at is None:
        Enrolment.objects.filter(pk=enrolment.pk).update(reminders_off_at=off_at)
        enrolment.reminders_off_at = off_at


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | str) else str(value)
