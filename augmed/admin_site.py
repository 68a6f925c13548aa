"""Django's admin under this project's name."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.urls import reverse


class AugmedAdminSite(admin.AdminSite):
    site_header = "AugMed"
    site_title = "AugMed"
    index_title = "Studies of clinical judgement"
    site_url = None

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


class AugmedAdminConfig(AdminConfig):
    default_site = "augmed.admin_site.AugmedAdminSite"
