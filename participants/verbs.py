"""Where other apps add what a person may do everywhere: studies know roles that this app does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from augmed.foundation.permissions import Verb

if TYPE_CHECKING:
    from participants.models import User

Provider = Callable[["User"], frozenset[Verb]]
_providers: list[Provider] = []


def register_provider(provider: Provider) -> None:
    if provider not in _providers:
        _providers.append(provider)


def provided_verbs(user: User) -> frozenset[Verb]:
    """What the registered providers give. At most one query each."""
    return frozenset().union(*(provider(user) for provider in _providers))
