"""The study's attention check: what is asked, and how participants did."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.permissions import Verb
from experiments.actions.attention_checks import set_attention_check
from experiments.api.base import StudyViewSet
from experiments.models import AttentionCheck, Enrolment
from experiments.reviewing.attention_results import NOT_ASKED, results_by_enrolment

TAG = ["researcher: attention check"]


class AttentionCheckSerializer(serializers.ModelSerializer[AttentionCheck]):
    """The newest version. A study by protocol asks the one of its protocol version until it is amended."""

    options = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = AttentionCheck
        fields = ["number", "every", "place", "text", "options", "right_answer", "created_at"]
        read_only_fields = fields


class AttentionCheckWriteSerializer(serializers.Serializer[Any]):
    every = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, allow_null=True, required=False, help_text="null switches the check off"
    )
    place = serializers.IntegerField(
        min_value=1,
        max_value=2**31 - 1,
        allow_null=True,
        required=False,
        help_text="among the questions, from 1; null: after the last one",
    )
    text = serializers.CharField(required=False, max_length=20_000)
    options = serializers.ListField(child=serializers.CharField(max_length=500), required=False, max_length=200)
    right_answer = serializers.CharField(required=False, max_length=500)


class AttentionResultSerializer(serializers.Serializer[Any]):
    """Of one participant. `answered`: how many checks were asked and answered; `passed`: how many rightly."""

    pseudonym = serializers.CharField()
    answered = serializers.IntegerField()
    passed = serializers.IntegerField()


class AttentionCheckViewSet(StudyViewSet):
    serializer_class = AttentionCheckSerializer
    verbs = {
        "retrieve": Verb.VIEW_EXPERIMENT,
        "partial_update": Verb.CHANGE_DESIGN,
        "results": Verb.VIEW_OUTCOME,
    }
    queryset = AttentionCheck.objects.none()

    @extend_schema(tags=TAG, operation_id="attention_check_retrieve")
    def retrieve(self, request: Request, code: str) -> Response:
        """The study's attention check; 404 where none was ever set."""
        newest = AttentionCheck.objects.filter(experiment=self.experiment).order_by("-number")[:1]
        return Response(self.get_serializer(get_object_or_404(newest)).data)

    @extend_schema(
        tags=TAG,
        operation_id="attention_check_set",
        request=AttentionCheckWriteSerializer,
        responses={200: AttentionCheckSerializer},
    )
    def partial_update(self, request: Request, code: str) -> Response:
        """Set it, as a new version; what is left out stays. Reaches participants with the next amendment."""
        payload = AttentionCheckWriteSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        check = set_attention_check(experiment=self.experiment, by=request.user, **payload.validated_data)
        return Response(self.get_serializer(check).data)

    @extend_schema(tags=TAG, operation_id="attention_check_results", responses=AttentionResultSerializer(many=True))
    def results(self, request: Request, code: str) -> Response:
        """How often each participant was asked a check and passed it."""
        page: list[Enrolment] = self.paginate_queryset(  # type: ignore[assignment]
            Enrolment.objects.real().filter(experiment=self.experiment)
        )
        found = results_by_enrolment(page)
        rows = []
        for enrolment in page:
            result = found.get(enrolment.pk, NOT_ASKED)
            rows.append({"pseudonym": enrolment.pseudonym, "answered": result.answered, "passed": result.passed})
        return self.get_paginated_response(AttentionResultSerializer(rows, many=True).data)
