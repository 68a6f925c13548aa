"""Page layouts: what there is, export and import as JSON."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.permissions import HasVerb, Verb
from cases.actions import import_layout
from cases.layouts import export_layout
from cases.models import LayoutVersion, PageLayout

TAG = ["researcher: layouts"]


class LayoutVersionSerializer(serializers.ModelSerializer[LayoutVersion]):
    class Meta:
        model = LayoutVersion
        fields = ["number", "frozen_at", "created_at"]
        read_only_fields = fields


class LayoutSerializer(serializers.ModelSerializer[PageLayout]):
    versions = LayoutVersionSerializer(many=True)

    class Meta:
        model = PageLayout
        fields = ["id", "name", "description", "is_default", "created_at", "versions"]
        read_only_fields = fields


class LayoutImportSerializer(serializers.Serializer[Any]):
    content = serializers.DictField(help_text="an exported layout, or AugMed's page_config")
    name = serializers.CharField(max_length=200, required=False)
    advice_labels = serializers.ListField(
        child=serializers.CharField(max_length=255),
        default=list,
        max_length=100,
        help_text="labels of nodes that are a model's advice (page_config does not say)",
    )


class LayoutsViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[PageLayout]):
    permission_classes = [HasVerb]
    required_verb = {
        "list": Verb.VIEW_LAYOUTS,
        "retrieve": Verb.VIEW_LAYOUTS,
        "version": Verb.VIEW_LAYOUTS,
        "create": Verb.CHANGE_LAYOUTS,
    }
    serializer_class = LayoutSerializer
    queryset = PageLayout.objects.none()
    lookup_value_regex = r"[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[PageLayout]:
        return PageLayout.objects.visible_to(self.request.user).prefetch_related("versions")

    @extend_schema(tags=TAG, operation_id="layouts_list")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """All layouts, with their versions."""
        return super().list(request, *args, **kwargs)

    @extend_schema(tags=TAG, operation_id="layouts_retrieve")
    def retrieve(self, request: Request, pk: str) -> Response:
        """One layout, with its versions."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(tags=TAG, operation_id="layouts_export", responses={200: OpenApiTypes.OBJECT})
    def version(self, request: Request, pk: str, number: str) -> Response:
        """A version of a layout as JSON, as the import takes it."""
        layout = self.get_object()
        return Response(export_layout(get_object_or_404(layout.versions, number=number)))

    @extend_schema(
        tags=TAG,
        operation_id="layouts_import",
        request=LayoutImportSerializer,
        responses={201: LayoutSerializer},
    )
    def create(self, request: Request) -> Response:
        """Make a layout from JSON; the first one is the default."""
        payload = LayoutImportSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        given = payload.validated_data
        made = import_layout(
            content=given["content"],
            by=request.user,
            name=given.get("name"),
            advice_labels=tuple(given["advice_labels"]),
        )
        layout = self.get_queryset().get(pk=made.layout_id)
        return Response(self.get_serializer(layout).data, status=status.HTTP_201_CREATED)
