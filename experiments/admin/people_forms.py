"""Forms that name a person by e-mail address: study staff may not browse accounts."""

from __future__ import annotations

from typing import Any

from django import forms

from augmed.foundation.permissions import Verb
from experiments.models import Experiment
from participants.models import User


class PersonForm(forms.ModelForm):
    """`email` of an account that exists; `experiment` among those in which the person of the request may."""

    verb: Verb
    email = forms.EmailField(label="E-mail address", help_text="of a person on the roster")
    experiment = forms.ModelChoiceField(Experiment.objects.none(), label="Study")

    def clean_email(self) -> User:
        email = self.cleaned_data["email"].strip().lower()
        found = User.objects.get_queryset().filter(email=email).first()
        if found is None:
            raise forms.ValidationError("Nobody on the roster has this address.")
        return found

    @classmethod
    def for_user(cls, form: type[Any], user: Any) -> type[Any]:
        form.base_fields["experiment"].queryset = Experiment.objects.where_may(user, cls.verb)
        return form
