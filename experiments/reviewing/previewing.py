"""Previews: staff who read a study as its participants do. Nothing of them is in any count, list or export."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from experiments.models import Arm, Assignment, AssignmentDisclosure, Enrolment, Experiment, Review
from experiments.models.querysets import ReviewQuerySet


def own_previews(user: Any, experiment: Experiment) -> QuerySet[Enrolment]:
    """A person's previews of a study, the newest first, with the numbers of reviews and of answered ones."""
    previews = Enrolment.objects.filter(kind=Enrolment.Kind.PREVIEW, user=user, experiment=experiment)
    reviews = Count("assignments__reviews")
    answered = Count("assignments__reviews", filter=Q(assignments__reviews__submission__isnull=False))
    return previews.annotate(reviews=reviews, answered=answered).select_related("preview_of").order_by("-pk")


def reviews_of_preview(preview: int) -> ReviewQuerySet:
    """A preview's reviews in order; a later stage only once the stage before it is answered, as for participants."""
    reviews = Review.objects.filter(assignment__enrolment=preview, assignment__enrolment__kind=Enrolment.Kind.PREVIEW)
    return reviews.without_later_stages().with_progress().in_order()


def next_of_preview(preview: int) -> uuid.UUID | None:
    """The first review of a preview that is not answered. One statement. (A preview waits for no day.)"""
    return reviews_of_preview(preview).unanswered().values_list("public_id", flat=True).first()


def shown_as(previews: Iterable[int]) -> dict[int, str]:
    """The name of the arm that each preview as an arm shows, by primary key; an arm that was removed is left out. One
    statement."""
    rows = AssignmentDisclosure.objects.filter(assignment=OuterRef("pk")).order_by("-pk").values("policy")[:1]
    arms = Arm.objects.filter(experiment=OuterRef("enrolment__experiment"), key=OuterRef("key")).order_by()
    named = (
        Assignment.objects.filter(enrolment__in=list(previews), position=1)
        .annotate(key=Subquery(rows))
        .annotate(name=Coalesce("arm__name", Subquery(arms.values("name")[:1])))
        .order_by()
    )
    return {preview: name for preview, name in named.values_list("enrolment", "name") if name}
