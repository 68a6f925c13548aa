"""The studies in which one takes part."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, Count, Exists, F, OuterRef, QuerySet, Subquery, Value, When
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.permissions import SignedIn
from experiments.api.participant.serializers import OwnStudySerializer
from experiments.models import ConsentRecord, Enrolment, Experiment, Review

_ACTIVE, _COMPLETED = Enrolment.Status.ACTIVE, Enrolment.Status.COMPLETED


class OwnStudiesViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Enrolment]):
    permission_classes = [SignedIn]
    serializer_class = OwnStudySerializer
    queryset = Enrolment.objects.none()

    def get_queryset(self) -> QuerySet[Enrolment]:
        """`status_told`: whoever has answered all cases is told the same as whoever waits for another reading of them,
        for good; else the word would tell who has a second reading before it comes."""
        user: Any = self.request.user
        latest_consent = ConsentRecord.objects.filter(enrolment=OuterRef("pk")).order_by("-recorded_at", "-pk")
        to_do = Review.objects.filter(assignment=OuterRef("assignments")).to_do()
        return (
            Enrolment.objects.filter(user=user)
            .exclude(experiment__status=Experiment.Status.DRAFT)
            .select_related("experiment__protocol")
            .defer("experiment__protocol__content")
            .annotate(
                status_told=Case(When(status=_COMPLETED, then=Value(_ACTIVE)), default=F("status")),
                consent=Subquery(latest_consent.values("kind")[:1]),
                # Cases, not reviews: their number would tell how many are read in two stages.
                cases_total=Count("assignments"),
                cases_answered=Count("assignments", filter=~Exists(to_do)),
            )
        )

    @extend_schema(tags=["participant"], operation_id="studies_list")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Name, instructions, consent and progress of one's own studies."""
        return super().list(request, *args, **kwargs)
