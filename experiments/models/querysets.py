"""How reviews are found. One definition of "answered", "open" and "next", used by every reader of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Case, Exists, ExpressionWrapper, F, OuterRef, Q, Subquery, Value, When, Window
from django.db.models.functions import Lag
from django.utils import timezone

from experiments.models.shown_snapshots import can_be_shown, was_withdrawn

if TYPE_CHECKING:
    from experiments.models.review import Review, ReviewEvent  # noqa: F401


class ReviewQuerySet(models.QuerySet["Review"]):
    def owned_by(self, user: Any) -> ReviewQuerySet:
        """The user's own reviews, of whatever kind of enrolment."""
        return self.filter(assignment__enrolment__user=user)

    def real(self) -> ReviewQuerySet:
        return self.filter(assignment__enrolment__kind="real")

    def answered(self) -> ReviewQuerySet:
        return self.filter(submission__isnull=False)

    def unanswered(self) -> ReviewQuerySet:
        return self.filter(submission__isnull=True)

    def opened(self) -> ReviewQuerySet:
        return self.filter(opening__isnull=False)

    def in_order(self) -> ReviewQuerySet:
        """Study by study, by position, stage by stage."""
        return self.order_by("assignment__enrolment_id", "assignment__position", "stage_position")

    def reachable(self, now: datetime | None = None) -> ReviewQuerySet:
        """What a participant may open now: the study runs, the enrolment is active, the assignment is available, the
        stage before was answered as long ago as the protocol asks, and what it would show is there."""
        return self.filter(*_reachable(now or timezone.now()))

    def in_time(self, now: datetime | None = None) -> ReviewQuerySet:
        """As `reachable`, but for whether what it would show is there: that costs a look at snapshots for each review,
        too much for a whole study."""
        return self.filter(*_in_time(now or timezone.now()))

    def left(self) -> ReviewQuerySet:
        """What is still to be answered, now or later: an enrolment without any is complete. What was withdrawn is not
        waited for."""
        return self.unanswered().filter(~was_withdrawn())

    def to_do(self) -> ReviewQuerySet:
        """What keeps a case from counting as answered, as its reader is told: a first reading, what was opened, and a
        later reading once it can be opened. One that comes later is not told of before."""
        now = reduce(and_, _reachable(timezone.now()))
        return self.unanswered().filter(Q(stage_position=1) | Q(opening__isnull=False) | now)

    def with_status(self) -> ReviewQuerySet:
        """Annotated with `status`, as participants are told it: answered, open (opened, not answered), next (can be
        opened now) or locked."""
        return self.annotate(
            status=Case(
                When(submission__isnull=False, then=Value("answered")),
                When(opening__isnull=False, then=Value("open")),
                When(reduce(and_, _reachable(timezone.now())), then=Value("next")),
                default=Value("locked"),
            )
        )

    def without_later_stages(self) -> ReviewQuerySet:
        """Without stages whose stage before is not answered. That a second reading will come would tell its reader the
        arm before the first one."""
        return self.filter(Q(stage_position=1) | ~Exists(_earlier_unanswered()))

    def pending_for(self, user: Any) -> ReviewQuerySet:
        """The user's reviews that can be opened and answered now, the next one first."""
        return self.owned_by(user).unanswered().reachable().in_order()

    def with_progress(self) -> ReviewQuerySet:
        """Annotated with what a list shows, without a query per row."""
        return self.annotate(
            case_number=F("assignment__case__number"),
            position=F("assignment__position"),
            opened_at=F("opening__opened_at"),
            submitted_at=F("submission__submitted_at"),
        )


def _reachable(now: datetime) -> list[Q]:
    """The one rule of what can be opened, as conditions on a review (also kept, row by row, by the opening itself)."""
    return [*_in_time(now), can_be_shown()]


def _in_time(now: datetime) -> list[Q]:
    return [
        Q(assignment__enrolment__status="active", assignment__enrolment__experiment__status="active"),
        Q(assignment__available_from=None) | Q(assignment__available_from__lte=now),
        Q(stage_position=1) | (~Q(Exists(_earlier_unanswered())) & ~Q(Exists(_too_recent(now)))),
    ]


def _earlier_unanswered() -> models.QuerySet[Any]:
    from experiments.models.review import Review

    return Review.objects.filter(
        assignment=OuterRef("assignment"), stage_position__lt=OuterRef("stage_position"), submission__isnull=True
    )


def _too_recent(now: datetime) -> models.QuerySet[Any]:
    """Submissions of the stage before which the protocol wants to be older."""
    from experiments.models.design import ProtocolStage
    from experiments.models.review import Submission

    stage = ProtocolStage.objects.filter(
        protocol=OuterRef("review__opening__protocol"),
        arm=OuterRef("review__assignment__arm"),
        position=OuterRef("review__stage_position") + 1,
        not_before_days__gt=0,
    ).order_by()
    wait = ExpressionWrapper(F("days") * Value(timedelta(days=1)), output_field=models.DurationField())
    return (
        Submission.objects.filter(
            review__assignment=OuterRef("assignment"), review__stage_position=OuterRef("stage_position") - 1
        )
        .annotate(days=Subquery(stage.values("not_before_days")[:1], output_field=models.IntegerField()))
        .annotate(opens_at=ExpressionWrapper(F("submitted_at") + wait, output_field=models.DateTimeField()))
        .filter(opens_at__gt=now)
    )


class ReviewEventQuerySet(models.QuerySet["ReviewEvent"]):
    def by_clients(self) -> ReviewEventQuerySet:
        return self.filter(page_session__isnull=False)

    def gaps(self) -> ReviewEventQuerySet:
        """Where numbers are missing: events before which the page session lost some. Each row has `first_missing` and
        `last_missing`; client sequences begin at 1. (What was lost after the last event cannot be known.)"""
        before = Window(
            Lag("sequence", default=0), partition_by=[F("review"), F("page_session")], order_by=F("sequence").asc()
        )
        return (
            self.by_clients()
            .annotate(before=before)
            .filter(sequence__gt=F("before") + 1)
            .annotate(first_missing=F("before") + 1, last_missing=F("sequence") - 1)
            .order_by("review", "page_session", "sequence")
        )


def intake_versions(experiment: Any, *, in_force: bool = True) -> models.QuerySet[Any]:
    """What a study asks its readers about themselves: the version that the protocol in force keeps, or none. Not
    `in_force`: those of the working design, the newest first, which is what would be kept."""
    from experiments.models.questionnaire import QuestionnaireVersion

    if in_force:
        return QuestionnaireVersion.objects.filter(
            protocols_asking_readers__experiment=experiment,
            protocols_asking_readers__experiment__protocol=F("protocols_asking_readers"),
        ).order_by()
    return QuestionnaireVersion.objects.filter(
        questionnaire__experiment=experiment,
        questionnaire=F("questionnaire__experiment__intake_questionnaire"),
        questions__position=1,
    ).order_by("-number")
