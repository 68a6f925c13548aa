"""Answering a review, once. Equal answers again give the same result again; different ones change nothing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import BigIntegerField
from django.utils.translation import gettext as _

from augmed.foundation.canonical import canonical_json, digest, sha256_hex
from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.prepared import Parameter, Prepared, insert
from experiments.actions.completion import complete_if_last
from experiments.answers import AnswerErrors, CanonicalAnswer, validate
from experiments.attention import CHECK_KEY, has_passed
from experiments.models import (
    Answer,
    AttentionCheckAnswer,
    Enrolment,
    Experiment,
    ReviewDraft,
    ReviewEvent,
    Submission,
)
from experiments.reviewing.reading import Asked, asked_of, refuse_unless_opened
from experiments.reviewing.review_state import ReviewState, not_enrolled, own_review, refuse_unless_running

LONGEST_CLIENT_DATA = 20_000

Given = Mapping[str, Any] | Callable[[Asked], Mapping[str, Any]]


class WrongAnswers(Invalid):
    """Answers that were not accepted; `problems` says why by question key, in a form that can be translated."""

    def __init__(self, wrong: AnswerErrors) -> None:
        errors = {key or "answers": [message] for key, message in wrong.errors.items()}
        super().__init__(_("Some answers were not accepted."), errors=errors)
        self.problems = wrong.problems


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """`repeated`: the same answers were already there, and nothing was written but an event."""

    submission: Submission
    repeated: bool


def submit(
    *,
    public_id: uuid.UUID | str,
    answers: Given,
    questionnaire_version: uuid.UUID | str | None = None,
    by: Any,
    client_data: Any = None,
    drafted: bool = False,
) -> SubmitResult:
    """Answer one's own opened review. `answers`: values by question key, or what makes them of the questions asked,
    for a client that calls these otherwise; `questionnaire_version`: the public id of the version that was shown
    (None: the one that the review bound).

    Invalid lists what is wrong by question key. A second submit with equal answers and version gives the first result
    again, also when the study is closed by now; with others it is a Conflict (`already_answered`), and the attempt is
    recorded. `client_data` is kept and never decides. `drafted`: it comes from a page that keeps drafts, and one may be
    saved at this moment. At most 8 statements, one more with a draft. Call it outside any transaction: a refused
    attempt is recorded although the call fails."""
    state = own_review(public_id=public_id, by=by)
    refuse_unless_opened(state)
    if state.is_answered:
        return _answered_before(state, answers, questionnaire_version, by)
    refuse_unless_running(state)
    if not _is_bound_version(state, questionnaire_version):
        raise Conflict(
            _("These answers are to another version of the questions. Please load the case again."),
            code="other_questionnaire_version",
        )
    asked = asked_of(state)
    try:
        canonical = validate(asked.definitions, _by_key(answers, asked))
    except AnswerErrors as wrong:
        raise WrongAnswers(wrong) from None
    try:
        return SubmitResult(_store(state, asked, canonical, by, client_data, drafted), repeated=False)
    except IntegrityError:
        # Another tab or the second click was first, by less than this request took.
        state = own_review(public_id=public_id, by=by)
        if not state.is_answered:
            raise
        return _answered_before(state, answers, questionnaire_version, by)


def _store(
    state: ReviewState,
    asked: Asked,
    canonical: Mapping[str, CanonicalAnswer],
    by: Any,
    client_data: Any,
    drafted: bool,
) -> Submission:
    with transaction.atomic():
        lock_enrolment(state)
        submission = Submission(
            review_id=state.pk, answers_sha256=digest(canonical), client_data=_client_text(client_data)
        )
        submission.save(force_insert=True)
        _store_answers(submission, asked, canonical)
        if drafted or state.draft_revision is not None:
            ReviewDraft.objects.filter(pk=state.pk).delete()
        _record(state, ReviewEvent.Kind.SUBMITTED, by, server_at=submission.submitted_at)
        _complete_if_last(state, by)
    return submission


def _store_answers(submission: Submission, asked: Asked, canonical: Mapping[str, CanonicalAnswer]) -> None:
    insert(
        [
            Answer(
                submission=submission,
                question_id=question_id,
                question_key=key,
                value=canonical_json(canonical[key]),
            )
            for key, question_id in asked.question_ids.items()
            if key in canonical
        ]
    )
    if asked.check is not None:
        answer = canonical[CHECK_KEY]
        checked = AttentionCheckAnswer(
            submission=submission,
            check_version_id=asked.check.pk,
            value=canonical_json(answer),
            passed=has_passed(asked.check, answer),
        )
        insert([checked])


def lock_enrolment(state: ReviewState) -> None:
    """One answer of a person at a time: of the last two, the later one sees the other and completes the enrolment, and
    none comes in after a withdrawal. (Completed meanwhile: by another tab, whose answer stands.)"""
    ((status,),) = _LOCKED_STATUS.rows(enrolment=state.enrolment_id)
    if status not in (Enrolment.Status.ACTIVE, Enrolment.Status.COMPLETED):
        raise not_enrolled(status)


def _complete_if_last(state: ReviewState, by: Any) -> None:
    """The enrolment is completed with its last review. Where a CSV says what is read there is no last one: the next
    upload may add to it."""
    if state.experiment_kind == Experiment.Kind.CONFIGS:
        return
    complete_if_last(enrolment_id=state.enrolment_id, by=by)


_LOCKED_STATUS = Prepared(
    lambda enrolment: Enrolment.objects.select_for_update().filter(pk=enrolment).order_by().values_list("status"),
    enrolment=Parameter(BigIntegerField(), 2_100_000_001),
)


def _answered_before(
    state: ReviewState, answers: Given, questionnaire_version: uuid.UUID | str | None, by: Any
) -> SubmitResult:
    """The rule of the same submit: equal canonical answers and version, and nothing else, decide."""
    sent = _sent_sha256(state, answers)
    if sent == state.answers_sha256 and _is_bound_version(state, questionnaire_version):
        _record(state, ReviewEvent.Kind.SUBMIT_REPEATED, by)
        assert state.submitted_at is not None
        submission = Submission(review_id=state.pk, submitted_at=state.submitted_at, answers_sha256=sent)
        submission._state.adding = False
        return SubmitResult(submission, repeated=True)
    # Only the hash of what was sent: a second answer is no answer, but that it came is a fact.
    data = {"answers_sha256": sent, "questionnaire_version": str(questionnaire_version or state.version_public_id)[:64]}
    _record(state, ReviewEvent.Kind.SUBMIT_REFUSED, by, data=canonical_json(data))
    raise Conflict(_("Your first answer to this case is saved and cannot be changed."), code="already_answered")


def _sent_sha256(state: ReviewState, answers: Given) -> str:
    """Of the canonical answers; of the bare JSON where they are not even valid, which is never equal."""
    asked = asked_of(state)
    sent: Mapping[str, Any] = {}
    try:
        sent = _by_key(answers, asked)
        return digest(validate(asked.definitions, sent))
    except AnswerErrors:
        return sha256_hex(json.dumps(sent, sort_keys=True, default=str).encode("utf-8", "replace"))


def _by_key(answers: Given, asked: Asked) -> Mapping[str, Any]:
    return answers(asked) if callable(answers) else answers


def _is_bound_version(state: ReviewState, given: uuid.UUID | str | None) -> bool:
    if given is None:
        return True
    try:
        return (given if isinstance(given, uuid.UUID) else uuid.UUID(given)) == state.version_public_id
    except (ValueError, AttributeError, TypeError):
        return False


def _record(state: ReviewState, kind: ReviewEvent.Kind, by: Any, **fields: Any) -> None:
    insert([ReviewEvent(review_id=state.pk, kind=kind, by=by, **fields)])


def _client_text(value: Any) -> str:
    """What the client says, as canonical JSON; too much or no JSON is left out, and that is said: no answer is lost
    for it."""
    if value is None:
        return ""
    try:
        text = canonical_json(plain(value))
    except (TypeError, ValueError, RecursionError):
        return canonical_json({"left_out": "not JSON"})
    if len(text) > LONGEST_CLIENT_DATA:
        return canonical_json({"left_out": f"more than {LONGEST_CLIENT_DATA} characters"})
    return text


def plain(value: Any) -> Any:
    """JSON values without floats: each as the shortest decimal that means it."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
