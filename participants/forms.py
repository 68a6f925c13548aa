"""The forms of the account pages. They check; the actions write."""

from __future__ import annotations

from django import forms
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm

from participants.actions import change_password
from participants.models import User


class NewPasswordForm(SetPasswordForm):
    """A password, twice, by Django's validators. Saved by the action that the page calls."""


class ForgottenPasswordForm(forms.Form):
    email = forms.EmailField(
        label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )


class OwnPasswordForm(PasswordChangeForm):
    """The admin's form to change one's own password."""

    def save(self, commit: bool = True) -> User:
        change_password(user=self.user, password=self.cleaned_data["new_password1"], by=self.user)
        return self.user
