"""Django's admin under this project's name."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from augmed.foundation.permissions import Verb
from participants import second_factor
from participants.views.door import SignOut

# The first page and the menu, in the order of work; what is not named follows by name.
APPS = ("experiments", "cases", "participants", "omop", "foundation")
MODELS = (
    "Experiment",
    "Arm",
    "QuestionnaireVersion",
    "Enrolment",
    "StudyRole",
    "ReferenceStandard",
    "AdjudicatorReading",
    "Review",
    "Submission",
    "Assignment",
)
FIRST_STEPS = (
    (Verb.IMPORT_OMOP, "Import OMOP files", "omop_bulk_import"),
    (Verb.VIEW_OMOP, "Look at the quality of the data", "omop_checkoutcome_changelist"),
    (Verb.CHANGE_OMOP, "Put visits forward as cases", "omop_visitoccurrence_changelist"),
    (Verb.CHANGE_LAYOUTS, "Import a page layout", "cases_pagelayout_import"),
    (Verb.MANAGE_ACCOUNTS, "Accounts and roster", "participants_user_changelist"),
    (Verb.CREATE_EXPERIMENT, "Begin a study", "experiments_experiment_add"),
)


class AugmedAdminSite(admin.AdminSite):
    site_header = "AugMed"
    site_title = "AugMed"
    index_title = "Studies of clinical judgement"
    site_url = None

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        apps = super().get_app_list(request, app_label)
        for app in apps:
            app["models"].sort(key=lambda model: _place(MODELS, model["object_name"]))
        return sorted(apps, key=lambda app: _place(APPS, app["app_label"]))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        user: Any = request.user
        steps = [
            (title, reverse(f"admin:{name}", current_app=self.name))
            for verb, title, name in FIRST_STEPS
            if user.may(verb)
        ]
        return super().index(request, {**(extra_context or {}), "first_steps": steps})

    def has_permission(self, request: HttpRequest) -> bool:
        """Where a second factor is demanded of staff, a session without one does not open the administration."""
        user: Any = request.user
        allowed: bool = super().has_permission(request)
        return allowed and (second_factor.was_shown(request) or not second_factor.is_demanded_of(user))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one door for everybody. Who is signed in and comes here may not enter, or lacks a second factor."""
        user: Any = request.user
        if self.has_permission(request):
            return redirect(reverse("admin:index", current_app=self.name))
        if not user.is_authenticated:
            return redirect_to_login(self._wanted(request))
        if not super().has_permission(request):
            raise PermissionDenied
        if second_factor.is_on(user):  # set up elsewhere since this session began
            logout(request)
            return redirect_to_login(self._wanted(request))
        return redirect("account")

    def logout(  # type: ignore[override]  # a page there
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The participants' own, which also empties what pages kept in the browser."""
        return cast(HttpResponse, SignOut.as_view()(request))

    def _wanted(self, request: HttpRequest) -> str:
        """The page that was asked for; SignIn checks it."""
        return request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index", current_app=self.name)

    def password_change(  # type: ignore[override]  # a page there
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """On the account page, as for everybody."""
        return redirect("change_password")


def _place(order: tuple[str, ...], name: str) -> int:
    """For a stable sort: named ones first, in order."""
    return order.index(name) if name in order else len(order)
