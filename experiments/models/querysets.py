"""How reviews are found. One definition of "answered", "open" and "next", used by every reader of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

if TYPE_CHECKING:
    from experiments.models.review import Review  # noqa: F401


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

    def reachable(self) -> ReviewQuerySet:
        """What a participant may open now: the study runs, the enrolment is active, the assignment is available and
        the stage before is answered. (Days between stages are checked at the opening, where the protocol is known.)"""
        earlier_unanswered = self.model.objects.filter(
            assignment=OuterRef("assignment"),
            stage_position__lt=OuterRef("stage_position"),
            submission__isnull=True,
        )
        return self.filter(
            Q(assignment__available_from=None) | Q(assignment__available_from__lte=timezone.now()),
            ~Exists(earlier_unanswered),
            assignment__enrolment__status="active",
            assignment__enrolment__experiment__status="active",
        )

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
