"""A participant's own review as it stands: one query, and the rules of what may be done with it now."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, Case, F, OuterRef, Q, QuerySet, Subquery, UUIDField, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from augmed.foundation.errors import Conflict, NotFound
from augmed.foundation.permissions import Verb
from augmed.foundation.prepared import Parameter, Prepared
from experiments import roles
from experiments.models import Assignment, Enrolment, Experiment, QuestionnaireVersion, Review
from experiments.models.querysets import ReviewQuerySet
from experiments.reviewing.revealing import reveal_terms, revealed_features


@dataclass(frozen=True, slots=True)
class ReviewState:
    """What is known of a review without opening its case. Everything from `opened_at` on is None before the opening."""

    pk: int
    public_id: uuid.UUID
    stage_position: int
    assignment_id: int
    position: int
    available_from: datetime | None
    drawn_by: str
    arm_id: int | None
    case_id: int
    case_number: int
    enrolment_id: int
    enrolment_kind: str
    enrolment_status: str
    erased_at: datetime | None
    preview_of_id: int | None
    experiment_id: int
    experiment_kind: str
    experiment_status: str
    layout_id: int | None
    protocol_id: int | None
    previous_protocol_id: int | None
    previous_submitted_at: datetime | None
    unfrozen_version_id: int | None
    opened_at: datetime | None
    bound_protocol_id: int | None
    version_id: int | None
    version_public_id: uuid.UUID | None
    attention_check_id: int | None
    disclosed_sha256: str | None
    redacted_at: datetime | None
    layout_rules: Mapping[str, Any] | None
    reveal_terms: Sequence[Any] | None  # of a stage that hides until asked; read by reviewing.revealing
    revealed: Sequence[str] | None
    submitted_at: datetime | None
    answers_sha256: str | None
    draft_revision: int | None
    stage_before_id: int | None  # of an opened later stage: the review before it, and what that disclosed
    stage_before_sha256: str | None

    @property
    def is_preview(self) -> bool:
        return self.enrolment_kind == Enrolment.Kind.PREVIEW

    @property
    def is_opened(self) -> bool:
        return self.opened_at is not None

    @property
    def is_answered(self) -> bool:
        return self.submitted_at is not None


_PATHS: Mapping[str, str] = {
    "position": "assignment__position",
    "available_from": "assignment__available_from",
    "drawn_by": "assignment__drawn_by",
    "arm_id": "assignment__arm_id",
    "case_id": "assignment__case_id",
    "case_number": "assignment__case__number",
    "enrolment_id": "assignment__enrolment_id",
    "enrolment_kind": "assignment__enrolment__kind",
    "enrolment_status": "assignment__enrolment__status",
    "erased_at": "assignment__enrolment__erased_at",
    "preview_of_id": "assignment__enrolment__preview_of_id",
    "experiment_id": "assignment__enrolment__experiment_id",
    "experiment_kind": "assignment__enrolment__experiment__kind",
    "experiment_status": "assignment__enrolment__experiment__status",
    "layout_id": "assignment__enrolment__experiment__layout_id",
    "protocol_id": "assignment__enrolment__experiment__protocol_id",
    "opened_at": "opening__opened_at",
    "bound_protocol_id": "opening__protocol_id",
    "version_id": "opening__questionnaire_version_id",
    "version_public_id": "opening__questionnaire_version__public_id",
    "attention_check_id": "opening__attention_check_id",
    "disclosed_sha256": "opening__disclosed_sha256",
    "redacted_at": "opening__snapshot__redacted_at",
    "layout_rules": "opening__snapshot__layout_version__path_rules",
    "submitted_at": "submission__submitted_at",
    "answers_sha256": "submission__answers_sha256",
    "draft_revision": "draft__revision",
}
_OWN = ("pk", "public_id", "stage_position", "assignment_id")
_COMPUTED = (
    "previous_protocol_id",
    "previous_submitted_at",
    "unfrozen_version_id",
    "stage_before_id",
    "stage_before_sha256",
    "reveal_terms",
    "revealed",
)


def own_review(*, public_id: uuid.UUID | str, by: Any) -> ReviewState:
    """The review of this person with this id, or NotFound: somebody else's looks like none. One statement, and for a
    preview another: it is there for as long as its owner may see what it shows."""
    try:
        identifier = public_id if isinstance(public_id, uuid.UUID) else uuid.UUID(public_id)
    except (ValueError, AttributeError, TypeError):
        raise NotFound(_("There is no such case.")) from None
    rows = _OWN_REVIEW.rows(public_id=identifier, user=by.pk)
    if not rows:
        raise NotFound(_("There is no such case."))
    state = state_of(rows[0])
    if state.is_preview and not _may_preview(state, by):
        raise NotFound(_("There is no such case."))
    return state


def _may_preview(state: ReviewState, by: Any) -> bool:
    verb = Verb.VIEW_ARM if state.preview_of_id is None else Verb.VIEW_ALLOCATION
    return roles.may(by, verb, Experiment(pk=state.experiment_id))


def state_of(columns: Iterable[Any]) -> ReviewState:
    """Of a row of `STATE_COLUMNS`."""
    return ReviewState(**dict(zip(_NAMES, columns, strict=True)))


def refuse_unless_readable(state: ReviewState) -> None:
    """What one has opened stays readable, answered or not, while the study runs or is paused."""
    if state.redacted_at is not None:
        raise Conflict(_("This case was withdrawn and can no longer be shown."), code="redacted")
    if state.experiment_status not in (Experiment.Status.ACTIVE, Experiment.Status.PAUSED) and not state.is_preview:
        raise Conflict(_("The study is closed."), code="study_closed")
    if state.enrolment_status not in (Enrolment.Status.ACTIVE, Enrolment.Status.COMPLETED):
        raise not_enrolled(state.enrolment_status)


def refuse_unless_running(state: ReviewState) -> None:
    """Opening and answering are for active participants of an active study; a preview waits for no activation."""
    if state.is_preview:
        return
    if state.experiment_status == Experiment.Status.PAUSED:
        raise Conflict(_("The study is paused. You can go on when it is resumed."), code="study_paused")
    if state.experiment_status == Experiment.Status.DRAFT:
        raise Conflict(_("The study has not begun."), code="study_not_begun")
    if state.experiment_status != Experiment.Status.ACTIVE:
        raise Conflict(_("The study is closed."), code="study_closed")
    if state.enrolment_status != Enrolment.Status.ACTIVE:
        raise not_enrolled(state.enrolment_status)


def refuse_unless_due(state: ReviewState) -> None:
    """The assignment is available, and the stage before is answered. (Days between stages: `refuse_before`.)"""
    if state.available_from is not None:
        refuse_before(state.available_from)
    if state.stage_position > 1 and state.previous_submitted_at is None:
        raise Conflict(_("Please answer what comes before this first."), code="earlier_stage_unanswered")


def refuse_before_wait(state: ReviewState, days: int) -> None:
    if state.previous_submitted_at is not None and days and not state.is_preview:
        refuse_before(state.previous_submitted_at + timedelta(days=days))


def refuse_before(opens_at: datetime) -> None:
    if opens_at > timezone.now():
        moment = opens_at.astimezone(timezone.get_current_timezone())
        raise Conflict(
            _("This case opens on %(day)s at %(time)s.")
            % {"day": date_format(moment, "DATE_FORMAT"), "time": f"{moment:%H:%M %Z}"},
            code="not_yet_open",
            errors={"opens_at": [opens_at.isoformat()]},
        )


def not_enrolled(status: str) -> Conflict:
    """Why somebody with this status reads and answers nothing now: at first, or since a new consent is asked for."""
    if status == Enrolment.Status.AWAITING_CONSENT:
        message = _("Your consent is needed before you go on. The page of your studies says what to do.")
        return Conflict(message, code="consent_needed")
    return Conflict(_("You no longer take part in this study."), code="not_taking_part")


def review_states() -> ReviewQuerySet:
    """Reviews with what is computed. What only an opening needs is left out by the database once it is opened."""
    before = Review.objects.filter(
        assignment=OuterRef("assignment"), stage_position=OuterRef("stage_position") - 1
    ).order_by()  # without the models' own orders, which would join for nothing
    later_stage = Q(opening=None, stage_position__gt=1)
    read_again = Q(opening__isnull=False, stage_position__gt=1)
    by_csv_alone = Q(opening=None, assignment__arm=None, assignment__drawn_by=Assignment.DrawnBy.CSV)
    states = Review.objects.annotate(
        previous_protocol_id=Case(When(later_stage, then=Subquery(before.values("opening__protocol_id")[:1]))),
        previous_submitted_at=Case(When(later_stage, then=Subquery(before.values("submission__submitted_at")[:1]))),
        unfrozen_version_id=Case(When(by_csv_alone, then=Subquery(_newest_if_unfrozen()[:1]))),
        stage_before_id=Case(When(read_again, then=Subquery(before.values("pk")[:1]))),
        stage_before_sha256=Case(When(read_again, then=Subquery(before.values("opening__disclosed_sha256")[:1]))),
        revealed=revealed_features(),
    )
    study_protocol = F("assignment__enrolment__experiment__protocol")
    # Opening refuses when the study's protocol has changed meanwhile, so what holds now is what it will bind.
    would_bind = Coalesce("previous_protocol_id", study_protocol, output_field=BigIntegerField())
    binds = Case(When(opening=None, then=would_bind), default=F("opening__protocol"), output_field=BigIntegerField())
    return states.alias(binds_protocol=binds).annotate(reveal_terms=reveal_terms("binds_protocol")).order_by()


def newest_versions(experiment: Any) -> QuerySet[QuestionnaireVersion]:
    """The versions of a study's questionnaires that have questions, the newest first."""
    return QuestionnaireVersion.objects.filter(questionnaire__experiment=experiment, questions__position=1).order_by(
        "-pk"
    )


def _newest_if_unfrozen() -> QuerySet[Any, Any]:
    unfrozen = Case(When(frozen_at=None, then=F("pk")))
    return newest_versions(OuterRef("assignment__enrolment__experiment")).values(unfrozen=unfrozen)


_NAMES = (*_OWN, *_PATHS, *_COMPUTED)
STATE_COLUMNS = (*_OWN, *_PATHS.values(), *_COMPUTED)
_OWN_REVIEW = Prepared(
    lambda public_id, user: (
        review_states().filter(public_id=public_id, assignment__enrolment__user=user).values_list(*STATE_COLUMNS)
    ),
    public_id=Parameter(UUIDField(), uuid.UUID(int=1)),
    user=Parameter(BigIntegerField(), 2_100_000_001),
)

assert {field.name for field in fields(ReviewState)} == set(_NAMES)
