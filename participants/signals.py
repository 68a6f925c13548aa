"""Log-ins and log-outs, of the API and the pages alike, go into the audit trail by Django's own signals."""

from __future__ import annotations

from typing import Any

from axes.helpers import get_failure_limit
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from augmed.foundation import audit
from participants.lockout import client_username
from participants.models import User


def _door(request: HttpRequest | None) -> str:
    if request is None:
        return "unknown"
    return "api" if request.path.startswith("/api/") else "screens"


@receiver(user_logged_in, dispatch_uid="participants.audit_logged_in")
def audit_logged_in(sender: Any, request: HttpRequest | None, user: User, **kwargs: Any) -> None:
    with transaction.atomic():
        audit.record(action="logged_in", by=user, target=user, data={"door": _door(request)})


@receiver(user_logged_out, dispatch_uid="participants.audit_logged_out")
def audit_logged_out(sender: Any, request: HttpRequest | None, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        with transaction.atomic():
            audit.record(action="logged_out", by=user, target=user, data={"door": _door(request)})


@receiver(user_login_failed, dispatch_uid="participants.audit_log_in_failed")
def audit_log_in_failed(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Who tried, by account id, or by a keyed hash where there is no such account.

    Attempts beyond the limit are not written down one by one: nothing was compared, and a locked-out client could
    fill the chain with them. axes keeps their count."""
    address = str(credentials.get("username") or "").strip().lower()
    failures = getattr(request, "axes_failures_since_start", None) or 0
    limit = get_failure_limit(request, credentials) if request is not None else 0
    if request is not None and failures > limit:
        return
    user_id = User.objects.filter(email=address).values_list("pk", flat=True).first()
    data: dict[str, Any] = {"door": _door(request), "locked_out": bool(request is not None and failures == limit)}
    if credentials.get("second_factor"):
        data["second_factor"] = True  # the password was right
    if user_id is None:
        typed = client_username(request, credentials) if request is not None else address
        data["address_hash"] = salted_hmac("participants.log-in-failed", typed, algorithm="sha256").hexdigest()
    with transaction.atomic():
        target = ("participants.user", "unknown" if user_id is None else user_id)
        audit.record(action="log_in_failed", by=None, target=target, data=data)
