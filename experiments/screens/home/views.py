"""Where one stands: what is next, what is done, how far."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from experiments.roles import holds_study_role
from experiments.screens.base import Screen
from experiments.screens.home.reads import study_cards


class Front(Screen):
    """The bare address leads home."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("home")


class Home(Screen):
    """One's studies. Staff who take part in none are led to the administration."""

    def get(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        cards = study_cards(user)
        may_administer = user.is_staff and (bool(user.global_verbs) or holds_study_role(user))
        context = {"title": _("Your studies"), "cards": cards, "may_administer": may_administer}
        return render(request, "screens/home/home.html", context)
