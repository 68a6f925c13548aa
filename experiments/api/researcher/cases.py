"""Cases as a whole, undisclosed parts included: for those who may view cases. Each reading is in the audit trail."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.permissions import HasVerb, Verb
from cases.actions import record_case_viewed
from cases.models import Case, CaseSnapshot
from experiments.api.responses import with_json_text

TAG = ["researcher: cases"]


class CaseSerializer(serializers.ModelSerializer[Case]):
    index_at = serializers.SerializerMethodField(help_text="local time, without zone")

    class Meta:
        model = Case
        fields = ["number", "kind", "source_label", "visit_occurrence_id", "person_id", "index_at", "created_at"]
        read_only_fields = fields

    def get_index_at(self, case: Case) -> str | None:
        return case.index_at.isoformat() if case.index_at else None


class SnapshotSerializer(serializers.ModelSerializer[CaseSnapshot]):
    layout = serializers.CharField(source="layout_version.layout.name")
    layout_version = serializers.IntegerField(source="layout_version.number")

    class Meta:
        model = CaseSnapshot
        fields = ["number", "layout", "layout_version", "schema_version", "sha256", "created_at", "redacted_at"]
        read_only_fields = fields


class WholeCaseSerializer(CaseSerializer):
    """For the schema; the tree is served as it is stored."""

    snapshot = SnapshotSerializer(allow_null=True)
    tree = serializers.SerializerMethodField(help_text="the whole feature tree; null without snapshot, or redacted")

    class Meta(CaseSerializer.Meta):
        fields = [*CaseSerializer.Meta.fields, "snapshot", "tree"]
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": True, "nullable": True})
    def get_tree(self, case: Case) -> Any:
        raise NotImplementedError


class CasesViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Case]):
    permission_classes = [HasVerb]
    required_verb = {"list": Verb.VIEW_CASES, "retrieve": Verb.VIEW_CASES}
    serializer_class = CaseSerializer
    queryset = Case.objects.none()
    lookup_field = lookup_url_kwarg = "number"
    lookup_value_regex = r"-?[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[Case]:
        return Case.objects.visible_to(self.request.user)

    @extend_schema(tags=TAG, operation_id="cases_list")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """All cases, without their content."""
        return super().list(request, *args, **kwargs)

    @extend_schema(
        tags=TAG,
        operation_id="cases_retrieve",
        responses={200: WholeCaseSerializer},
        parameters=[
            OpenApiParameter("layout", OpenApiTypes.STR, description="name of a layout; left out: the default one")
        ],
    )
    def retrieve(self, request: Request, number: str) -> HttpResponse:
        """A case with its newest snapshot under a layout."""
        case = self.get_object()
        snapshot = _newest_snapshot(case, request.query_params.get("layout"))
        record_case_viewed(case=case, by=request.user, snapshot=snapshot)
        shown = dict(CaseSerializer(case).data)
        shown["snapshot"] = dict(SnapshotSerializer(snapshot).data) if snapshot else None
        return with_json_text(shown, tree=(snapshot.content if snapshot else "") or "null")


def _newest_snapshot(case: Case, layout: str | None) -> CaseSnapshot | None:
    found = case.snapshots.select_related("layout_version__layout")
    if layout is None:
        found = found.filter(layout_version__layout__is_default=True)
    else:
        found = found.filter(layout_version__layout__name=layout.replace("\x00", ""))
    return found.order_by("-layout_version__number", "-number").first()
