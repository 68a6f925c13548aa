"""What became of the reminders that were noted.

A reminder is a fact and does not change; what was done about it are events about it in the audit trail, of which the
newest says how it stands. One without any is still to be mailed: whoever noted it may be dead by now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import CharField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Cast
from django.utils import timezone

from augmed.foundation.models import AuditEvent
from experiments.models import Reminder
from experiments.reminders.refusals import Word

WINDOW = timedelta(days=3)
"""So long after it was noted a reminder may still go out: a weekend and a night at the end of it."""
TALK = timedelta(minutes=10)
"""So long, at most, one talks to a mail server."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a reminder stands. `at`: since when; `why`: of what is postponed or did not go out."""

    noted_at: datetime
    word: str
    at: datetime | None
    why: str

    @property
    def is_waiting(self) -> bool:
        """It is still to be mailed."""
        return self.word in ("", Word.POSTPONED)

    @property
    def gone_at(self) -> datetime:
        """When it went out, as far as that is known; else when it was noted."""
        gone = self.word in (Word.HANDED_OVER, Word.MAILED, Word.UNCONFIRMED)
        return max(self.noted_at, self.at) if gone and self.at is not None else self.noted_at

    @property
    def is_unconfirmed(self) -> bool:
        """It was handed to the mail server, which never said that it took it; by now nobody waits for that."""
        told = self.word == Word.HANDED_OVER and self.at is not None and timezone.now() - self.at > TALK
        return told or self.word == Word.UNCONFIRMED

    @property
    def trouble(self) -> str:
        """What the study team should know of it, in words; "" where all is well."""
        if self.is_unconfirmed:
            return f"It may have gone out, or not: {self.why or 'the sending was cut off'}"
        if self.word == Word.NOT_SENT:
            return f"Not sent: {self.why}"
        return f"Not sent yet: {self.why}" if self.word == Word.POSTPONED else ""

    @property
    def in_words(self) -> str:
        if self.trouble:
            return self.trouble
        said: dict[str, str] = {Word.MAILED: "Sent", Word.HANDED_OVER: "Being sent"}
        return said.get(self.word, "To be sent")


def with_standing(reminders: QuerySet[Reminder]) -> QuerySet[Reminder]:
    """Annotated for `standing_of`. The newest event about each is found by an index."""
    about = AuditEvent.objects.filter(
        target_type=Reminder._meta.label_lower, target_id=Cast(OuterRef("pk"), CharField())
    ).order_by("-sequence")
    return reminders.annotate(
        word=Subquery(about.values("action")[:1]),
        word_at=Subquery(about.values("at")[:1]),
        word_data=Subquery(about.values("data")[:1]),
    )


def standing_of(reminder: Any) -> Standing:
    """Of a row of `with_standing`."""
    said = json.loads(reminder.word_data) if reminder.word_data else {}
    return Standing(reminder.sent_at, reminder.word or "", reminder.word_at, str(said.get("why", "")))


def waiting(reminders: QuerySet[Reminder]) -> QuerySet[Reminder]:
    """Those that are still to be mailed, or to be given up."""
    return with_standing(reminders).filter(Q(word=None) | Q(word=Word.POSTPONED))


def in_trouble(reminders: QuerySet[Reminder]) -> QuerySet[Reminder]:
    """Those of which `Standing.trouble` says something, the newest first."""
    cut_off = Q(word=Word.HANDED_OVER, word_at__lt=timezone.now() - TALK)
    said = Q(word__in=(Word.POSTPONED, Word.NOT_SENT, Word.UNCONFIRMED))
    return with_standing(reminders).filter(said | cut_off).order_by("-sent_at", "-pk")
