"""How often one client, and everybody together for one address, may knock at the doors of accounts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle

from augmed.foundation.canonical import sha256_hex
from participants.lockout import client_address


class ByClient(SimpleRateThrottle):
    """Requests from one client to all account endpoints together."""

    scope = "account"

    def get_cache_key(self, request: Request, view: Any) -> str:
        return f"account-client-{_client(request)}"


class _BySubject(SimpleRateThrottle):
    """Requests about one address (or one mailed link), from wherever they come.

    One class for each field that may name it: a further field in the same request must not hide the one that counts."""

    scope = "account"
    field: str

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        data = getattr(request, "data", None) or getattr(request, "POST", None)
        subject = data.get(self.field) if data is not None and hasattr(data, "get") else None
        if not subject or not isinstance(subject, str):
            return None
        return f"account-address-{sha256_hex(subject.strip().lower().encode('utf-8', 'replace'))}"


class ByEmail(_BySubject):
    field = "email"


class ByUsername(_BySubject):
    field = "username"


class ByUid(_BySubject):
    field = "uid"


class ByToken(_BySubject):
    field = "token"


class ByResetToken(_BySubject):
    field = "resetToken"


class ByLink(SimpleRateThrottle):
    """Requests to the pages of one mailed or shared link from one client, for pages that need no account."""

    rate = "120/min"

    def get_cache_key(self, request: Request, view: Any) -> str:
        return f"link-{_client(request)}-{sha256_hex(view.secret)}"


class ByLinkClient(SimpleRateThrottle):
    """The same over all links together, so that links which are not there are no way around it."""

    rate = "240/min"

    def get_cache_key(self, request: Request, view: Any) -> str:
        return f"link-client-{_client(request)}"


def _client(request: HttpRequest | Request) -> str:
    return sha256_hex(client_address(request) or "")  # a socket of the file system has no address


def may_look(request: HttpRequest, view: Any) -> bool:
    """`view.secret`: what the address of the page holds."""
    return all(throttle().allow_request(request, view) for throttle in (ByLink, ByLinkClient))  # type: ignore[arg-type]


ACCOUNT_THROTTLES: list[type[BaseThrottle]] = [ByClient, ByEmail, ByUsername, ByUid, ByToken, ByResetToken]


def may_post(request: HttpRequest, view: Any) -> bool:
    """The same throttles for the pages that do what the API does."""
    return all(throttle().allow_request(request, view) for throttle in ACCOUNT_THROTTLES)  # type: ignore[arg-type]
