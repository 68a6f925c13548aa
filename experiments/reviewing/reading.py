"""What participants are served of a review: what was disclosed to them, what they are asked.

Nothing here names an arm, another person, or a feature that the review does not disclose.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from django.db.models import BigIntegerField, Case, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.utils.translation import gettext as _

from augmed.foundation.canonical import canonical_json
from augmed.foundation.errors import Conflict
from augmed.foundation.prepared import Parameter, Prepared
from experiments.answers import CanonicalAnswer, QuestionDefinition, from_stored
from experiments.attention import CHECK_KEY, Check, with_check
from experiments.design.question_forms import definition
from experiments.models import (
    Answer,
    AttentionCheck,
    AttentionCheckAnswer,
    Question,
    ReviewOpening,
)
from experiments.reviewing.disclosed_text import Contents, Disclosed, compute, in_order, kept, node_rows
from experiments.reviewing.revealing import Hiding, hiding_of, withheld
from experiments.reviewing.review_state import ReviewState, own_review, refuse_unless_readable

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenedReview:
    """A review that its reader has opened. `review` is the primary key; `disclosed` the disclosed tree as JSON text,
    byte for byte what the opening's hash is of; `named` the keys of all features and headings in it."""

    review: int
    public_id: uuid.UUID
    case_number: int
    position: int
    stage_position: int
    disclosed: str
    disclosed_sha256: str
    named: frozenset[str]
    opened_at: datetime
    submitted_at: datetime | None
    questionnaire_version_id: int
    questionnaire_version: uuid.UUID
    attention_check_id: int | None
    protocol_id: int | None
    state: ReviewState = field(compare=False, repr=False)
    """As it was read, before the opening where this is the opening."""
    layout_rules: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What the layout says beside its nodes (cases.disclosure.PathRules): some clients show by it."""
    hiding: Hiding | None = None
    """What of it may not be sent before it is asked for; None where the stage hides nothing."""

    @property
    def served(self) -> str:
        """The disclosed tree as it may leave the server now."""
        return (
            self.disclosed if self.hiding is None else canonical_json(withheld(json.loads(self.disclosed), self.hiding))
        )

    @classmethod
    def of(
        cls,
        state: ReviewState,
        shown: Disclosed,
        *,
        opened_at: datetime,
        version_id: int,
        version_public_id: uuid.UUID,
        attention_check_id: int | None,
        protocol_id: int | None,
        layout_rules: Mapping[str, Any] | None,
    ) -> OpenedReview:
        return cls(
            review=state.pk,
            public_id=state.public_id,
            case_number=state.case_number,
            position=state.position,
            stage_position=state.stage_position,
            disclosed=shown.text,
            disclosed_sha256=shown.sha256,
            named=shown.named,
            opened_at=opened_at,
            submitted_at=state.submitted_at,
            questionnaire_version_id=version_id,
            questionnaire_version=version_public_id,
            attention_check_id=attention_check_id,
            protocol_id=protocol_id,
            state=state,
            layout_rules=layout_rules or {},
            hiding=None if state.reveal_terms is None else hiding_of(state, json.loads(shown.text)),
        )


def read_review(*, public_id: uuid.UUID | str, by: Any) -> OpenedReview:
    """One's own review, as it was opened; Conflict (`not_opened`) before that. At most 2 statements."""
    state = own_review(public_id=public_id, by=by)
    refuse_unless_opened(state)
    return opened_review(state)


def refuse_unless_opened(state: ReviewState) -> None:
    if not state.is_opened:
        raise Conflict(_("This case has not been opened yet: open it first."), code="not_opened")


def opened_review(state: ReviewState) -> OpenedReview:
    """What an opened review shows. Conflict when it may no longer be read. No statement when it is in memory."""
    refuse_unless_readable(state)
    assert state.opened_at is not None
    assert state.version_id is not None
    assert state.version_public_id is not None
    return OpenedReview.of(
        state,
        shown_in(state),
        opened_at=state.opened_at,
        version_id=state.version_id,
        version_public_id=state.version_public_id,
        attention_check_id=state.attention_check_id,
        protocol_id=state.bound_protocol_id,
        layout_rules=state.layout_rules,
    )


def shown_in(state: ReviewState) -> Disclosed:
    """What an opened review disclosed, found by its hash; Conflict when it cannot be made again byte for byte."""
    if not state.disclosed_sha256:
        raise Conflict(
            _("This case was read in the earlier AugMed and cannot be shown here again."), code="read_in_augmed"
        )
    return _shown(state.pk, state.disclosed_sha256)


def new_in(state: ReviewState) -> frozenset[str]:
    """The keys of what an opened review discloses and the stage before it did not; nothing at a first stage. At most
    one statement."""
    if state.stage_before_id is None or not state.stage_before_sha256:
        return frozenset()
    return shown_in(state).named - _shown(state.stage_before_id, state.stage_before_sha256).named


def _shown(review: int, sha256: str) -> Disclosed:
    known = kept.get(sha256)
    if known is None:
        known = compute(_bound_contents(review))
        if known.sha256 != sha256:
            logger.error("Review %s cannot be disclosed as it was: run verify_disclosure.", review)
            raise Conflict(
                _("This case cannot be shown exactly as it was. Please tell the study team."), code="not_reproducible"
            )
        kept.put(known)
    return known


def _bound(review: int) -> QuerySet[Any, Any]:
    of_a_case = Q(disclosure_set__case__isnull=False)
    return (
        ReviewOpening.objects.filter(pk=review)
        .annotate(
            layout_version=F("snapshot__layout_version_id"),
            nodes=Case(When(of_a_case, then=node_rows(OuterRef("snapshot__layout_version_id")))),
        )
        .values_list(
            "snapshot__content",
            "snapshot__sha256",
            "disclosure_set__content",
            "disclosure_set__sha256",
            "layout_version",
            "nodes",
        )
    )


_BOUND = Prepared(_bound, review=Parameter(BigIntegerField(), 2_100_000_001))


def _bound_contents(review_id: int) -> Contents:
    [(snapshot, snapshot_sha256, found, set_sha256, layout_version_id, nodes)] = _BOUND.rows(review=review_id)
    return Contents(snapshot, snapshot_sha256, found, set_sha256, layout_version_id, in_order(nodes))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a review asks: the questions in order, with the attention check among them where it has bound one. To
    participants `definitions` are all alike. `question_ids` are the primary keys of the questionnaire's own."""

    definitions: tuple[QuestionDefinition, ...]
    question_ids: dict[str, int]
    check: Check | None = None


_asked: OrderedDict[tuple[uuid.UUID, int | None], Asked] = OrderedDict()
_asked_lock = Lock()


def asked_of(review: OpenedReview | ReviewState) -> Asked:
    """What an opened review asks. One statement or none."""
    if isinstance(review, OpenedReview):
        return asked_in(review.questionnaire_version_id, review.questionnaire_version, review.attention_check_id)
    assert review.version_id is not None
    assert review.version_public_id is not None
    return asked_in(review.version_id, review.version_public_id, review.attention_check_id)


def asked_in(version_id: int, public_id: uuid.UUID, attention_check_id: int | None = None) -> Asked:
    """What a version and a check that a review has bound ask: neither ever changes, so it is kept in memory. One
    statement or none."""
    key = (public_id, attention_check_id)
    with _asked_lock:
        known = _asked.get(key)
    if known is None:
        known = _load(version_id, attention_check_id)
        with _asked_lock:
            _asked[key] = known
            while len(_asked) > 256:
                _asked.popitem(last=False)
    return known


_CHECK_FIELDS = ("place", "text", "options", "right_answer")


def _load(version_id: int, attention_check_id: int | None) -> Asked:
    """The check comes beside the questions, which spares a statement."""
    found = Question.objects.filter(version=version_id).order_by("position")
    if attention_check_id is not None:
        check = AttentionCheck.objects.filter(pk=attention_check_id).order_by()
        found = found.annotate(**{f"check_{name}": Subquery(check.values(name)) for name in _CHECK_FIELDS})
    questions = list(found)
    definitions = tuple(definition(question) for question in questions)
    question_ids = {question.key: question.pk for question in questions}
    if attention_check_id is None:
        return Asked(definitions, question_ids)
    bound = _check(attention_check_id, questions[0])
    return Asked(with_check(definitions, bound), question_ids, bound)


def _check(pk: int, beside: Any) -> Check:
    place, text, options, right_answer = (getattr(beside, f"check_{name}") for name in _CHECK_FIELDS)
    return Check(pk, place, text, tuple(options), right_answer)


def own_answers(*, public_id: uuid.UUID | str, by: Any) -> dict[str, CanonicalAnswer]:
    """What one has answered in one's own review, by question key; empty before. Two statements."""
    state = own_review(public_id=public_id, by=by)
    refuse_unless_opened(state)
    refuse_unless_readable(state)
    return from_stored(given_in(state.pk))


def given_in(submission: int) -> Iterable[tuple[str, str]]:
    """Question keys and canonical answers of one submission, that to its attention check among them; blank where
    erased. One statement."""
    checks = AttentionCheckAnswer.objects.filter(submission=submission).order_by()
    answers = Answer.objects.filter(submission=submission).order_by().values_list("question_key", "value")
    return answers.union(checks.values_list(Value(CHECK_KEY), "value"), all=True)
