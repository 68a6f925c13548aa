"""Exports of a study: asked for, followed, downloaded."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.models import Job
from augmed.foundation.pagination import CursorPagination
from augmed.foundation.permissions import SignedIn, Verb
from experiments.actions.exports import EXPORT, download_export, request_export
from experiments.api.base import StudyViewSet
from experiments.exports.writing import Profile

TAG = ["analyst: exports"]
PROFILES = [
    (Profile.FULL.value, "all tables of the study"),
    (Profile.AUGMED.value, "one table with the columns of AugMed's answer export"),
]


class ExportSerializer(serializers.ModelSerializer[Job]):
    identified = serializers.BooleanField(source="parameters.identified")
    profile = serializers.ChoiceField(
        source="parameters.profile", choices=PROFILES, default=Profile.FULL.value, read_only=True
    )
    percent = serializers.IntegerField(allow_null=True)
    result = serializers.DictField(help_text="rows by table, size and SHA-256 of the archive, once it is there")

    class Meta:
        model = Job
        fields = [
            "id",
            "status",
            "identified",
            "profile",
            "percent",
            "message",
            "error",
            "result",
            "created_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = fields


class ExportRequestSerializer(serializers.Serializer[Any]):
    identified = serializers.BooleanField(
        default=False, help_text="e-mail addresses beside the pseudonyms; needs a permission of its own"
    )
    profile = serializers.ChoiceField(choices=PROFILES, default=Profile.FULL.value)


class NewestExportsFirst(CursorPagination):
    ordering = "-created_at"


def exports_visible_to(user: Any) -> QuerySet[Job]:
    return Job.objects.visible_to(user).filter(kind=EXPORT)


class StudyExportsViewSet(mixins.ListModelMixin, StudyViewSet):
    serializer_class = ExportSerializer
    pagination_class = NewestExportsFirst
    verbs = {"list": Verb.EXPORT, "create": Verb.EXPORT}

    def get_queryset(self) -> QuerySet[Job]:
        return exports_visible_to(self.request.user).filter(experiment_id=self.experiment.pk)

    @extend_schema(tags=TAG, operation_id="exports_list")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One's own exports of this study; administrators see everybody's."""
        return super().list(request, *args, **kwargs)

    @extend_schema(
        tags=TAG,
        operation_id="exports_create",
        request=ExportRequestSerializer,
        responses={202: ExportSerializer},
    )
    def create(self, request: Request, code: str) -> Response:
        """Ask for an export. Arms and outcomes by arm are in it only for those who may see them."""
        payload = ExportRequestSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        job = request_export(experiment=self.experiment, by=request.user, **payload.validated_data)
        return Response(self.get_serializer(job).data, status=status.HTTP_202_ACCEPTED)


class ExportsViewSet(viewsets.GenericViewSet[Job]):
    """One export, for whoever asked for it, and for administrators."""

    permission_classes = [SignedIn]
    serializer_class = ExportSerializer
    queryset = Job.objects.none()

    def get_queryset(self) -> QuerySet[Job]:
        return exports_visible_to(self.request.user)

    @extend_schema(tags=TAG, operation_id="exports_retrieve")
    def retrieve(self, request: Request, pk: str) -> Response:
        """How far an export is."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(tags=TAG, operation_id="exports_download", responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def download(self, request: Request, pk: str) -> FileResponse:
        """The archive. Each download is in the audit trail."""
        found = download_export(job=self.get_object(), by=request.user)
        return FileResponse(
            found.path.open("rb"), as_attachment=True, filename=found.name, content_type="application/zip"
        )
