"""A study's arms and stages, what each stage discloses, and its case list."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.errors import Invalid
from augmed.foundation.permissions import Verb
from cases.models import Case
from experiments.actions import design
from experiments.api.base import StudyViewSet
from experiments.models import Arm, Questionnaire, Stage

TAG = ["researcher: design"]


class StageSerializer(serializers.ModelSerializer[Stage]):
    questionnaire = serializers.CharField(source="questionnaire.name", allow_null=True, default=None)
    disclosure_sha256 = serializers.CharField(source="disclosure_set.sha256", allow_null=True, default=None)

    class Meta:
        model = Stage
        fields = [
            *["id", "position", "name", "questionnaire", "not_before_days"],
            *["hidden_until_asked", "reveal_cost", "reveal_cost_unit", "disclosure_sha256"],
        ]
        read_only_fields = fields
        extra_kwargs = {"reveal_cost": {"normalize_output": True}}


class StageWriteSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100, required=False)
    questionnaire = serializers.CharField(
        max_length=200, required=False, allow_null=True, help_text="the name of one of the study's questionnaires"
    )
    not_before_days = serializers.IntegerField(min_value=0, max_value=3650, required=False)
    hidden_until_asked = serializers.BooleanField(
        required=False, help_text="what is not pinned starts hidden, and each feature is asked for by a click"
    )
    reveal_cost = serializers.DecimalField(
        max_digits=8, decimal_places=2, min_value=0, required=False, allow_null=True, help_text="of one feature"
    )
    reveal_cost_unit = serializers.CharField(max_length=40, required=False, allow_blank=True)

    def validate_questionnaire(self, name: str | None) -> Questionnaire | None:
        if name is None:
            return None
        found = self.context["experiment"].questionnaires.filter(name=name).first()
        if found is None:
            raise serializers.ValidationError("The study has no questionnaire of this name.")
        return found


class ArmSerializer(serializers.ModelSerializer[Arm]):
    stages = StageSerializer(many=True)

    class Meta:
        model = Arm
        fields = ["id", "key", "position", "name", "description", "weight", "stages"]
        read_only_fields = fields


class ArmWriteSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    description = serializers.CharField(max_length=10_000, allow_blank=True, required=False)
    weight = serializers.IntegerField(min_value=1, max_value=1000, required=False)


class ArmCreateSerializer(ArmWriteSerializer):
    stages = StageWriteSerializer(many=True, required=False, help_text="left out: one stage")
    copy_of = serializers.CharField(
        max_length=80, required=False, help_text="the key of an arm whose stages, disclosure and weight are copied"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "copy_of" in attrs and attrs.keys() - {"copy_of", "name"}:
            raise serializers.ValidationError({"copy_of": "A copy takes a name and nothing else."})
        return attrs


class CellSerializer(serializers.Serializer[Any]):
    """What is said of a node, or (with a discriminator) of one feature under it. Null: not said."""

    node = serializers.CharField(max_length=80)
    discriminator = serializers.CharField(max_length=300, allow_null=True, allow_blank=True, default=None)
    shown = serializers.BooleanField(allow_null=True, default=None)
    collapse = serializers.BooleanField(allow_null=True, default=None)
    highlight = serializers.BooleanField(allow_null=True, default=None)
    top = serializers.RegexField(
        r"^-?[0-9]{1,15}(\.[0-9]{1,10})?$",
        allow_null=True,
        default=None,
        help_text="pins the feature; a decimal as text, the smallest first",
    )


class DisclosureSerializer(serializers.Serializer[Any]):
    cells = CellSerializer(many=True)
    disclosure_sha256 = serializers.CharField(
        source="disclosure_set.sha256", allow_null=True, default=None, read_only=True
    )


class StudyCaseListSerializer(serializers.Serializer[Any]):
    cases = serializers.ListField(
        child=serializers.IntegerField(min_value=-(2**63), max_value=2**63 - 1),
        max_length=10_000,
        help_text="case numbers, in order",
    )


class ArmsViewSet(StudyViewSet):
    serializer_class = ArmSerializer
    pagination_class = None  # a study has a handful of arms
    lookup_field = lookup_url_kwarg = "key"
    lookup_value_regex = r"[a-z0-9][a-z0-9_-]{0,79}"
    verbs = {
        "list": Verb.VIEW_ARM,
        "retrieve": Verb.VIEW_ARM,
        "create": Verb.CHANGE_DESIGN,
        "partial_update": Verb.CHANGE_DESIGN,
        "destroy": Verb.CHANGE_DESIGN,
    }

    def get_queryset(self) -> QuerySet[Arm]:
        return self.experiment.arms.prefetch_related("stages__questionnaire", "stages__disclosure_set")

    @extend_schema(tags=TAG, operation_id="arms_list", responses=ArmSerializer(many=True))
    def list(self, request: Request, code: str) -> Response:
        """The arms of a study, with their stages."""
        return Response(self.get_serializer(self.get_queryset(), many=True).data)

    @extend_schema(tags=TAG, operation_id="arms_retrieve")
    def retrieve(self, request: Request, code: str, key: str) -> Response:
        """One arm, with its stages."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(tags=TAG, operation_id="arms_create", request=ArmCreateSerializer, responses={201: ArmSerializer})
    def create(self, request: Request, code: str) -> Response:
        """Add an arm, or a copy of one."""
        payload = ArmCreateSerializer(data=request.data, context=self.get_serializer_context())
        payload.is_valid(raise_exception=True)
        fields = payload.validated_data
        if "copy_of" in fields:
            source = self.experiment.arms.filter(key=fields["copy_of"]).first()
            if source is None:
                raise Invalid("There is no such arm.", errors={"copy_of": ["The study has no arm of this key."]})
            arm = design.copy_arm(arm=source, name=fields["name"], by=request.user)
        else:
            arm = design.add_arm(experiment=self.experiment, by=request.user, **fields)
        made = self.get_queryset().get(pk=arm.pk)
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(tags=TAG, operation_id="arms_update", request=ArmWriteSerializer, responses={200: ArmSerializer})
    def partial_update(self, request: Request, code: str, key: str) -> Response:
        """Change an arm's name, description or weight."""
        payload = ArmWriteSerializer(data=request.data, partial=True)
        payload.is_valid(raise_exception=True)
        design.update_arm(arm=self.get_object(), by=request.user, **payload.validated_data)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(tags=TAG, operation_id="arms_remove")
    def destroy(self, request: Request, code: str, key: str) -> Response:
        """Remove an arm that no protocol version knows."""
        design.remove_arm(arm=self.get_object(), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class StagesViewSet(StudyViewSet):
    """The stages of one arm."""

    serializer_class = StageSerializer
    pagination_class = None  # an arm has a handful of stages
    lookup_field = lookup_url_kwarg = "position"
    lookup_value_regex = r"[1-9][0-9]{0,2}"
    verbs = {
        "list": Verb.VIEW_ARM,
        "create": Verb.CHANGE_DESIGN,
        "partial_update": Verb.CHANGE_DESIGN,
        "destroy": Verb.CHANGE_DESIGN,
        "disclosure": Verb.VIEW_ARM,
        "set_disclosure": Verb.CHANGE_DESIGN,
    }

    def arm(self) -> Arm:
        return get_object_or_404(self.experiment.arms, key=self.kwargs["key"])

    def get_queryset(self) -> QuerySet[Stage]:
        return self.arm().stages.select_related("arm__experiment", "questionnaire", "disclosure_set")

    @extend_schema(tags=TAG, operation_id="stages_list", responses=StageSerializer(many=True))
    def list(self, request: Request, code: str, key: str) -> Response:
        """The stages of an arm."""
        return Response(self.get_serializer(self.get_queryset(), many=True).data)

    @extend_schema(
        tags=TAG, operation_id="stages_create", request=StageWriteSerializer, responses={201: StageSerializer}
    )
    def create(self, request: Request, code: str, key: str) -> Response:
        """Add a stage at the end of the arm."""
        payload = StageWriteSerializer(data=request.data, context=self.get_serializer_context())
        payload.is_valid(raise_exception=True)
        stage = design.add_stage(arm=self.arm(), by=request.user, **payload.validated_data)
        return Response(self.get_serializer(stage).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        tags=TAG, operation_id="stages_update", request=StageWriteSerializer, responses={200: StageSerializer}
    )
    def partial_update(self, request: Request, code: str, key: str, position: str) -> Response:
        """Change a stage's name, questionnaire or timing."""
        payload = StageWriteSerializer(data=request.data, context=self.get_serializer_context(), partial=True)
        payload.is_valid(raise_exception=True)
        design.update_stage(stage=self.get_object(), by=request.user, **payload.validated_data)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(tags=TAG, operation_id="stages_remove")
    def destroy(self, request: Request, code: str, key: str, position: str) -> Response:
        """Remove the last stage of an arm that no protocol version knows."""
        design.remove_stage(stage=self.get_object(), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(tags=TAG, operation_id="disclosure_retrieve", responses={200: DisclosureSerializer})
    def disclosure(self, request: Request, code: str, key: str, position: str) -> Response:
        """The cells of the disclosure matrix for this stage, and the hash of what they resolve to."""
        return Response(DisclosureSerializer(self.get_object()).data)

    @extend_schema(
        tags=TAG,
        operation_id="disclosure_replace",
        request=DisclosureSerializer,
        responses={200: DisclosureSerializer},
    )
    def set_disclosure(self, request: Request, code: str, key: str, position: str) -> Response:
        """Replace this stage's cells."""
        payload = DisclosureSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        cells = {self.get_object().pk: [dict(cell) for cell in payload.validated_data["cells"]]}
        design.set_cells(experiment=self.experiment, cells=cells, by=request.user)
        return Response(DisclosureSerializer(self.get_object()).data)


class StudyCasesViewSet(StudyViewSet):
    """The study's case list."""

    pagination_class = None  # the list is one value, replaced as a whole
    serializer_class = StudyCaseListSerializer
    verbs = {"retrieve": Verb.VIEW_EXPERIMENT, "update": Verb.CHANGE_DESIGN}

    @extend_schema(tags=TAG, operation_id="case_list_retrieve", responses={200: StudyCaseListSerializer})
    def retrieve(self, request: Request, code: str) -> Response:
        """The numbers of the study's cases, in order."""
        numbers = self.experiment.study_cases.order_by("position").values_list("case__number", flat=True)
        return Response({"cases": list(numbers)})

    @extend_schema(
        tags=TAG,
        operation_id="case_list_replace",
        request=StudyCaseListSerializer,
        responses={200: StudyCaseListSerializer},
    )
    def update(self, request: Request, code: str) -> Response:
        """Replace the case list. In a running study the change takes effect with the next amendment."""
        payload = StudyCaseListSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        numbers = payload.validated_data["cases"]
        found = Case.objects.filter(number__in=numbers).in_bulk(field_name="number")
        if unknown := [number for number in numbers if number not in found]:
            message = f"There is no case {', '.join(map(str, unknown[:20]))}."
            raise Invalid(message, errors={"cases": [message]})
        design.set_case_list(experiment=self.experiment, cases=[found[number] for number in numbers], by=request.user)
        return self.retrieve(request, code)
