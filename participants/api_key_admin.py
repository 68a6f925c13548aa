"""API keys in the admin: everybody who may open it makes and revokes their own, administrators see and revoke all."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_variables

from augmed.foundation.admin_tools import VerbAdmin
from augmed.foundation.errors import DomainError, Invalid
from augmed.foundation.permissions import Verb
from participants.actions import NewKey, create_api_key, revoke_api_key
from participants.models import KEY_VERBS, ApiKey, User

WORDS = {
    Verb.VIEW_EXPERIMENT: "See that a study exists, its name and state (needed for all else in a study)",
    Verb.VIEW_PROGRESS: "Follow progress",
    Verb.EXPORT: "Export",
    Verb.EXPORT_IDENTIFIED: "Export e-mail addresses instead of pseudonyms",
    Verb.VIEW_OUTCOME: "Read answers, with arms masked",
    Verb.VIEW_OUTCOME_BY_ARM: "Read answers by arm",
    Verb.VIEW_ARM: "See the design of the arms",
    Verb.VIEW_ALLOCATION: "See who is in which arm",
    Verb.VIEW_REFERENCE: "Read reference standards",
    Verb.CREATE_EXPERIMENT: "Begin studies",
    Verb.CHANGE_DESIGN: "Change the design, upload display configs and questionnaires",
    Verb.CHANGE_STATUS: "Activate, pause and complete studies, start allocation runs",
    Verb.MANAGE_ENROLMENT: "Enrol and withdraw participants",
    Verb.MANAGE_ACCOUNTS: "Read and extend the roster",
}
DEFAULT_DAYS = 90


class NewKeyForm(forms.Form):
    label = forms.CharField(max_length=100, help_text="What will use the key, for example: nightly analysis.")
    scopes = forms.MultipleChoiceField(
        label="What the key may do",
        choices=[(verb.value, f"{WORDS[verb]} [{verb.value}]") for verb in KEY_VERBS],
        initial=[Verb.VIEW_EXPERIMENT.value],
        widget=forms.CheckboxSelectMultiple,
        help_text="Never more than you yourself may at the time of its use.",
    )
    last_day = forms.DateField(
        label="Last day",
        initial=lambda: timezone.now().date() + timedelta(days=DEFAULT_DAYS),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="The key works to the end of this day (UTC), for a year at most.",
    )

    @sensitive_variables("made")
    def make(self, owner: User) -> NewKey | None:
        """The key, or None where the action refuses: then the form says why."""
        given = self.cleaned_data
        try:
            made = create_api_key(
                owner=owner,
                by=owner,
                label=given["label"],
                scopes=[Verb(value) for value in given["scopes"]],
                expires_at=datetime.combine(given["last_day"], time.max, UTC),
            )
        except Invalid as error:
            for place, texts in error.errors.items():
                self.add_error("last_day" if place == "expires_at" else place, list(texts))
            return None
        return made


@admin.register(ApiKey)
class ApiKeyAdmin(VerbAdmin):
    list_display = ["label", "begins_with", "whose", "state", "scope_names", "expires_at", "last_used_at"]
    list_select_related = ["owner"]
    search_fields = ["label", "prefix", "owner__email"]
    actions = ["revoke"]
    fields = [
        "label",
        "begins_with",
        "whose",
        "state",
        "may_do",
        "created_at",
        "expires_at",
        "revoked_at",
        "last_used_at",
    ]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        user: Any = request.user
        return bool(user.is_active and user.is_staff)  # get_queryset leaves each their own

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @admin.display(description="begins with")
    def begins_with(self, key: ApiKey) -> str:
        return f"{key.prefix}…"

    @admin.display(description="owner", ordering="owner__email")
    def whose(self, key: ApiKey) -> str:
        return key.owner.email  # as text: Django would link to a page that most owners may not open

    @admin.display(description="state")
    def state(self, key: ApiKey) -> str:
        if key.revoked_at is not None:
            return "revoked"
        if key.expires_at <= timezone.now():
            return "expired"
        return "usable" if key.owner.is_active else "its owner is deactivated"

    @admin.display(description="scopes")
    def scope_names(self, key: ApiKey) -> str:
        """As guides and refusals name them: the list has no room for sentences."""
        return ", ".join(verb.value for verb in KEY_VERBS if verb in key.verbs)

    @admin.display(description="may")
    def may_do(self, key: ApiKey) -> str:
        return "; ".join(WORDS[verb] for verb in KEY_VERBS if verb in key.verbs)

    @method_decorator(csrf_protect)
    @sensitive_variables("made")
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The secret is in the answer to the form and nowhere else: no redirect, so no session has to carry it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        owner: Any = request.user
        form = NewKeyForm(request.POST) if request.method == "POST" else NewKeyForm()
        made = form.make(owner) if form.is_bound and form.is_valid() else None
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": "New API key"}
        if made is None:
            return TemplateResponse(request, "admin/participants/apikey_new.html", {**context, "form": form})
        shown = {"title": "Your new API key", "key": made.key, "secret": made.secret, "public_url": settings.PUBLIC_URL}
        return TemplateResponse(request, "admin/participants/apikey_made.html", {**context, **shown})

    @admin.action(description="Revoke: end the key at once", permissions=["revoke"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        by: Any = request.user
        for key in keys:
            try:
                revoke_api_key(key=key, by=by)
                messages.success(request, f"The key {key} is revoked.")
            except DomainError as error:
                messages.warning(request, f"{key}: {error.detail}")

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        query = urlencode({"target_type": "participants.apikey", "target_id": object_id})
        return HttpResponseRedirect(f"{reverse('admin:foundation_auditevent_changelist')}?{query}")
