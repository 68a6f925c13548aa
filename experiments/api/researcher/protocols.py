"""What activation and amendments froze."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.permissions import Verb
from experiments.actions import lifecycle
from experiments.api.base import StudyViewSet
from experiments.api.responses import json_text
from experiments.models import ProtocolVersion

TAG = ["researcher: studies"]


class ProtocolVersionSerializer(serializers.ModelSerializer[ProtocolVersion]):
    layout_version = serializers.IntegerField(source="layout_version.number")
    created_by = serializers.IntegerField(source="created_by_id", allow_null=True)

    class Meta:
        model = ProtocolVersion
        fields = ["number", "layout_version", "sha256", "reason", "created_at", "created_by"]
        read_only_fields = fields


class AmendmentSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2000)
    confirmed = serializers.ListField(child=serializers.CharField(max_length=100), default=list)


class ProtocolsViewSet(mixins.ListModelMixin, StudyViewSet):
    serializer_class = ProtocolVersionSerializer
    lookup_field = lookup_url_kwarg = "number"
    lookup_value_regex = r"[1-9][0-9]{0,8}"
    verbs = {
        "list": Verb.VIEW_ARM,  # the reason of an amendment may name an arm
        "content": Verb.VIEW_ARM,
        "create": Verb.CHANGE_STATUS,
    }

    def get_queryset(self) -> QuerySet[ProtocolVersion]:
        return self.experiment.protocol_versions.select_related("layout_version")

    @extend_schema(tags=TAG, operation_id="protocols_list")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The protocol versions, without their content."""
        return super().list(request, *args, **kwargs)

    @extend_schema(tags=TAG, operation_id="protocols_content", responses={200: OpenApiTypes.OBJECT})
    def content(self, request: Request, code: str, number: str) -> HttpResponse:
        """The frozen protocol, byte for byte: its SHA-256 is the version's `sha256`."""
        return json_text(self.get_object().content)

    @extend_schema(
        tags=TAG,
        operation_id="protocols_amend",
        request=AmendmentSerializer,
        responses={201: ProtocolVersionSerializer},
    )
    def create(self, request: Request, code: str) -> Response:
        """Freeze the working design as the next version; it reaches assignments that nobody has opened."""
        payload = AmendmentSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        made = lifecycle.amend(
            experiment=self.experiment,
            by=request.user,
            reason=payload.validated_data["reason"],
            confirmed=frozenset(payload.validated_data["confirmed"]),
        )
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)
