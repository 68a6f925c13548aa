"""Studies themselves: list, make, read, change, and their life cycle."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.pagination import CursorPagination
from augmed.foundation.permissions import SignedIn, Verb
from cases.models import PageLayout
from experiments.actions import design, lifecycle
from experiments.api.base import CODE_PATTERN, MayInStudy, StudyViewSet
from experiments.models import Experiment, ExperimentTransition
from experiments.roles import may

TAG = ["researcher: studies"]


class ExperimentSummarySerializer(serializers.ModelSerializer[Experiment]):
    layout = serializers.CharField(source="layout.name", allow_null=True, default=None)
    protocol_version = serializers.IntegerField(source="protocol.number", allow_null=True, default=None)

    class Meta:
        model = Experiment
        fields = ["code", "name", "description", "status", "kind", "layout", "protocol_version", "created_at"]
        read_only_fields = fields


class ExperimentSerializer(ExperimentSummarySerializer):
    """`block_multiples` is null for those who enrol but do not design: block sizes help to guess the next arm."""

    block_multiples = serializers.SerializerMethodField()
    strata = serializers.ListField(child=serializers.CharField())

    class Meta(ExperimentSummarySerializer.Meta):
        fields = [
            *ExperimentSummarySerializer.Meta.fields,
            "instructions",
            "allocation_rule",
            "case_order",
            "block_multiples",
            "strata",
            "person_once",
            "consent_required",
            "consent_elsewhere",
            "withdrawal_policy",
        ]
        read_only_fields = fields

    def get_block_multiples(self, experiment: Experiment) -> list[int] | None:
        user = self.context["request"].user
        allowed = may(user, Verb.CHANGE_DESIGN, experiment) or may(user, Verb.VIEW_ALLOCATION, experiment)
        return experiment.block_multiples if allowed else None


class ExperimentWriteSerializer(serializers.ModelSerializer[Experiment]):
    layout = serializers.SlugRelatedField(
        slug_field="name", queryset=PageLayout.objects.all(), required=False, help_text="a layout's name"
    )
    block_multiples = serializers.ListField(child=serializers.IntegerField(min_value=1, max_value=20), required=False)
    strata = serializers.ListField(child=serializers.CharField(max_length=100), required=False)

    class Meta:
        model = Experiment
        fields = [
            "name",
            "description",
            "instructions",
            "layout",
            "allocation_rule",
            "case_order",
            "block_multiples",
            "strata",
            "person_once",
            "consent_required",
            "consent_elsewhere",
            "withdrawal_policy",
        ]


class TransitionRequestSerializer(serializers.Serializer[Any]):
    to = serializers.ChoiceField(choices=["active", "paused", "completed", "archived"])
    reason = serializers.CharField(max_length=2000, allow_blank=True, default="")
    confirmed = serializers.ListField(
        child=serializers.CharField(max_length=100),
        default=list,
        help_text="codes of the activation check's confirmable problems that are accepted",
    )


class TransitionSerializer(serializers.ModelSerializer[ExperimentTransition]):
    by = serializers.IntegerField(source="by_id", allow_null=True)

    class Meta:
        model = ExperimentTransition
        fields = ["from_status", "to_status", "reason", "at", "by"]
        read_only_fields = fields


class ActivationProblemSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    confirmable = serializers.BooleanField()


class MayCreate(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        user: Any = request.user
        return view.action != "create" or user.may(Verb.CREATE_EXPERIMENT)


class NewestFirst(CursorPagination):
    ordering = "-pk"


class ExperimentsViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Experiment]):
    """The studies in which one holds a role."""

    permission_classes = [SignedIn, MayCreate]
    serializer_class = ExperimentSummarySerializer
    pagination_class = NewestFirst
    queryset = Experiment.objects.none()

    def get_queryset(self) -> QuerySet[Experiment]:
        return Experiment.objects.visible_to(self.request.user).select_related("layout", "protocol")

    @extend_schema(tags=TAG, operation_id="experiments_list")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The studies in which one holds a role, the newest first."""
        return super().list(request, *args, **kwargs)

    @extend_schema(
        tags=TAG,
        operation_id="experiments_create",
        request=ExperimentWriteSerializer,
        responses={201: ExperimentSerializer},
    )
    def create(self, request: Request) -> Response:
        """Make a study in draft, and become its lead."""
        payload = ExperimentWriteSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        experiment = design.create_experiment(by=request.user, **payload.validated_data)
        made = ExperimentSerializer(experiment, context=self.get_serializer_context())
        return Response(made.data, status=status.HTTP_201_CREATED)


class ExperimentViewSet(StudyViewSet):
    """One study."""

    serializer_class = ExperimentSerializer
    verbs = {
        "retrieve": Verb.VIEW_EXPERIMENT,
        "partial_update": Verb.CHANGE_DESIGN,
        "transitions": Verb.VIEW_EXPERIMENT,
        "set_status": Verb.CHANGE_STATUS,
        "activation_check": Verb.CHANGE_STATUS,
    }
    lookup_field = lookup_url_kwarg = "code"
    lookup_value_regex = CODE_PATTERN
    permission_classes = [SignedIn, MayInStudy]

    @extend_schema(tags=TAG, operation_id="experiments_retrieve")
    def retrieve(self, request: Request, code: str) -> Response:
        """One study."""
        return Response(self.get_serializer(self.experiment).data)

    @extend_schema(
        tags=TAG,
        operation_id="experiments_update",
        request=ExperimentWriteSerializer,
        responses={200: ExperimentSerializer},
    )
    def partial_update(self, request: Request, code: str) -> Response:
        """Change the working design; in a running study it reaches participants with the next amendment."""
        payload = ExperimentWriteSerializer(self.experiment, data=request.data, partial=True)
        payload.is_valid(raise_exception=True)
        design.update_experiment(experiment=self.experiment, by=request.user, **payload.validated_data)
        del self.experiment
        return Response(self.get_serializer(self.experiment).data)

    @extend_schema(tags=TAG, operation_id="experiments_transitions", responses=TransitionSerializer(many=True))
    @action(detail=True, url_path="status", pagination_class=None)
    def transitions(self, request: Request, code: str) -> Response:
        """Every change of status: who, when, why. (A study has a handful, so they are not paginated.)"""
        return Response(TransitionSerializer(self.experiment.transitions.all(), many=True).data)

    @extend_schema(
        tags=TAG,
        operation_id="experiments_set_status",
        request=TransitionRequestSerializer,
        responses={200: ExperimentSerializer},
    )
    @transitions.mapping.post
    def set_status(self, request: Request, code: str) -> Response:
        """Activate, pause, resume, complete or archive."""
        payload = TransitionRequestSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        lifecycle.set_status(experiment=self.experiment, by=request.user, **payload.validated_data)
        del self.experiment
        return Response(self.get_serializer(self.experiment).data)

    @extend_schema(
        tags=TAG,
        operation_id="experiments_activation_check",
        responses=ActivationProblemSerializer(many=True),
    )
    @action(detail=True, url_path="activation-check", pagination_class=None)
    def activation_check(self, request: Request, code: str) -> Response:
        """What stands in the way of activation; empty when nothing does."""
        problems = lifecycle.activation_problems(self.experiment)
        return Response(ActivationProblemSerializer(problems, many=True).data)
