"""The pages behind mailed links, for everybody: set the first password, ask for a new one, set it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from augmed.foundation.errors import Invalid
from participants import second_factor
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
from participants.views.base import AccountPage, onward, sign_in, to_sign_in_as


class _NewPasswordPage(AccountPage, ABC):
    """Who opened the mailed link and set a password is signed in, unless a second factor is to be shown first."""

    form_class = NewPasswordForm
    button = gettext_lazy("Set password")

    @property
    @abstractmethod
    def owner(self) -> User:
        """Whom the link belongs to; Invalid where it belongs to nobody."""

    @abstractmethod
    def set_password(self, password: str) -> User:
        """Use the link up. Invalid where it no longer counts, or the password is refused."""

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
        if second_factor.is_on(user):
            messages.success(self.request, _("Your password is set. You can sign in with it now."))
            return to_sign_in_as(self.request, user)
        sign_in(self.request, user)
        messages.success(self.request, _("Your password is set, and you are signed in."))
        return redirect(onward(user, ""))


class InvitationPage(_NewPasswordPage):
    title = gettext_lazy("Welcome: set your password")

    @cached_property
    def owner(self) -> User:
        return find_invitation(self.kwargs["token"]).user

    def set_password(self, password: str) -> User:
        return accept_invitation(token=self.kwargs["token"], password=password)


class ResetPage(_NewPasswordPage):
    title = gettext_lazy("Set a new password")

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
    title = gettext_lazy("Forgot your password?")
    button = gettext_lazy("Send the link")
    form_class = ForgottenPasswordForm
    success_url = reverse_lazy("password_reset_done")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        intro = _("Type the address that you were invited with. You get a link by which you set a new password.")
        return super().get_context_data(intro=intro, **kwargs)

    def form_valid(self, form: Form) -> HttpResponse:
        request_password_reset(email=form.cleaned_data["email"])
        return super().form_valid(form)


@method_decorator(never_cache, name="dispatch")
class LinkIsOnItsWay(TemplateView):
    template_name = "participants/link_on_its_way.html"
    extra_context = {"title": gettext_lazy("Look in your mailbox")}
