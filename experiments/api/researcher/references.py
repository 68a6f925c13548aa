"""The reference standard: what is held to be true of a case. Never served to participants."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.errors import Invalid
from augmed.foundation.permissions import Verb
from cases.models import Case
from experiments.actions import references
from experiments.api.base import StudyViewSet
from experiments.models import ReferenceStandard

TAG = ["researcher: reference standard"]


@extend_schema_field(OpenApiTypes.ANY)
class AnyJsonField(serializers.JSONField):
    """Any JSON value."""


class ReferenceSerializer(serializers.ModelSerializer[ReferenceStandard]):
    case = serializers.IntegerField(source="case.number")
    value = serializers.SerializerMethodField("get_stored_value")

    class Meta:
        model = ReferenceStandard
        fields = ["case", "question_key", "value", "rule", "version", "created_at"]
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.ANY)
    def get_stored_value(self, reference: ReferenceStandard) -> Any:
        return json.loads(reference.value)


class ReferenceWriteSerializer(serializers.Serializer[Any]):
    case = serializers.IntegerField(
        min_value=-(2**63), max_value=2**63 - 1, help_text="the number of a case of this study"
    )
    question_key = serializers.CharField(max_length=80)
    value = AnyJsonField(help_text="an answer, or a distribution over answers")
    rule = serializers.CharField(max_length=500, help_text="how it was found")


class ReferencesViewSet(mixins.ListModelMixin, StudyViewSet):
    serializer_class = ReferenceSerializer
    verbs = {"list": Verb.VIEW_REFERENCE, "create": Verb.CHANGE_DESIGN}

    def get_queryset(self) -> QuerySet[ReferenceStandard]:
        return self.experiment.references.select_related("case")

    @extend_schema(tags=TAG, operation_id="references_list")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Every version of every reference value."""
        return super().list(request, *args, **kwargs)

    @extend_schema(
        tags=TAG,
        operation_id="references_create",
        request=ReferenceWriteSerializer,
        responses={201: ReferenceSerializer},
    )
    def create(self, request: Request, code: str) -> Response:
        """Set the reference value of a case and question; a value that is there gets its next version."""
        payload = ReferenceWriteSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        given = payload.validated_data
        case = Case.objects.filter(number=given["case"], study_cases__experiment=self.experiment).first()
        if case is None:
            message = "The study has no case of this number."
            raise Invalid(message, errors={"case": [message]})
        made = references.set_reference(
            experiment=self.experiment,
            case=case,
            question_key=given["question_key"],
            value=given["value"],
            rule=given["rule"],
            by=request.user,
        )
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)
