"""The pages behind mailed links, for everybody: set the first password, ask for a new one, set it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse, reverse_lazy
from django.utils.cache import add_never_cache_headers
from django.views.generic import FormView, TemplateView

from augmed.foundation.errors import Invalid
from participants.actions import (
    accept_invitation,
    find_invitation,
    find_reset,
    request_password_reset,
    reset_password,
)
from participants.actions.passwords import two_segments
from participants.forms import ForgottenPasswordForm, NewPasswordForm
from participants.models import User
from participants.throttles import may_post


class AccountPage(FormView):
    """A form of the account pages: throttled as the API is, never cached, its address (a secret) told to no one."""

    title = ""
    button = ""
    template_name = "participants/account_form.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase
        if request.method == "POST" and not may_post(request, self):
            response = render(request, "participants/throttled.html", status=429)
        else:
            try:
                response = super().dispatch(request, *args, **kwargs)
            except Invalid as error:
                response = render(request, "participants/link_invalid.html", {"detail": error.detail}, status=410)
        add_never_cache_headers(response)
        # Not "no-referrer": a browser then posts the form with "Origin: null", which Django refuses.
        response.headers["Referrer-Policy"] = "same-origin"
        # Django logs the path of a refused request, and the path holds the secret of the link.
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(title=self.title, button=self.button, **kwargs)


class _NewPasswordPage(AccountPage):
    form_class = NewPasswordForm
    success_url = reverse_lazy("password_reset_complete")

    @cached_property
    def owner(self) -> User:
        raise NotImplementedError

    def set_password(self, password: str) -> User:
        raise NotImplementedError

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.owner}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(address=self.owner.email, **kwargs)

    def form_valid(self, form: Form) -> HttpResponse:
        try:
            user = self.set_password(form.cleaned_data["new_password1"])
        except Invalid as error:
            if "password" not in error.errors:
                raise
            for message in error.errors["password"]:
                form.add_error("new_password1", message)
            return self.form_invalid(form)
        if user.is_staff:
            messages.info(self.request, "You can sign in to the administration now.", extra_tags="staff")
        return super().form_valid(form)


class InvitationPage(_NewPasswordPage):
    title = "Welcome: set your password"
    button = "Set password"

    @cached_property
    def owner(self) -> User:
        return find_invitation(self.kwargs["token"]).user

    def set_password(self, password: str) -> User:
        return accept_invitation(token=self.kwargs["token"], password=password)


class ResetPage(_NewPasswordPage):
    title = "Set a new password"
    button = "Set password"

    @property
    def link(self) -> tuple[str, str]:
        """The uid and the token in the address."""
        return self.kwargs["uid"], self.kwargs["token"]

    @cached_property
    def owner(self) -> User:
        uid, token = self.link
        return find_reset(uid=uid, token=token)

    def set_password(self, password: str) -> User:
        uid, token = self.link
        return reset_password(uid=uid, token=token, password=password)


class ClientResetPage(ResetPage):
    """The same for links made for the published client."""

    @property
    def link(self) -> tuple[str, str]:
        return two_segments(self.kwargs["link"])


class ForgottenPasswordPage(AccountPage):
    title = "Forgot your password?"
    button = "Send the link"
    form_class = ForgottenPasswordForm
    success_url = reverse_lazy("password_reset_done")

    def form_valid(self, form: Form) -> HttpResponse:
        request_password_reset(email=form.cleaned_data["email"])
        return super().form_valid(form)


class MessagePage(TemplateView):
    template_name = "participants/message.html"
    title = ""
    message = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        staff = [text for text in messages.get_messages(self.request) if "staff" in text.tags]
        return super().get_context_data(
            title=self.title, message=self.message, admin_url=reverse("admin:index") if staff else "", **kwargs
        )
