"""Where other apps add what a person may do everywhere: studies know roles that this app does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from augmed.foundation.permissions import Verb

if TYPE_CHECKING:
    from participants.models import User

Provider = Callable[["User"], frozenset[Verb]]
_providers: list[Provider] = []
RoleTest = Callable[["User"], bool]
_role_tests: list[RoleTest] = []


def register_provider(provider: Provider) -> None:
    if provider not in _providers:
        _providers.append(provider)


def provided_verbs(user: User) -> frozenset[Verb]:
    """What the registered providers give. At most one query each."""
    return frozenset().union(*(provider(user) for provider in _providers))


def register_role_test(test: RoleTest) -> None:
    if test not in _role_tests:
        _role_tests.append(test)


def holds_a_role(user: User) -> bool:
    """Is the account more than a participant's, somewhere? At most one query for each registered test."""
    return user.is_staff or user.is_superuser or user.is_data_staff or any(test(user) for test in _role_tests)
