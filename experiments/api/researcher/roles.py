"""Who holds which role in a study."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.errors import Invalid
from augmed.foundation.permissions import Verb
from experiments.actions import roles
from experiments.api.base import StudyViewSet
from experiments.models import StudyRole
from participants.models import User

TAG = ["researcher: roles"]


class StudyRoleSerializer(serializers.ModelSerializer[StudyRole]):
    user = serializers.IntegerField(source="user_id")
    email = serializers.EmailField(source="user.email")
    granted_by = serializers.IntegerField(source="granted_by_id", allow_null=True)

    class Meta:
        model = StudyRole
        fields = ["id", "user", "email", "role", "granted_at", "granted_by"]
        read_only_fields = fields


class GrantSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(help_text="of an account")
    role = serializers.ChoiceField(choices=StudyRole.Role.choices)


class RolesViewSet(StudyViewSet):
    serializer_class = StudyRoleSerializer
    pagination_class = None  # a study has a handful of staff
    lookup_value_regex = r"[0-9]{1,18}"
    verbs = {
        "list": Verb.MANAGE_STUDY_ROLES,
        "create": Verb.MANAGE_STUDY_ROLES,
        "destroy": Verb.MANAGE_STUDY_ROLES,
    }

    def get_queryset(self) -> QuerySet[StudyRole]:
        return self.experiment.study_roles.select_related("user")

    @extend_schema(tags=TAG, operation_id="roles_list", responses=StudyRoleSerializer(many=True))
    def list(self, request: Request, code: str) -> Response:
        """Who holds which role."""
        return Response(self.get_serializer(self.get_queryset(), many=True).data)

    @extend_schema(tags=TAG, operation_id="roles_grant", request=GrantSerializer, responses={201: StudyRoleSerializer})
    def create(self, request: Request, code: str) -> Response:
        """Give a person a role in this study. Their tokens end; they sign in again."""
        payload = GrantSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        user = User.objects.active().filter(email=payload.validated_data["email"].strip().lower()).first()
        if user is None:
            message = "There is no active account of this address; invite the person first."
            raise Invalid(message, errors={"email": [message]})
        made = roles.grant_role(
            user=user, experiment=self.experiment, role=payload.validated_data["role"], by=request.user
        )
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(tags=TAG, operation_id="roles_revoke")
    def destroy(self, request: Request, code: str, pk: str) -> Response:
        """Take a role back. The last lead of a study stays."""
        held = self.get_object()
        roles.revoke_role(user=held.user, experiment=self.experiment, role=held.role, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)
