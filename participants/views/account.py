"""One's own account: password, language, sessions, and where the second factor stands."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.mixins import LoginRequiredMixin
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from participants.actions import change_password, sign_out_everywhere
from participants.forms import ChangePasswordForm
from participants.models import Profile
from participants.second_factor import is_demanded_of, second_factor_of
from participants.views.base import OwnAccountPage


@method_decorator(never_cache, name="dispatch")
class Account(LoginRequiredMixin, TemplateView):
    template_name = "participants/account.html"
    extra_context = {"title": gettext_lazy("Your account")}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user: Any = self.request.user
        return super().get_context_data(
            profile=Profile.objects.filter(user=user).first(),
            second_factor=second_factor_of(user),
            demanded=is_demanded_of(user),
            **kwargs,
        )


class ChangePassword(OwnAccountPage):
    title = gettext_lazy("Change your password")
    button = gettext_lazy("Change password")
    form_class = ChangePasswordForm
    success_url = reverse_lazy("account")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.who(), "request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        intro = _("Other devices on which you are signed in will ask for the new one.")
        return super().get_context_data(intro=intro, back=reverse_lazy("account"), **kwargs)

    def form_valid(self, form: Form) -> HttpResponse:
        user = self.who()
        change_password(user=user, password=form.cleaned_data["new_password1"], by=user)
        update_session_auth_hash(self.request, user)
        messages.success(self.request, _("Your password is changed."))
        return super().form_valid(form)


@method_decorator(never_cache, name="dispatch")
class SignOutEverywhere(LoginRequiredMixin, View):
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        sign_out_everywhere(user=user, by=user)
        logout(request)
        messages.success(request, _("You are signed out on every device."))
        return redirect("sign_in")
