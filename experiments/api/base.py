"""What every endpoint about a study shares: whose study it is, and who may do what with it."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from rest_framework import viewsets
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from augmed.foundation.permissions import SignedIn, Verb
from experiments.models import Experiment
from experiments.roles import may

CODE_PATTERN = r"[a-z0-9][a-z0-9-]{0,31}"
PUBLIC_ID_PATTERN = r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"


class MayInStudy(BasePermission):
    """A study that the person may not see does not exist for them (404); in one they see, the view's verb decides."""

    message = "Your role in this study does not allow this."

    def has_permission(self, request: Request, view: Any) -> bool:
        verb = view.verb_needed()
        return verb is not None and may(request.user, verb, view.experiment)


class StudyViewSet(viewsets.GenericViewSet[Any]):
    """Endpoints under /experiments/{code}/. `verbs` says by action who may; an action that is not in it is refused."""

    permission_classes = [SignedIn, MayInStudy]
    verbs: ClassVar[dict[str, Verb]] = {}

    def verb_needed(self) -> Verb | None:
        return self.verbs.get(self.action or "")

    @cached_property
    def experiment(self) -> Experiment:
        """The study of the address (one query)."""
        visible = Experiment.objects.visible_to(self.request.user).select_related("layout", "protocol")
        return get_object_or_404(visible, code=self.kwargs["code"])

    def get_serializer_context(self) -> dict[str, Any]:
        # The schema is made without a request and without a study.
        context = super().get_serializer_context()
        if not getattr(self, "swagger_fake_view", False):
            context["experiment"] = self.experiment
        return context
