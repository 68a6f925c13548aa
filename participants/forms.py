"""The forms of the account pages. They check; the actions write."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, SetPasswordForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from participants import lockout
from participants.models import User

_WRONG_PASSWORD = _("This is not your password.")


class SignInForm(AuthenticationForm):
    error_messages = {
        "invalid_login": _("The address or the password is wrong."),
        "inactive": _("The address or the password is wrong."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        address, password = self.fields["username"], self.fields["password"]
        address.label = _("E-mail address")
        address.widget.input_type = "email"
        if self.initial.get("username"):
            del address.widget.attrs["autofocus"]
            password.widget.attrs["autofocus"] = True


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "autocapitalize": "none", "spellcheck": "false"}
        ),
    )


class PasswordAgainForm(forms.Form):
    """Whoever sits at an open session must also know the password."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        max_length=1024,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        user: Any = self.request.user
        if not lockout.password_is(self.request, user, password):
            raise forms.ValidationError(_WRONG_PASSWORD)
        return password


class _RefusedAtTheFirstField:
    """What is wrong with a password is said where it is chosen, not where it is repeated."""

    def validate_password_for_user(self, user: User, *_: Any) -> None:
        super().validate_password_for_user(user, "new_password1")  # type: ignore[misc]


class NewPasswordForm(_RefusedAtTheFirstField, SetPasswordForm):
    """A password, twice, by Django's validators. Saved by the action that the page calls."""


class ChangePasswordForm(_RefusedAtTheFirstField, PasswordChangeForm):
    """The same for whoever knows the old one, which is tried as at the door."""

    user: User

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.fields["old_password"].widget.attrs.pop("autofocus", None)

    def clean_old_password(self) -> str:
        password: str = self.cleaned_data["old_password"]
        if not lockout.password_is(self.request, self.user, password):
            raise forms.ValidationError(_WRONG_PASSWORD)
        return password


class ForgottenPasswordForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )
