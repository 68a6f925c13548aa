"""Access and refresh tokens: what is in them, and the rules of their renewal.

An access token lives 15 minutes and carries the account's epoch. A refresh token names the log-in (TokenFamily) that
it descends from; no token outlives settings.LOGIN_LIFETIME after that log-in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from augmed.foundation import audit
from augmed.foundation.errors import DomainError
from participants import lockout, second_factor
from participants.actions.second_factor import use_second_factor
from participants.models import RefreshUse, TokenFamily, User

ACCESS_LIFETIME: timedelta = api_settings.ACCESS_TOKEN_LIFETIME


@dataclass(frozen=True)
class TokenPair:
    access: str
    refresh: str
    access_expires_at: datetime
    refresh_expires_at: datetime


class _LockedOut(Throttled):
    """Says its own words; `wait` becomes the Retry-After header."""

    def __init__(self, seconds: int, message: str) -> None:
        super().__init__(detail=message, code="locked_out")
        self.wait = seconds


def _locked_out() -> _LockedOut:
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    minutes = lockout.wait_minutes()
    return _LockedOut(seconds, f"Too many failed log-ins. Try again in {minutes} minutes, or reset your password.")


def access_token_for(user: User, *, not_after: datetime | None = None) -> str:
    """A signed access token for 15 minutes; `epoch` ends it early when the account's is raised."""
    token = AccessToken()
    token["user_id"] = str(user.pk)
    token["epoch"] = user.token_epoch
    if not_after is not None:
        token["exp"] = min(token["exp"], int(not_after.timestamp()))
    return str(token)


def sliding_token_for(user: User, *, until: datetime) -> str:
    """An access token for a client that knows no refresh token: it lives settings.SLIDING_LIFETIME, `renewed` gives
    the next one, and none lives beyond `until`. The account's epoch ends it early.

    `admin_flag` is a hint for a page of that client, which opens its exports by it; nothing here believes it."""
    token = AccessToken()
    token["user_id"] = str(user.pk)
    token["epoch"] = user.token_epoch
    token["admin_flag"] = user.is_staff
    token["slides_until"] = int(until.timestamp())
    token["exp"] = min(int((timezone.now() + settings.SLIDING_LIFETIME).timestamp()), token["slides_until"])
    return str(token)


def renewed(*, user: User, presented: object) -> str | None:
    """The sliding token that follows `presented`, None where that is something else: another token, an API key."""
    until = presented.get("slides_until") if isinstance(presented, Token) else None
    if not isinstance(until, int):
        return None
    return sliding_token_for(user, until=datetime.fromtimestamp(until, tz=UTC))


class SecondFactorNeeded(AuthenticationFailed):
    """The password was right, and more is asked for."""


def log_in(*, request: HttpRequest | Request, email: str, password: str, second_factor: str = "") -> TokenPair:
    """The first pair of a log-in. Raises AuthenticationFailed (alike for unknown and wrong), SecondFactorNeeded or
    Throttled."""
    user, family = _begin(request=request, email=email, password=password, code=second_factor)
    return _pair(user, family)


def sliding_log_in(*, request: HttpRequest | Request, email: str, password: str) -> str:
    """The first sliding token of a log-in. Refuses as `log_in` does: this client has no field for a code."""
    user, family = _begin(request=request, email=email, password=password, code="")
    return sliding_token_for(user, until=family.expires_at)


def _begin(*, request: HttpRequest | Request, email: str, password: str, code: str) -> tuple[User, TokenFamily]:
    plain = request._request if isinstance(request, Request) else request
    user = authenticate(request=plain, username=email.strip().lower(), password=password)
    if not isinstance(user, User):
        if getattr(plain, "axes_locked_out", False):
            raise _locked_out()
        raise AuthenticationFailed("The address or the password is wrong.", code="log_in_failed")
    _show_second_factor(plain, user, code)
    with transaction.atomic():
        now = timezone.now()
        family = TokenFamily.objects.create(user=user, created_at=now, expires_at=now + settings.LOGIN_LIFETIME)
        # Django's signal: last_login, the end of counted failures, and (last) the audit event.
        user_logged_in.send(sender=User, request=plain, user=user)
    return user, family


def _show_second_factor(request: HttpRequest, user: User, code: str) -> None:
    """Refuse where the account has one and no right code came along, and where it should have one."""
    if not second_factor.is_on(user):
        if second_factor.is_demanded_of(user):
            message = "Your account needs a second factor. Sign in on the web pages and set one up there."
            raise SecondFactorNeeded(message, code="second_factor_not_set_up")
        return
    if not code:
        raise SecondFactorNeeded("A code of your authenticator app is needed, too.", code="second_factor_needed")
    if not lockout.may_try(request, user):
        raise _locked_out()
    try:
        use_second_factor(user=user, code=code)
    except DomainError as error:
        if error.code == "second_factor_wrong":
            lockout.count_wrong_code(request, user)
        raise SecondFactorNeeded(error.detail, code=error.code) from error


def refresh(*, refresh_token: str) -> TokenPair:
    """The next pair. Within settings.REFRESH_GRACE after its first use a token gives one again (the answer may have
    been lost on its way); used later than that it was stolen by somebody, and its whole log-in ends."""
    claims = _claims(refresh_token)
    with transaction.atomic():
        family = (
            TokenFamily.objects.select_for_update(of=("self",))
            .select_related("user")
            .filter(pk=claims.family, user_id=claims.user_id)
            .first()
        )
        now = timezone.now()
        if family is None or family.revoked_at is not None or family.expires_at <= now:
            raise InvalidToken("The log-in has ended. Sign in again.")
        if not family.user.is_active or family.user.token_epoch != claims.epoch:
            raise InvalidToken("The log-in has ended. Sign in again.")
        use, first = RefreshUse.objects.get_or_create(family=family, jti=claims.jti, defaults={"used_at": now})
        stolen = not first and now - use.used_at > settings.REFRESH_GRACE
        if stolen:
            family.revoked_at, family.revoked_because = now, "refresh token used again"
            family.save(update_fields=["revoked_at", "revoked_because"])
            audit.record(action="log_in_revoked", by=None, target=family.user, data={"reason": family.revoked_because})
    if stolen:  # raised outside, so that the revocation is committed
        raise InvalidToken("The token was used before. Sign in again.")
    return _pair(family.user, family)


@dataclass(frozen=True)
class _RefreshClaims:
    user_id: int
    epoch: int
    family: UUID
    jti: str


def _claims(refresh_token: str) -> _RefreshClaims:
    try:
        token = RefreshToken(refresh_token)  # type: ignore[arg-type]
        return _RefreshClaims(
            user_id=int(token["user_id"]),
            epoch=int(token["epoch"]),
            family=UUID(token["family"]),
            jti=str(token["jti"]),
        )
    except (TokenError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidToken("The token is not valid. Sign in again.") from error


def _pair(user: User, family: TokenFamily) -> TokenPair:
    token = RefreshToken()
    token["user_id"] = str(user.pk)
    token["epoch"] = user.token_epoch
    token["family"] = family.pk.hex
    token["exp"] = int(family.expires_at.timestamp())
    return TokenPair(
        access=access_token_for(user, not_after=family.expires_at),
        refresh=str(token),
        access_expires_at=min(timezone.now() + ACCESS_LIFETIME, family.expires_at),
        refresh_expires_at=family.expires_at,
    )
