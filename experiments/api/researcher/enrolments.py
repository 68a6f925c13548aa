"""Who takes part: for those who manage enrolment, so with e-mail addresses and without arms or answers."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.errors import Invalid
from augmed.foundation.permissions import Verb
from experiments.actions import enrolment as enrolling
from experiments.api.base import StudyViewSet
from experiments.models import ConsentRecord, Enrolment
from participants.models import User

TAG = ["researcher: participants"]


class EnrolmentSerializer(serializers.ModelSerializer[Enrolment]):
    user = serializers.IntegerField(source="user_id")
    email = serializers.EmailField(source="user.email")
    intake = serializers.DictField()
    status = serializers.ChoiceField(
        source="status_seen",
        choices=Enrolment.Status.choices,
        read_only=True,
        help_text="who may not see the allocation reads active for completed",
    )

    class Meta:
        model = Enrolment
        fields = ["id", "user", "email", "pseudonym", "kind", "status", "arrival", "intake", "joined_at"]
        read_only_fields = fields


class EnrolRequestSerializer(serializers.Serializer[Any]):
    """Name the person by account id or by e-mail address."""

    user = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    email = serializers.EmailField(required=False)
    kind = serializers.ChoiceField(choices=Enrolment.Kind.choices, default=Enrolment.Kind.REAL)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("user" in attrs) == ("email" in attrs):
            raise serializers.ValidationError("Give either user or email.")
        return attrs


class ConsentRequestSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=ConsentRecord.Kind.choices)
    at = serializers.DateTimeField(required=False, help_text="when; left out: now")
    document = serializers.CharField(max_length=200, allow_blank=True, default="")
    given_elsewhere = serializers.BooleanField(default=False)


class WithdrawRequestSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2000)


class EnrolmentsViewSet(mixins.ListModelMixin, StudyViewSet):
    serializer_class = EnrolmentSerializer
    lookup_value_regex = r"[0-9]{1,18}"
    verbs = {
        "list": Verb.MANAGE_ENROLMENT,
        "retrieve": Verb.MANAGE_ENROLMENT,
        "create": Verb.MANAGE_ENROLMENT,
        "consent": Verb.MANAGE_ENROLMENT,
        "withdraw": Verb.MANAGE_ENROLMENT,
    }

    def get_queryset(self) -> QuerySet[Enrolment]:
        return (
            Enrolment.objects.filter(experiment=self.experiment)
            .exclude(kind=Enrolment.Kind.PREVIEW)  # nobody's taking part
            .with_status_for(self.request.user)
            .select_related("user", "experiment")
        )

    @extend_schema(tags=TAG, operation_id="enrolments_list")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Everybody who is, or was, in the study."""
        return super().list(request, *args, **kwargs)

    @extend_schema(tags=TAG, operation_id="enrolments_retrieve")
    def retrieve(self, request: Request, code: str, pk: str) -> Response:
        """One person's enrolment."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        tags=TAG,
        operation_id="enrolments_create",
        request=EnrolRequestSerializer,
        responses={201: EnrolmentSerializer},
    )
    def create(self, request: Request, code: str) -> Response:
        """Enrol a person who has an account."""
        payload = EnrolRequestSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        given = payload.validated_data
        made = enrolling.enrol(experiment=self.experiment, user=_account(given), by=request.user, kind=given["kind"])
        return Response(self._shown(made), status=status.HTTP_201_CREATED)

    @extend_schema(
        tags=TAG,
        operation_id="enrolments_consent",
        request=ConsentRequestSerializer,
        responses={200: EnrolmentSerializer},
    )
    def consent(self, request: Request, code: str, pk: str) -> Response:
        """Record that consent was given, declined or withdrawn; the last withdraws the person."""
        payload = ConsentRequestSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        enrolment = self.get_object()
        enrolling.record_consent(enrolment=enrolment, by=request.user, **payload.validated_data)
        return Response(self._shown(enrolment))

    @extend_schema(
        tags=TAG,
        operation_id="enrolments_withdraw",
        request=WithdrawRequestSerializer,
        responses={200: EnrolmentSerializer},
    )
    def withdraw(self, request: Request, code: str, pk: str) -> Response:
        """Take a person out of the study; what happens to their data is the study's setting."""
        payload = WithdrawRequestSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        enrolment = self.get_object()
        enrolling.withdraw(enrolment=enrolment, by=request.user, **payload.validated_data)
        return Response(self._shown(enrolment))

    def _shown(self, enrolment: Enrolment) -> Any:
        return self.get_serializer(self.get_queryset().get(pk=enrolment.pk)).data


def _account(given: dict[str, Any]) -> User:
    if "user" in given:
        field, found = "user", User.objects.active().filter(pk=given["user"]).first()
    else:
        field, found = "email", User.objects.active().filter(email=given["email"].strip().lower()).first()
    if found is None:
        message = "There is no active account like this; invite the person first."
        raise Invalid(message, errors={field: [message]})
    return found
