"""Answers as they are being typed, kept on the server. No facts: overwritten, and gone once the review is answered.

Two pages of one review (tabs, devices) may both be typed into. Each says which revision it goes on from; the one that
is behind is told, and nothing of the other is overwritten before its reader says so.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from augmed.foundation.errors import Conflict, Invalid
from experiments.actions.submissions import lock_enrolment
from experiments.answers import QuestionDefinition
from experiments.models import ReviewDraft, Submission
from experiments.reviewing.reading import asked_of, refuse_unless_opened
from experiments.reviewing.review_state import ReviewState, own_review, refuse_unless_running

LONGEST_DRAFT = 500_000

Typed = Callable[[tuple[QuestionDefinition, ...]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Saved:
    revision: int
    saved_at: datetime


class DraftBehind(Conflict):
    """Another page saved since: what is there now."""

    code = "draft_behind"

    def __init__(self, there: Saved) -> None:
        moment = date_format(timezone.localtime(there.saved_at), "TIME_FORMAT")
        super().__init__(
            _("These answers were also changed in another window or on another device, at %(moment)s.")
            % {"moment": moment}
        )
        self.there = there


def save_draft(
    *, public_id: uuid.UUID | str, typed: Typed, revision: int, page_session: uuid.UUID | None = None, by: Any
) -> Saved:
    """Keep what stands in the form of one's own opened review, whether it would be accepted or not. `typed` gives it
    by question key; `revision` is the one that the page began with or saved last.

    DraftBehind when another page saved meanwhile; Conflict `already_answered` when there is nothing left to type. The
    page that saved last may save again from an older revision: the answer to its last save was lost. At most 6
    statements."""
    state = own_review(public_id=public_id, by=by)
    refuse_unless_opened(state)
    refuse_if_answered(state)
    refuse_unless_running(state)
    text = json.dumps(dict(typed(asked_of(state).definitions)))
    if len(text) > LONGEST_DRAFT:
        raise Invalid(_("This is more than can be kept. Please shorten your answers."), code="too_long")
    with transaction.atomic():
        # As an answer does it: that is stored before this and seen here, or afterwards and deletes what is kept here.
        lock_enrolment(state)
        if Submission.objects.filter(pk=state.pk).exists():
            raise already_answered()
        return _store(state.pk, text, revision, page_session)


def refuse_if_answered(state: ReviewState) -> None:
    if state.is_answered:
        raise already_answered()


def already_answered() -> Conflict:
    return Conflict(
        _("This case is answered already. The answers that were sent first are saved and final."),
        code="already_answered",
    )


def _store(review: int, text: str, revision: int, page_session: uuid.UUID | None) -> Saved:
    """Under the lock of the enrolment, so that no other save of it comes between."""
    now = timezone.now()
    goes_on = Q(revision=revision)
    if page_session is not None:
        goes_on |= Q(page_session=page_session)
    drafts = ReviewDraft.objects.filter(pk=review)
    changed = drafts.filter(goes_on).update(
        answers=text, revision=F("revision") + 1, page_session=page_session, saved_at=now
    )
    there = drafts.values_list("revision", "saved_at").first()
    if there is None:
        ReviewDraft(pk=review, answers=text, revision=1, page_session=page_session, saved_at=now).save(
            force_insert=True
        )
        return Saved(1, now)
    if not changed:
        raise DraftBehind(Saved(*there))
    return Saved(*there)
