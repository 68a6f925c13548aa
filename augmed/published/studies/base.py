"""Views of studies: whose study it is, and who may do what with it, as in /api/v2/."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import ClassVar

from rest_framework.exceptions import MethodNotAllowed, ValidationError

from augmed.foundation.errors import DomainError, Forbidden, NotFound
from augmed.foundation.permissions import SignedIn, Verb
from augmed.published.base import PublishedView
from augmed.published.errors import domain_message
from experiments.api.base import MayInStudy
from experiments.models import Experiment
from participants.authentication import STAFF_AUTHENTICATION


class StaffView(PublishedView):
    """Tokens of people and keys of scripts alike."""

    authentication_classes = STAFF_AUTHENTICATION


class StudyView(StaffView):
    """Addresses of one study. `verbs` says by method who may; there is no method but these."""

    permission_classes = [SignedIn, MayInStudy]
    verbs: ClassVar[dict[str, Verb]] = {}

    def verb_needed(self) -> Verb:
        method = self.request.method or ""
        verb = self.verbs.get("GET" if method == "HEAD" else method)
        if verb is None:
            raise MethodNotAllowed(method)
        return verb

    @cached_property
    def experiment(self) -> Experiment:
        """The study of the address, which does not exist for those who may not see it. One query."""
        visible = Experiment.objects.visible_to(self.request.user).select_related("layout", "protocol")
        found = visible.filter(code=self.kwargs["experiment_id"]).first()
        if found is None:
            raise NotFound("Experiment not found")
        return found


@contextmanager
def refusals_as_400() -> Iterator[None]:
    """What an action refuses is a 400 in its words: these addresses are for scripts first, whose contract has it so."""
    try:
        yield
    except Forbidden:
        raise
    except DomainError as error:
        raise ValidationError(domain_message(error)) from error
