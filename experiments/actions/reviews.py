"""Opening a review: it binds once, at the first opening, and never again. Answering is in `submissions`.

What participants do is recorded as append-only facts of its own and is not put into the audit chain.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import BigIntegerField, Exists
from django.utils import timezone

from augmed.foundation.prepared import Parameter, Prepared
from cases.disclosure import ENGINE_VERSION
from experiments.actions.submissions import SubmitResult, submit
from experiments.models import QuestionnaireVersion, Review, ReviewEvent, ReviewOpening
from experiments.reviewing.binding import Binding, resolve
from experiments.reviewing.disclosed_text import Disclosed, disclosed
from experiments.reviewing.reading import OpenedReview, opened_review, read_review
from experiments.reviewing.review_state import (
    ReviewState,
    own_review,
    refuse_before_wait,
    refuse_unless_due,
    refuse_unless_running,
)

__all__ = ["OpenedReview", "SubmitResult", "open_review", "read_review", "submit"]


def open_review(*, public_id: uuid.UUID | str, by: Any) -> OpenedReview:
    """Open one's own review, or read it again.

    The first opening is for active participants of an active study, in time, and after the stage before was answered
    (else Conflict; its code says why). It sends at most 5 statements; opening again at most 2, without a lock."""
    state = own_review(public_id=public_id, by=by)
    if state.is_opened:
        return opened_review(state)
    refuse_unless_running(state)
    refuse_unless_due(state)
    try:
        opened = _bind(state, by)
    except IntegrityError:
        opened = None  # the other of two tabs was first: its row is the one that counts
    if opened is None:
        return opened_review(own_review(public_id=public_id, by=by))
    return opened


def _bind(state: ReviewState, by: Any) -> OpenedReview | None:
    """Store what the review binds and that it was opened; None when another request has just done so."""
    with transaction.atomic():
        _lock(state)
        binding = resolve(state)  # after the lock, in a statement of its own: it sees what the lock waited for
        if binding.already:
            return None
        refuse_before_wait(state, binding.not_before_days)
        if binding.version_frozen_at is None and binding.version_id != state.unfrozen_version_id:
            QuestionnaireVersion.objects.filter(pk=binding.version_id).update(frozen_at=timezone.now())
        shown = disclosed(binding.contents)
        opening = _opening(state, binding, shown)
        opening.save(force_insert=True)
        ReviewEvent.objects.create(review_id=state.pk, kind=ReviewEvent.Kind.OPENED, server_at=opening.opened_at, by=by)
    return OpenedReview.of(
        state,
        shown,
        opened_at=opening.opened_at,
        version_id=binding.version_id,
        version_public_id=binding.version_public_id,
    )


def _lock(state: ReviewState) -> None:
    """Lock the review, so that nothing it binds can be replaced meanwhile; freeze its questionnaire version at its
    first use, in the same statement. (SQLite has one writer at a time.)"""
    if state.unfrozen_version_id is not None:
        review = Review.objects.select_for_update().filter(pk=state.pk).order_by()
        unfrozen = QuestionnaireVersion.objects.filter(pk=state.unfrozen_version_id, frozen_at=None)
        if unfrozen.filter(Exists(review)).update(frozen_at=timezone.now()):
            return
    _LOCKED.rows(review=state.pk)


_LOCKED = Prepared(
    lambda review: Review.objects.select_for_update().filter(pk=review).order_by().values_list("pk"),
    review=Parameter(BigIntegerField(), 2_100_000_001),
)


def _opening(state: ReviewState, binding: Binding, shown: Disclosed) -> ReviewOpening:
    return ReviewOpening(
        review_id=state.pk,
        snapshot_id=binding.snapshot_id,
        disclosure_set_id=binding.disclosure_set_id,
        questionnaire_version_id=binding.version_id,
        protocol_id=binding.protocol_id,
        disclosed_sha256=shown.sha256,
        engine_version=ENGINE_VERSION,
    )
