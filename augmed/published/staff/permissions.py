"""Who may use the staff's routes. Whoever may not is told so by a refusal that does not log the client's user out."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from augmed.foundation.permissions import Verb
from experiments import roles


class MayDesign(BasePermission):
    """Who may change the design of some study, or begin one: the action then asks for each study that is named."""

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not user or not user.is_authenticated:
            return False
        return roles.may_in_any_study(user, Verb.CHANGE_DESIGN) or user.may(Verb.CREATE_EXPERIMENT)
