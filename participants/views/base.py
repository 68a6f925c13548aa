"""What the pages of accounts share."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.functional import Promise
from django.views.generic import FormView

from augmed.foundation.errors import Invalid
from participants import second_factor
from participants.models import User
from participants.throttles import may_post

BACKEND = "django.contrib.auth.backends.ModelBackend"
SIGN_IN_AS = "sign_in_as"  # the address that the sign-in page is filled with


class Guarded:
    """Throttled as the API is, never cached, its address (often a secret) told to no one."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase
        if request.method == "POST" and not may_post(request, self):
            response = render(request, "participants/throttled.html", status=429)
        else:
            try:
                response = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
            except Invalid as error:
                response = render(request, "participants/link_invalid.html", {"detail": error.detail}, status=410)
        add_never_cache_headers(response)
        # Not "no-referrer": a browser then posts the form with "Origin: null", which Django refuses.
        response.headers["Referrer-Policy"] = "same-origin"
        # Django logs the path of a refused request, and the path may hold the secret of a link.
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response


class AccountPage(Guarded, FormView):
    """One form, one button."""

    title: str | Promise = ""
    button: str | Promise = ""
    template_name = "participants/account_form.html"

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "label_suffix": ""}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(title=self.title, button=self.button, **kwargs)


class OwnAccountPage(LoginRequiredMixin, AccountPage):
    """The same for whoever is signed in."""

    def who(self) -> User:
        user = self.request.user
        assert isinstance(user, User)  # LoginRequiredMixin has seen to it
        return user


def sign_in(request: HttpRequest, user: User, *, second_factor_shown: bool = False) -> None:
    """Begin a session. Everything that the account demands has been asked by now."""
    login(request, user, backend=BACKEND)
    # A moment, not a span: what is written into the session later must not prolong it.
    request.session.set_expiry(timezone.now() + settings.LOGIN_LIFETIME)
    second_factor.note_shown(request, shown=second_factor_shown)


def onward(user: User, wanted: str) -> str:
    """Where a sign-in leads: to the page that was asked for, but not to an administration that would send one away."""
    to_admin = urlsplit(wanted).path.startswith(f"/{settings.ADMIN_PATH}")
    if not wanted or (to_admin and not user.is_staff):
        return resolve_url(settings.LOGIN_REDIRECT_URL)
    return wanted


def to_sign_in_as(request: HttpRequest, user: User) -> HttpResponse:
    """The sign-in page with the address filled in; the address travels in the session, not in the link."""
    request.session[SIGN_IN_AS] = user.email
    return redirect("sign_in")
