"""Throttled log-in: what django-axes counts by (address and client), and what a locked-out person is told."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from participants.models import User


def client_username(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """The address as accounts keep it: another spelling must not be another counter."""
    typed = (credentials or {}).get("username") or getattr(request, "POST", {}).get("username") or ""
    return str(typed).strip().lower()[:254]


def client_address(request: HttpRequest | Request) -> str | None:
    """Where the request comes from, believing as many proxies as PROXY_COUNT says and no more.

    Of IPv6 it is the network (/64): whoever has one address there has them all, and each would be a fresh counter."""
    if "REMOTE_ADDR" not in request.META:
        return None
    for candidate in (BaseThrottle().get_ident(request), request.META["REMOTE_ADDR"]):  # type: ignore[arg-type]
        try:
            address = ip_address(candidate)
        except ValueError:
            continue
        if not isinstance(address, IPv6Address):
            return str(address)
        return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False).network_address)
    return None


def forget_failures(email: str) -> None:
    """Let the owner of the address try again at once."""
    AxesProxyHandler.reset_attempts(username=email)


def wait_minutes() -> int:
    return max(1, round(settings.AXES_COOLOFF_TIME.total_seconds() / 60))


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """What axes answers instead of a log-in page; the API has said it already, in its own format."""
    if request.path.startswith("/api/") and response is not None:
        return response
    context = {"minutes": wait_minutes()}
    locked = render(request, "participants/locked_out.html", context, status=429)
    locked.headers["Retry-After"] = str(int(settings.AXES_COOLOFF_TIME.total_seconds()))
    return locked


def password_is(request: HttpRequest, user: User, password: str) -> bool:
    """Is it that of whoever is signed in? A wrong one counts and is audited as at the door."""
    return authenticate(request=request, username=user.email, password=password) is not None


def may_try(request: HttpRequest, user: User) -> bool:
    """May a code be tried? If not, axes puts its page in the place of the answer."""
    allowed: bool = AxesProxyHandler.is_allowed(request, {"username": user.email})
    request.axes_locked_out = not allowed  # type: ignore[attr-defined]
    return allowed


def count_wrong_code(request: HttpRequest, user: User) -> None:
    """As a wrong password counts: for the same address and client, with the same limit, in the audit trail."""
    user_login_failed.send(
        sender=__name__, credentials={"username": user.email, "second_factor": True}, request=request
    )
