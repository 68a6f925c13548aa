"""A study's questionnaires and their versions."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.permissions import Verb
from cases.models.layout import key_validator
from experiments.actions import questionnaires
from experiments.api.base import StudyViewSet
from experiments.models import Question, Questionnaire, QuestionnaireVersion

TAG = ["researcher: questionnaires"]


class QuestionSerializer(serializers.ModelSerializer[Question]):
    key = serializers.CharField(max_length=80, validators=[key_validator])
    options = serializers.ListField(child=serializers.CharField(max_length=500), required=False, max_length=200)
    decimals = serializers.IntegerField(min_value=0, max_value=20, allow_null=True, required=False)

    class Meta:
        model = Question
        fields = [
            "key",
            "type",
            "text",
            "help",
            "required",
            "options",
            "minimum",
            "maximum",
            "decimals",
            "unit",
            "low_label",
            "high_label",
            "scoring",
            "tolerance",
        ]
        extra_kwargs = {name: {"normalize_output": True} for name in ("minimum", "maximum", "tolerance")}


class QuestionnaireVersionSerializer(serializers.ModelSerializer[QuestionnaireVersion]):
    version = serializers.UUIDField(source="public_id")
    questions = QuestionSerializer(many=True)

    class Meta:
        model = QuestionnaireVersion
        fields = ["version", "number", "frozen_at", "created_at", "questions"]
        read_only_fields = fields


class QuestionnaireSerializer(serializers.ModelSerializer[Questionnaire]):
    """A questionnaire with its versions, the newest first."""

    versions = QuestionnaireVersionSerializer(many=True)

    class Meta:
        model = Questionnaire
        fields = ["id", "name", "versions"]
        read_only_fields = fields


class QuestionListSerializer(serializers.Serializer[Any]):
    questions = QuestionSerializer(many=True, help_text="in the order in which they are asked")


class QuestionnaireWriteSerializer(QuestionListSerializer):
    name = serializers.CharField(max_length=200)


class QuestionnairesViewSet(StudyViewSet):
    serializer_class = QuestionnaireSerializer
    pagination_class = None  # a study has a handful of questionnaires
    lookup_value_regex = r"[0-9]{1,18}"
    verbs = {
        "list": Verb.VIEW_EXPERIMENT,
        "retrieve": Verb.VIEW_EXPERIMENT,
        "create": Verb.CHANGE_DESIGN,
        "new_version": Verb.CHANGE_DESIGN,
        "set_questions": Verb.CHANGE_DESIGN,
    }

    def get_queryset(self) -> QuerySet[Questionnaire]:
        return self.experiment.questionnaires.prefetch_related("versions__questions")

    @extend_schema(tags=TAG, operation_id="questionnaires_list", responses=QuestionnaireSerializer(many=True))
    def list(self, request: Request, code: str) -> Response:
        """The study's questionnaires, with all their versions."""
        return Response(self.get_serializer(self.get_queryset(), many=True).data)

    @extend_schema(tags=TAG, operation_id="questionnaires_retrieve")
    def retrieve(self, request: Request, code: str, pk: str) -> Response:
        """One questionnaire, with all its versions."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        tags=TAG,
        operation_id="questionnaires_create",
        request=QuestionnaireWriteSerializer,
        responses={201: QuestionnaireSerializer},
    )
    def create(self, request: Request, code: str) -> Response:
        """Make a questionnaire with its version 1."""
        payload = QuestionnaireWriteSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        version = questionnaires.create_questionnaire(
            experiment=self.experiment,
            name=payload.validated_data["name"],
            questions=_plain(payload.validated_data["questions"]),
            by=request.user,
        )
        made = self.get_queryset().get(pk=version.questionnaire_id)
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        tags=TAG,
        operation_id="questionnaires_new_version",
        request=None,
        responses={201: QuestionnaireVersionSerializer},
    )
    def new_version(self, request: Request, code: str, pk: str) -> Response:
        """Copy the newest version, to be edited."""
        newest = get_object_or_404(self.get_object().versions.order_by("-number")[:1])
        made = questionnaires.copy_version(version=newest, by=request.user)
        return Response(QuestionnaireVersionSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        tags=TAG,
        operation_id="questionnaires_set_questions",
        request=QuestionListSerializer,
        responses={200: QuestionnaireVersionSerializer},
    )
    def set_questions(self, request: Request, code: str, version: str) -> Response:
        """Replace the questions of a version that is neither frozen nor answered."""
        chosen = get_object_or_404(
            QuestionnaireVersion.objects.filter(questionnaire__experiment=self.experiment), public_id=version
        )
        payload = QuestionListSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        questionnaires.set_questions(
            version=chosen, questions=_plain(payload.validated_data["questions"]), by=request.user
        )
        chosen = QuestionnaireVersion.objects.prefetch_related("questions").get(pk=chosen.pk)
        return Response(QuestionnaireVersionSerializer(chosen).data)


def _plain(questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [dict(question) for question in questions]
