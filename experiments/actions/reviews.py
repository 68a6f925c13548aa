"""Opening a review: it binds once, at the first opening, and never again. Answering is in `submissions`.

What participants do is recorded as append-only facts of its own and is not put into the audit chain.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from augmed.foundation import audit
from augmed.foundation.errors import Conflict
from augmed.foundation.prepared import insert, server_prepared_cursor
from cases.disclosure import ENGINE_VERSION
from cases.models import Case
from experiments.actions.submissions import SubmitResult, submit
from experiments.languages.texts import texts_of_review
from experiments.models import QuestionnaireVersion, ReviewEvent, ReviewOpening
from experiments.reviewing.binding import Binding, resolve
from experiments.reviewing.disclosed_text import Disclosed, disclosed
from experiments.reviewing.reading import OpenedReview, opened_review, read_review
from experiments.reviewing.revealing import refuse_if_hiding
from experiments.reviewing.review_state import (
    ReviewState,
    own_review,
    refuse_before_wait,
    refuse_unless_due,
    refuse_unless_running,
)

__all__ = ["OpenedReview", "SubmitResult", "open_review", "read_review", "submit"]


def open_review(*, public_id: uuid.UUID | str, by: Any, translated: bool = False, can_ask: bool = True) -> OpenedReview:
    """Open one's own review, or read it again. `translated`: its reader is shown the study's texts in the language of
    the page, which the opening keeps; else as they were written. Without `can_ask` a review that hides features until
    they are asked for is refused, and not opened by that.

    The first opening is for active participants of an active study, in time, and after the stage before was answered
    (else Conflict; its code says why). It sends at most 5 statements; opening again at most 2, without a lock."""
    state = own_review(public_id=public_id, by=by)
    if not can_ask:
        refuse_if_hiding(state)
    if state.is_opened:
        return opened_review(state)
    refuse_unless_running(state)
    refuse_unless_due(state)
    try:
        opened = _bind(state, by, translated)
    except IntegrityError:
        opened = None  # the other of two tabs was first: its row is the one that counts
    if opened is None:
        state = own_review(public_id=public_id, by=by)
        if state.is_opened:
            return opened_review(state)
        refuse_unless_running(state)
        raise Conflict(_("The study was changed at this moment. Please try again."), code="changed_meanwhile")
    return opened


def _bind(state: ReviewState, by: Any, translated: bool) -> OpenedReview | None:
    """Store what the review binds and that it was opened; None when another request has just
    done so, or the study or the enrolment has changed meanwhile."""
    with transaction.atomic():
        if not _lock(state):
            return None
        binding = resolve(state)  # after the lock, in a statement of its own: it sees what the lock waited for
        if binding.already:
            return None
        refuse_before_wait(state, binding.not_before_days)
        if binding.version_frozen_at is None and binding.version_id != state.unfrozen_version_id:
            QuestionnaireVersion.objects.filter(pk=binding.version_id, frozen_at=None).update(frozen_at=timezone.now())
        shown = disclosed(binding.contents)
        opening = _opening(state, binding, shown)
        if translated:
            texts = texts_of_review(protocol_id=binding.protocol_id, experiment_id=state.experiment_id)
            opening.language = texts.language
        insert([opening])
        event = ReviewEvent(review_id=state.pk, kind=ReviewEvent.Kind.OPENED, server_at=opening.opened_at, by=by)
        insert([event])
        if state.is_preview:
            _record_preview(state, binding, by)
    return OpenedReview.of(
        state,
        shown,
        opened_at=opening.opened_at,
        version_id=binding.version_id,
        version_public_id=binding.version_public_id,
        attention_check_id=binding.attention_check_id,
        protocol_id=binding.protocol_id,
        layout_rules=binding.layout_rules,
    )


def _lock(state: ReviewState) -> bool:
    """Lock the review, so that nothing it binds can be replaced meanwhile, with its enrolment and (shared) the key of
    its study, so that neither's state changes before the opening is stored; freeze its questionnaire version at its
    first use, in the same statement. False when study or enrolment changed since `state` was read. (SQLite has one
    writer at a time.)"""
    held = _HELD + (_LOCKS if connection.vendor == "postgresql" else "")
    with server_prepared_cursor() as cursor:
        if state.unfrozen_version_id is not None:
            sent = [timezone.now(), state.unfrozen_version_id, state.pk, *_expected(state)]
            cursor.execute(_FREEZE.format(held=held), sent)
            if cursor.rowcount:
                return True
        cursor.execute(held, [state.pk])
        return cursor.fetchall() == [_expected(state)]


def _expected(state: ReviewState) -> tuple[str, str, int]:
    """What `_HELD` gives if nothing changed; 0 for no protocol."""
    return state.enrolment_status, state.experiment_status, state.protocol_id or 0


_HELD = """
SELECT enrolment.status AS enrolment_status, study.status AS study_status, COALESCE(study.protocol_id, 0) AS protocol
FROM experiments_review review
JOIN experiments_assignment assignment ON assignment.id = review.assignment_id
JOIN experiments_enrolment enrolment ON enrolment.id = assignment.enrolment_id
JOIN experiments_experiment study ON study.id = enrolment.experiment_id
WHERE review.id = %s
"""
# In the order in which all other actions lock. Of the study only what changes its status or protocol is waited for
# (`locked(alone=True)`), not draws and uploads.
_LOCKS = "FOR KEY SHARE OF study FOR UPDATE OF enrolment FOR UPDATE OF review"
_FREEZE = """
UPDATE experiments_questionnaireversion SET frozen_at = %s WHERE id = %s AND frozen_at IS NULL AND EXISTS (
    SELECT 1 FROM ({held}) held
    WHERE held.enrolment_status = %s AND held.study_status = %s AND held.protocol = %s)
"""


def _opening(state: ReviewState, binding: Binding, shown: Disclosed) -> ReviewOpening:
    return ReviewOpening(
        review_id=state.pk,
        snapshot_id=binding.snapshot_id,
        disclosure_set_id=binding.disclosure_set_id,
        questionnaire_version_id=binding.version_id,
        attention_check_id=binding.attention_check_id,
        protocol_id=binding.protocol_id,
        disclosed_sha256=shown.sha256,
        engine_version=ENGINE_VERSION,
    )


def _record_preview(state: ReviewState, binding: Binding, by: Any) -> None:
    """Staff who read a case as participants do have read it."""
    audit.record(
        action="case_viewed",
        by=by,
        target=Case(pk=state.case_id, number=state.case_number),
        data={"preview": state.enrolment_id, "disclosure_set": binding.disclosure_set_id},
        experiment_id=state.experiment_id,
    )
