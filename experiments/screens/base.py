"""What all pages of participants share: who may, that nothing of them is kept by a browser, and how refusals look."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views import View

from augmed.foundation.errors import DomainError


class Screen(LoginRequiredMixin, View):
    """A page of whoever is signed in, showing only what is theirs. A DomainError becomes a page that says why."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = super().dispatch(request, *args, **kwargs)
        except DomainError as error:
            response = refusal(request, error)
        return never_kept(response)

    def handle_no_permission(self) -> Any:
        """Whoever is signed out is sent to sign in. A part of a page is only refused: the form to sign in would be put
        in the midst of the case."""
        if self.request.headers.get("HX-Request"):
            return HttpResponse(status=403)
        return super().handle_no_permission()


def refusal(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Why something cannot be done now, and the way back."""
    title = _("There is no such page") if error.status_code == 404 else _("This is not possible now")
    context = {"title": title, "detail": error.detail, "code": error.code}
    return render(request, "screens/refusal.html", context, status=error.status_code)


def never_kept(response: HttpResponseBase) -> HttpResponseBase:
    """Neither a cache nor the back button's memory keeps what was shown."""
    add_never_cache_headers(response)  # no-store among them
    response.headers["Referrer-Policy"] = "same-origin"
    return response
