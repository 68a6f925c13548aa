"""Asking for a hidden feature. That it was asked for is stored in the transaction that comes before its being sent."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from augmed.foundation.canonical import canonical_decimal, canonical_json
from augmed.foundation.errors import Conflict, NotFound
from augmed.foundation.prepared import insert
from experiments.actions.submissions import lock_enrolment
from experiments.models import Review, ReviewEvent, Submission
from experiments.reviewing.reading import OpenedReview, opened_review, refuse_unless_opened
from experiments.reviewing.revealing import Hiding, feature_in
from experiments.reviewing.review_state import ReviewState, own_review, refuse_unless_running


@dataclass(frozen=True, slots=True)
class Revealed:
    """`feature`: as in the disclosed tree's JSON; `opened`: the review as it stands now; `repeated`: it was no longer
    hidden, and nothing was written."""

    key: str
    feature: Mapping[str, Any]
    opened: OpenedReview
    repeated: bool


def reveal_feature(*, public_id: uuid.UUID | str, feature: str, by: Any) -> Revealed:
    """Ask for a feature (by its key) of one's own opened review. NotFound when the review discloses no such feature.

    What is not hidden, or no longer, is given again and costs nothing. Nothing more can be asked for once the review
    is answered, nor while the study does not run. At most 4 statements, without any cache."""
    state = own_review(public_id=public_id, by=by)
    refuse_unless_opened(state)
    opened = opened_review(state)
    found = feature_in(json.loads(opened.disclosed), feature)
    if found is None:
        raise NotFound(_("This case shows no such part."))
    hiding = opened.hiding
    if hiding is None or feature not in hiding.hidden:
        return Revealed(feature, found, opened, repeated=True)
    if state.is_answered:
        raise _answered()
    refuse_unless_running(state)
    repeated = not _record(state, feature, hiding, by)
    opened = replace(opened, hiding=replace(hiding, hidden=hiding.hidden - {feature}))
    return Revealed(feature, found, opened, repeated)


def _record(state: ReviewState, feature: str, hiding: Hiding, by: Any) -> bool:
    """False when the other of two clicks was first. The enrolment is locked, as `submit` does it: what is asked for
    comes before the answer or not at all."""
    with transaction.atomic():
        lock_enrolment(state)
        answered, asked = _happened(state.pk, feature)
        if answered:
            raise _answered()
        if asked:
            return False
        event = ReviewEvent(
            review_id=state.pk,
            kind=ReviewEvent.Kind.FEATURE_REVEALED,
            feature=feature,
            data=canonical_json(_terms(hiding)) if hiding.cost is not None else "",
            by=by,
        )
        insert([event])
    return True


def _happened(review: int, feature: str) -> tuple[bool, bool]:
    """Whether the review was answered, and whether this feature was asked for. One statement."""
    asked = ReviewEvent.objects.filter(review=OuterRef("pk"), feature=feature, kind=ReviewEvent.Kind.FEATURE_REVEALED)
    found = Review.objects.filter(pk=review).order_by()
    answered = Submission.objects.filter(pk=OuterRef("pk"))
    return found.values_list(Exists(answered), Exists(asked.order_by())).get()


def _terms(hiding: Hiding) -> dict[str, str]:
    assert hiding.cost is not None
    return {"cost": canonical_decimal(hiding.cost), "unit": hiding.unit}


def _answered() -> Conflict:
    return Conflict(
        _("Your answer to this case is saved: nothing more can be asked for."),
        code="already_answered",
    )
