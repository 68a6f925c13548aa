"""Setting up, renewing and ending one's own second factor. Each begins with the password, asked again."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from base64 import b32encode
from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_otp.plugins.otp_totp.models import TOTPDevice

from augmed.foundation.errors import DomainError
from participants import second_factor
from participants.actions import (
    begin_second_factor,
    confirm_second_factor,
    disable_second_factor,
    renew_recovery_codes,
)
from participants.forms import CodeForm, PasswordAgainForm
from participants.views.base import OwnAccountPage

_GIVEN = "password_given_until"
_SECONDS = 15 * 60  # for which the secret can be looked at after the password was given


class _PasswordAgain(OwnAccountPage, ABC):
    """A page with one button, behind the password."""

    form_class = PasswordAgainForm
    intro: str | Promise = ""
    needs_one = True  # a second factor, to begin with

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and second_factor.is_on(self.who()) != self.needs_one:
            return redirect("account")
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(intro=self.intro, back=reverse_lazy("account"), **kwargs)

    def form_valid(self, form: Form) -> HttpResponse:
        try:
            return self.act()
        except DomainError as error:
            messages.error(self.request, error.detail)
            return redirect("account")

    @abstractmethod
    def act(self) -> HttpResponse:
        """What the button does; a DomainError is said on the account's page."""


class BeginSecondFactor(_PasswordAgain):
    title = gettext_lazy("Set up a second factor")
    button = gettext_lazy("Continue")
    intro = gettext_lazy(
        "Besides your password you will then need a code from an app on your phone or computer when you sign in. "
        "Any authenticator app will do."
    )
    needs_one = False

    def act(self) -> HttpResponse:
        begin_second_factor(by=self.who())
        self.request.session[_GIVEN] = time.time() + _SECONDS
        return redirect("second_factor_set_up")


class SetUpSecondFactor(OwnAccountPage):
    """Shows the secret; the first code made of it switches the second factor on."""

    title = gettext_lazy("Connect your app")
    button = gettext_lazy("Switch on")
    form_class = CodeForm
    template_name = "participants/second_factor_set_up.html"
    device: TOTPDevice

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        device = _waiting(request)
        if device is None:
            return redirect("second_factor_begin")
        self.device = device
        return super().dispatch(request, *args, **kwargs)

    def get_form(self, form_class: Any = None) -> CodeForm:
        form: CodeForm = super().get_form(form_class)
        if not form.is_bound:
            form.fields["code"].widget.attrs.pop("autofocus")  # a phone would scroll past the picture
        return form

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        secret = b32encode(self.device.bin_key).decode()
        groups = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
        qr_code = _qr_code(self.device.config_url)
        return super().get_context_data(secret=groups, qr_code=qr_code, back=reverse_lazy("account"), **kwargs)

    def form_valid(self, form: CodeForm) -> HttpResponse:
        user = self.who()
        try:
            codes = confirm_second_factor(code=form.cleaned_data["code"], by=user)
        except DomainError as error:
            form.add_error("code", error.detail)
            return self.form_invalid(form)
        self.request.session.pop(_GIVEN, None)
        update_session_auth_hash(self.request, user)
        second_factor.note_shown(self.request)
        return _show_codes(self.request, codes, done=_("Your second factor is switched on."))


class RenewRecoveryCodes(_PasswordAgain):
    title = gettext_lazy("New recovery codes")
    button = gettext_lazy("Make new codes")
    intro = gettext_lazy("You get ten new codes. Those that you have now will no longer work.")

    def act(self) -> HttpResponse:
        codes = renew_recovery_codes(by=self.who())
        return _show_codes(self.request, codes, done=_("These are your new codes. The old ones have ended."))


class DisableSecondFactor(_PasswordAgain):
    title = gettext_lazy("Switch off the second factor")
    button = gettext_lazy("Switch off")
    intro = gettext_lazy("You will then sign in with your password alone. Your recovery codes end, too.")

    def act(self) -> HttpResponse:
        disable_second_factor(by=self.who())
        second_factor.note_shown(self.request, shown=False)
        messages.success(self.request, _("The second factor is switched off."))
        return redirect("account")


def _waiting(request: HttpRequest) -> TOTPDevice | None:
    """The secret that is being set up, while the password is fresh."""
    if not request.user.is_authenticated or request.session.get(_GIVEN, 0) < time.time():
        return None
    return TOTPDevice.objects.filter(user=request.user, confirmed=False).first()


def _show_codes(request: HttpRequest, codes: list[str], *, done: str) -> HttpResponse:
    """In the answer to the form and nowhere else: no redirect, so no session has to carry them."""
    onward = reverse("account")
    if request.user.is_staff and settings.SECOND_FACTOR_FOR_STAFF == "required":
        onward = reverse("admin:index")
    context = {"title": _("Your recovery codes"), "done": done, "codes": codes, "onward": onward}
    return render(request, "participants/recovery_codes.html", context)


def _qr_code(content: str) -> SafeString:
    """As SVG with presentation attributes alone. Black on white in either theme: cameras expect it so."""
    code = segno.make(content, error="m")
    svg = code.svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=False, svgclass=None, lineclass=None)
    return mark_safe(svg)  # noqa: S308  made of our own address and secret by the library, which escapes
