"""What participants are told. No field here names an arm, an allocation or a reference value."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from experiments.actions.events import CLIENT_KINDS
from experiments.models import Enrolment, Experiment, Question, Review, ReviewEvent

REVIEW_STATUSES = ["answered", "open", "next", "locked"]
CLIENT_EVENT_KINDS = [(kind.value, kind.label) for kind in ReviewEvent.Kind if kind in CLIENT_KINDS]
ANY_ANSWER = {
    "oneOf": [
        {"type": "string"},
        {"type": "number"},
        {"type": "array", "items": {"type": "string"}},
    ],
    "nullable": True,
}


class ReviewSerializer(serializers.ModelSerializer[Review]):
    """One of the reader's own reviews, as a list shows it."""

    study = serializers.CharField(source="assignment.enrolment.experiment.code")
    case_number = serializers.IntegerField()
    position = serializers.IntegerField()
    status = serializers.ChoiceField(choices=REVIEW_STATUSES)
    opened_at = serializers.DateTimeField(allow_null=True)
    submitted_at = serializers.DateTimeField(allow_null=True)

    class Meta:
        model = Review
        fields = [
            "public_id",
            "study",
            "case_number",
            "position",
            "stage_position",
            "status",
            "opened_at",
            "submitted_at",
        ]
        read_only_fields = fields


class QuestionForParticipantSerializer(serializers.ModelSerializer[Question]):
    """A question as it is asked: without its scoring rule."""

    options = serializers.ListField(child=serializers.CharField())
    decimals = serializers.IntegerField(allow_null=True)

    class Meta:
        model = Question
        fields = [
            "key",
            "position",
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
        ]
        read_only_fields = fields
        extra_kwargs = {name: {"normalize_output": True} for name in ("minimum", "maximum")}


class RevealTermsSerializer(serializers.Serializer[Any]):
    cost = serializers.DecimalField(max_digits=8, decimal_places=2, allow_null=True, normalize_output=True)
    unit = serializers.CharField()


class AskedQuestionnaireSerializer(serializers.Serializer[Any]):
    """The questionnaire version that a review bound at its opening. Send `version` back with the answers."""

    version = serializers.UUIDField()
    name = serializers.CharField()
    questions = QuestionForParticipantSerializer(many=True)


class OpenedReviewSerializer(serializers.Serializer[Any]):
    """A review that its reader has opened, with the case as it is disclosed to them."""

    public_id = serializers.UUIDField()
    case_number = serializers.IntegerField()
    position = serializers.IntegerField()
    stage_position = serializers.IntegerField()
    questionnaire_version = serializers.UUIDField()
    opened_at = serializers.DateTimeField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    asking = RevealTermsSerializer(
        source="hiding",
        allow_null=True,
        help_text="what it costs to ask for a feature that says `hidden`; null: nothing is hidden in this review",
    )


class OpenedReviewWithCaseSerializer(OpenedReviewSerializer):
    """For the schema; the case is served as it was hashed."""

    case = serializers.SerializerMethodField(help_text="the disclosed tree")

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_case(self, _opened: Any) -> Any:
        raise NotImplementedError


@extend_schema_field(ANY_ANSWER)
class AnswerField(serializers.JSONField):
    """What a question takes: a text, a number, or a list of choices."""


class AnswersSerializer(serializers.Serializer[Any]):
    questionnaire_version = serializers.UUIDField(help_text="`version` of the questionnaire that was served")
    answers = serializers.DictField(child=AnswerField(allow_null=True), help_text="by question key")
    client_data = serializers.DictField(
        required=False, help_text="kept as it is; never decides whether an answer is accepted"
    )


class OwnAnswersSerializer(serializers.Serializer[Any]):
    answers = serializers.DictField(child=AnswerField(), help_text="by question key, in canonical form")


class SubmittedSerializer(serializers.Serializer[Any]):
    submitted_at = serializers.DateTimeField()
    repeated = serializers.BooleanField(help_text="the same answers had been recorded before")


class EventSerializer(serializers.Serializer[Any]):
    """What the reader did. Sent again, an event with the same page session and sequence is ignored."""

    page_session = serializers.UUIDField()
    sequence = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    kind = serializers.ChoiceField(choices=CLIENT_EVENT_KINDS)
    feature = serializers.CharField(max_length=400, required=False, allow_blank=True)
    question_key = serializers.CharField(max_length=80, required=False, allow_blank=True)
    client_at = serializers.DateTimeField(required=False)
    client_offset_minutes = serializers.IntegerField(min_value=-1440, max_value=1440, required=False)
    data = serializers.DictField(required=False)  # type: ignore[assignment]  # a field, which DRF takes out of the class


class EventsSerializer(serializers.Serializer[Any]):
    events = EventSerializer(many=True, allow_empty=False)


class EventsRecordedSerializer(serializers.Serializer[Any]):
    recorded = serializers.IntegerField(help_text="how many were new")


class RevealSerializer(serializers.Serializer[Any]):
    feature = serializers.CharField(max_length=400, help_text="its key, then '|' and the discriminator if it has one")


class RevealedSerializer(serializers.Serializer[Any]):
    feature = serializers.DictField(help_text="as the case has it once it is no longer hidden")
    repeated = serializers.BooleanField(help_text="it was not hidden, or no longer: nothing was recorded")


class OwnStudySerializer(serializers.ModelSerializer[Enrolment]):
    """A study in which one takes part."""

    study = serializers.CharField(source="experiment.code")
    name = serializers.CharField(source="experiment.name")
    instructions = serializers.CharField(source="experiment.instructions_in_force")
    study_status = serializers.ChoiceField(source="experiment.status", choices=Experiment.Status.choices)
    enrolment_status = serializers.ChoiceField(source="status_told", choices=Enrolment.Status.choices)
    consent_required = serializers.BooleanField(source="experiment.consent_required")
    consent = serializers.ChoiceField(
        choices=["given", "declined", "withdrawn"], allow_null=True, help_text="the latest recorded; null: none"
    )
    cases_total = serializers.IntegerField()
    cases_answered = serializers.IntegerField()

    class Meta:
        model = Enrolment
        fields = [
            "study",
            "name",
            "instructions",
            "study_status",
            "enrolment_status",
            "kind",
            "consent_required",
            "consent",
            "cases_total",
            "cases_answered",
            "joined_at",
        ]
        read_only_fields = fields
