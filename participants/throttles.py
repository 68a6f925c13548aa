"""How often one client, and everybody together for one address, may knock at the doors of accounts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle

from augmed.foundation.canonical import sha256_hex

_SUBJECTS = ("email", "username", "uid", "token", "resetToken")


class ByClient(SimpleRateThrottle):
    """Requests from one client to all account endpoints together."""

    scope = "account"

    def get_cache_key(self, request: Request, view: Any) -> str:
        client = self.get_ident(request) or ""  # a socket of the file system has no address
        return f"account-client-{sha256_hex(client)}"


class ByAddress(SimpleRateThrottle):
    """Requests about one address (or one mailed link), from wherever they come."""

    scope = "account"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        data = getattr(request, "data", None) or getattr(request, "POST", None)
        if data is None or not hasattr(data, "get"):
            return None
        subject = next((data[name] for name in _SUBJECTS if data.get(name)), None)
        if not isinstance(subject, str):
            return None
        return f"account-address-{sha256_hex(subject.strip().lower().encode('utf-8', 'replace'))}"


class ByLink(SimpleRateThrottle):
    """Requests to the pages of one mailed or shared link from one client, for pages that need no account."""

    rate = "120/min"

    def get_cache_key(self, request: Request, view: Any) -> str:
        client = self.get_ident(request) or ""
        return f"link-{sha256_hex(client)}-{sha256_hex(view.secret)}"


class ByLinkClient(SimpleRateThrottle):
    """The same over all links together, so that links which are not there are no way around it."""

    rate = "240/min"

    def get_cache_key(self, request: Request, view: Any) -> str:
        return f"link-client-{sha256_hex(self.get_ident(request) or '')}"


def may_look(request: HttpRequest, view: Any) -> bool:
    """`view.secret`: what the address of the page holds."""
    return all(throttle().allow_request(request, view) for throttle in (ByLink, ByLinkClient))  # type: ignore[arg-type]


ACCOUNT_THROTTLES: list[type[BaseThrottle]] = [ByClient, ByAddress]


def may_post(request: HttpRequest, view: Any) -> bool:
    """The same throttles for the pages that do what the API does."""
    return all(throttle().allow_request(request, view) for throttle in ACCOUNT_THROTTLES)  # type: ignore[arg-type]
