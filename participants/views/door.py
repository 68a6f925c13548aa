"""The one door: address and password, then the second factor of those who have one. The administration's too."""

from __future__ import annotations

import time
from typing import Any

from django.contrib import messages
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView, RedirectURLMixin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from augmed.foundation.errors import DomainError
from participants import lockout, second_factor
from participants.actions import use_second_factor
from participants.forms import CodeForm, SignInForm
from participants.models import User
from participants.views.base import SIGN_IN_AS, AccountPage, Guarded, onward, sign_in

_HALF_WAY = "signing_in"
_SECONDS = 10 * 60  # for which a password that was given opens the page for the code


class SignIn(Guarded, LoginView):
    template_name = "participants/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True
    extra_context = {"title": gettext_lazy("Sign in")}

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "username": self.request.session.get(SIGN_IN_AS, "")}

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "label_suffix": ""}

    def get_success_url(self) -> str:
        user: Any = self.request.user
        return onward(user, self.get_redirect_url())

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        assert isinstance(user, User)
        if not second_factor.is_on(user):
            sign_in(self.request, user)
            return redirect(self.get_success_url())
        self.request.session.cycle_key()  # whoever planted the session's key is not half-way in with it
        self.request.session[_HALF_WAY] = {
            "user": user.pk,
            "account": user.get_session_auth_hash(),
            "until": time.time() + _SECONDS,
        }
        wanted = self.get_redirect_url()
        return redirect(f"{reverse('sign_in_code')}{'?' + urlencode({'next': wanted}) if wanted else ''}")


class SignInCode(RedirectURLMixin, AccountPage):
    """After the password. Nobody is signed in before the code was right."""

    title = gettext_lazy("Your second factor")
    button = gettext_lazy("Sign in")
    form_class = CodeForm
    template_name = "participants/sign_in_code.html"
    user: User

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = _half_way(request)
        if user is None:
            messages.info(request, _("Please sign in with your password first."))
            return redirect("sign_in")
        self.user = user
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(next=self.get_redirect_url(), **kwargs)

    def form_valid(self, form: CodeForm) -> HttpResponse:
        if not lockout.may_try(self.request, self.user):
            return self.form_invalid(form)  # the lockout's page takes its place
        try:
            use_second_factor(user=self.user, code=form.cleaned_data["code"])
        except DomainError as error:
            if error.code == "second_factor_wrong":
                lockout.count_wrong_code(self.request, self.user)
            form.add_error("code", error.detail)
            return self.form_invalid(form)
        self.request.session.pop(_HALF_WAY, None)
        sign_in(self.request, self.user, second_factor_shown=True)
        return redirect(onward(self.user, self.get_redirect_url()))


def _half_way(request: HttpRequest) -> User | None:
    """Who gave the password in this session a short while ago; nobody once the account changed since."""
    kept = request.session.get(_HALF_WAY)
    if not isinstance(kept, dict) or kept["until"] < time.time():
        return None
    user = User.objects.active().filter(pk=kept["user"]).first()
    if user is None or not constant_time_compare(kept["account"], user.get_session_auth_hash()):
        return None
    return user


class SignOut(LogoutView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().post(request, *args, **kwargs)
        messages.success(request, _("You are signed out."))
        # What pages kept in the browser is not for who uses it next. Browsers heed this on secure pages alone.
        response.headers["Clear-Site-Data"] = '"storage"'
        return response
