"""Django's admin under this project's name."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.urls import reverse

from augmed.foundation.permissions import Verb

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

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Django's page, saving by the action, which also ends API tokens and is audited."""
        from django.contrib.auth.views import PasswordChangeView

        from participants.forms import OwnPasswordForm

        view = PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse("admin:password_change_done", current_app=self.name),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)


def _place(order: tuple[str, ...], name: str) -> int:
    """For a stable sort: named ones first, in order."""
    return order.index(name) if name in order else len(order)


class AugmedAdminConfig(AdminConfig):
    default_site = "augmed.admin_site.AugmedAdminSite"
