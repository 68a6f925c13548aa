from __future__ import annotations

from typing import Any

from rest_framework import serializers

from participants.models import User

_PASSWORD = {"trim_whitespace": False, "max_length": 1024, "write_only": True, "style": {"input_type": "password"}}


class LogInSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(**_PASSWORD)  # type: ignore[arg-type]
    second_factor = serializers.CharField(
        max_length=40,
        required=False,
        allow_blank=True,
        write_only=True,
        help_text="a code of the authenticator app, or a recovery code, where the account has a second factor",
    )


class RefreshSerializer(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=4096)


class TokenPairSerializer(serializers.Serializer[Any]):
    access = serializers.CharField(help_text="send as Authorization: Bearer …")
    refresh = serializers.CharField(help_text="gives one further pair")
    access_expires_at = serializers.DateTimeField()
    refresh_expires_at = serializers.DateTimeField(help_text="when the log-in ends for good")


class AcceptInvitationSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=512, help_text="the last part of the link in the invitation")
    password = serializers.CharField(**_PASSWORD)  # type: ignore[arg-type]


class PasswordResetSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)


class PasswordResetConfirmSerializer(serializers.Serializer[Any]):
    uid = serializers.CharField(max_length=64, help_text="the part before the last of the mailed link")
    token = serializers.CharField(max_length=512, help_text="the last part of the mailed link")
    password = serializers.CharField(**_PASSWORD)  # type: ignore[arg-type]


class MessageSerializer(serializers.Serializer[Any]):
    detail = serializers.CharField()


class ProfileChangesSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=512, allow_blank=True, required=False)
    position = serializers.CharField(max_length=512, allow_blank=True, required=False)
    employer = serializers.CharField(max_length=512, allow_blank=True, required=False)
    area_of_clinical_experience = serializers.CharField(max_length=512, allow_blank=True, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """What cannot be changed here is refused, not dropped in silence."""
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown:
            raise serializers.ValidationError({name: ["This cannot be changed here."] for name in unknown})
        return attrs


class _ProfileText(serializers.CharField):
    """A field of the profile; empty where the account has none yet."""

    def get_attribute(self, instance: User) -> str:
        return str(getattr(getattr(instance, "profile", None), self.field_name or "", ""))


class MeSerializer(serializers.ModelSerializer[User]):
    name = _ProfileText()
    position = _ProfileText()
    employer = _ProfileText()
    area_of_clinical_experience = _ProfileText()
    is_administrator = serializers.BooleanField(source="is_superuser")

    class Meta:
        model = User
        fields = [
            "id",
            "email",
            "name",
            "position",
            "employer",
            "area_of_clinical_experience",
            "is_administrator",
            "is_data_staff",
        ]
        read_only_fields = fields
