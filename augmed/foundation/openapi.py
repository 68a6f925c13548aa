"""What every operation of the schema shares: the error format, and paths written without their optional slash."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework import serializers

from augmed.foundation.errors import TITLES
from augmed.foundation.permissions import Anyone

PROBLEM_MEDIA_TYPE = "application/problem+json"
Endpoint = tuple[str, str, str, Callable[..., Any]]


class ProblemSerializer(serializers.Serializer[Any]):
    """Problem details (RFC 9457). `code` is for programs, `detail` for people, `errors` lists messages by field."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    errors = serializers.DictField(  # type: ignore[assignment]  # a field, which DRF takes out of the class
        child=serializers.ListField(child=serializers.CharField())
    )


def without_optional_slash(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Name each path once, in the form without the slash that it tolerates (a preprocessing hook)."""
    return [(path.rstrip("/"), regex, method, callback) for path, regex, method, callback in endpoints]


class ProblemSchema(AutoSchema):
    """Adds to every operation the refusals it may answer with, so that no endpoint has to list them by itself."""

    def refusals(self) -> list[int]:
        """The status codes of this operation's possible refusals."""
        codes = set(getattr(self.view, "extra_refusals", ()))
        if Anyone not in self.view.permission_classes:
            codes |= {401, 403}
        if "{" in self.path or self._is_list_view():
            codes.add(404)  # an unknown thing, or a page cursor that is none
        if self.method in {"POST", "PUT", "PATCH"}:
            codes |= {400, 409, 415, 422}
        if self.method == "DELETE":
            codes.add(409)
        if self.view.throttle_classes:
            codes.add(429)
        return sorted(codes)

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        problem: ResolvedComponent = self.resolve_serializer(ProblemSerializer(), direction)
        for code in self.refusals():
            bodies[str(code)] = {
                "content": {PROBLEM_MEDIA_TYPE: {"schema": problem.ref}},
                "description": TITLES[code],
            }
        return bodies
