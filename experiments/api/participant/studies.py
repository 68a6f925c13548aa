"""The studies in which one takes part."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.permissions import SignedIn
from experiments.api.participant.serializers import OwnStudySerializer
from experiments.models import ConsentRecord, Enrolment, Experiment, Review


class OwnStudiesViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Enrolment]):
    permission_classes = [SignedIn]
    serializer_class = OwnStudySerializer
    queryset = Enrolment.objects.none()

    def get_queryset(self) -> QuerySet[Enrolment]:
        user: Any = self.request.user
        latest_consent = ConsentRecord.objects.filter(enrolment=OuterRef("pk")).order_by("-recorded_at", "-pk")
        to_do = Review.objects.filter(assignment=OuterRef("assignments")).to_do()
        return (
            Enrolment.objects.filter(user=user)
            .exclude(experiment__status=Experiment.Status.DRAFT)
            .select_related("experiment")
            .annotate(
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
