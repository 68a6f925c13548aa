"""Throttled log-in: what django-axes counts by (address and client), and what a locked-out person is told."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework.throttling import BaseThrottle


def client_username(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """The address as accounts keep it: another spelling must not be another counter."""
    typed = (credentials or {}).get("username") or getattr(request, "POST", {}).get("username") or ""
    return str(typed).strip().lower()[:254]


def client_address(request: HttpRequest) -> str | None:
    """Where the request comes from, believing as many proxies as PROXY_COUNT says and no more."""
    if "REMOTE_ADDR" not in request.META:
        return None
    for candidate in (BaseThrottle().get_ident(request), request.META["REMOTE_ADDR"]):  # type: ignore[arg-type]
        try:
            return str(ip_address(candidate))
        except ValueError:
            continue
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
