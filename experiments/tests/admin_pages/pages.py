"""What the tests of the studies' admin share: a browser of somebody, addresses, a form sent back."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(model: str, kind: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:experiments_{model}_{kind}", args=args)


def form_of(response: Any) -> dict[str, Any]:
    """The fields of a change form as a browser would send them back."""
    form = response.context["adminform"].form
    data = {name: form[name].value() for name in form.fields}
    for inline in response.context["inline_admin_formsets"]:
        formset = inline.formset
        for one in [formset.management_form, *formset.forms]:
            data |= {one[name].html_name: one[name].value() for name in one.fields}
    prepared = {}
    for name, value in data.items():
        if value is None or value is False:
            continue
        prepared[name] = value
    return prepared
