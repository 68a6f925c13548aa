"""Who holds which role in a study."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.html import format_html_join

from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from experiments.actions.roles import grant_role, revoke_role
from experiments.admin.people_forms import PersonForm
from experiments.admin.study_filter import StudyFilter
from experiments.admin_tools import StudyAdmin, may_in_study
from experiments.models import StudyRole
from experiments.roles import ROLES


class StudyRoleForm(PersonForm):
    verb = Verb.MANAGE_STUDY_ROLES

    class Meta:
        model = StudyRole
        fields = ("experiment", "role")


@admin.register(StudyRole)
class StudyRoleAdmin(StudyAdmin):
    view_verb = add_verb = Verb.MANAGE_STUDY_ROLES
    list_display = ("user", "role", "experiment", "granted_at", "granted_by")
    list_filter = ("role", ("experiment", StudyFilter))
    list_select_related = ("user", "experiment", "granted_by")
    search_fields = ("experiment__name", "user__email")
    actions = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("experiment", "email", "role", "what_roles_do")
        return ("user", "experiment", "role", "granted_at", "granted_by")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("what_roles_do",) if obj is None else self.get_fields(request, obj)

    @admin.display(description="what roles do")
    def what_roles_do(self, obj: Any) -> str:
        named = [(StudyRole.Role(role.key).label, role.description) for role in ROLES.values()]
        return format_html_join("", "<p><strong>{}</strong>: {}</p>", named)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[Any]:
        if obj is not None:
            return super().get_form(request, obj, change=change, **kwargs)
        form = super().get_form(request, obj, change=change, **{**kwargs, "form": StudyRoleForm})
        return StudyRoleForm.for_user(form, request.user)

    def has_revoke_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, Verb.MANAGE_STUDY_ROLES, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        fields = form.cleaned_data
        made = grant_role(user=fields["email"], experiment=fields["experiment"], role=fields["role"], by=request.user)
        obj.__dict__.update(made.__dict__)

    @admin.action(description="Revoke the chosen roles", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        for held in queryset.select_related("user", "experiment"):
            if not may_in_study(request, Verb.MANAGE_STUDY_ROLES, held.experiment):
                continue
            said = f"{held.get_role_display()} in {held.experiment.name}"
            try:
                revoke_role(user=held.user, experiment=held.experiment, role=held.role, by=request.user)
            except DomainError as error:
                messages.error(request, f"{said}: {error.detail}")
            else:
                messages.success(request, f"{said}: revoked.")
