"""What the four account routes take. Addresses are texts of any form: one that is no address is on no roster."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request


class AddressSerializer(serializers.Serializer[Any]):
    email = serializers.CharField(max_length=254)


class _PasswordSerializer(serializers.Serializer[Any]):
    password = serializers.CharField(trim_whitespace=False, max_length=1024, write_only=True)


class CredentialsSerializer(AddressSerializer, _PasswordSerializer):
    pass


class NewPasswordSerializer(_PasswordSerializer):
    resetToken = serializers.CharField(max_length=512)  # the contract's name


def checked(serializer_class: type[serializers.Serializer[Any]], request: Request) -> dict[str, str]:
    """The fields of the body, or a 400. The client checks its forms itself."""
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
