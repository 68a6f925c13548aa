"""Who takes part: enrolling, inviting, consent and withdrawal."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from experiments.actions.enrolment import enrol, withdraw
from experiments.admin.inlines import StudyInline
from experiments.admin.people_forms import PersonForm
from experiments.admin_tools import StudyAdmin, may_in_study
from experiments.admin_views import csv_imports
from experiments.models import ConsentRecord, Enrolment, EnrolmentEvent
from participants.actions.invitations import invite


class EnrolmentForm(PersonForm):
    verb = Verb.MANAGE_ENROLMENT

    class Meta:
        model = Enrolment
        fields = ("experiment", "kind")


class _Record(StudyInline):
    max_num = 0
    view_verb = Verb.VIEW_PROGRESS


class EventInline(_Record):
    model = EnrolmentEvent
    fields = readonly_fields = ("at", "status", "reason", "acted")
    verbose_name_plural = "Status, so far"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("by", "enrolment")

    @admin.display(description="by")
    def acted(self, obj: EnrolmentEvent) -> str:
        """Participants act themselves too; their address beside their pseudonym would tell who they are."""
        if obj.by_id == obj.enrolment.user_id:
            return "the participant"
        return str(obj.by or "the system")


class ConsentInline(_Record):
    model = ConsentRecord
    fields = readonly_fields = ("at", "kind", "document", "given_elsewhere", "recorded_at", "recorded_by")
    verbose_name_plural = "Consent"
    view_verb = Verb.MANAGE_ENROLMENT


@admin.register(Enrolment)
class EnrolmentAdmin(StudyAdmin):
    view_verb = Verb.VIEW_PROGRESS
    add_verb = Verb.MANAGE_ENROLMENT
    list_filter = ("status", "kind", ("experiment", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("experiment", "user")
    search_fields = ("pseudonym", "experiment__name")
    actions = ("invite_chosen", "withdraw_chosen")
    change_list_template = "admin/experiments/enrolment_change_list.html"

    def get_list_display(self, request: HttpRequest) -> Any:
        return ("pseudonym", "experiment", "kind", "status", "arrival", "joined_at", self._account(request))

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        return (EventInline, ConsentInline) if obj is not None else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("experiment", "email", "kind")
        people = ("account_email", "intake") if may_in_study(request, Verb.MANAGE_ENROLMENT, obj.experiment) else ()
        allocation = ("stratum",) if may_in_study(request, Verb.VIEW_ALLOCATION, obj.experiment) else ()
        return ("experiment", "pseudonym", "kind", "status", "arrival", "joined_at", *people, *allocation)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.get_fields(request, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[Any]:
        if obj is not None:
            return super().get_form(request, obj, change=change, **kwargs)
        form = super().get_form(request, obj, change=change, **{**kwargs, "form": EnrolmentForm})
        return EnrolmentForm.for_user(form, request.user)

    def _account(self, request: HttpRequest) -> Any:
        @admin.display(description="account")
        def account(obj: Enrolment) -> str:
            return obj.user.email if may_in_study(request, Verb.MANAGE_ENROLMENT, obj.experiment) else "-"

        return account

    @admin.display(description="account")
    def account_email(self, obj: Enrolment) -> str:
        return obj.user.email

    def get_search_fields(self, request: HttpRequest) -> Any:
        return self.search_fields

    def has_manage_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, Verb.MANAGE_ENROLMENT, obj)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("consents/", view(csv_imports.consents), name="experiments_enrolment_consents"),
            *super().get_urls(),
        ]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        fields = form.cleaned_data
        made = enrol(experiment=fields["experiment"], user=fields["email"], kind=fields["kind"], by=request.user)
        obj.__dict__.update(made.__dict__)

    @admin.action(description="Mail an invitation to set a password", permissions=["manage"])
    def invite_chosen(self, request: HttpRequest, queryset: Any) -> None:
        by: Any = request.user
        for enrolment in self._manageable(request, queryset):
            try:
                invite(user=enrolment.user, by=by)
            except DomainError as error:
                messages.warning(request, f"{enrolment}: {error.detail}")
            else:
                messages.success(request, f"{enrolment}: the invitation is on its way.")

    @admin.action(description="Withdraw", permissions=["manage"])
    def withdraw_chosen(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        chosen = self._manageable(request, queryset)
        reason = request.POST.get("reason", "").strip()
        if not reason:
            context = {
                **self.admin_site.each_context(request),
                "title": "Withdraw participants",
                "chosen": chosen,
                "asked": "withdraw" in request.POST,
            }
            return TemplateResponse(request, "admin/experiments/withdraw.html", context)
        for enrolment in chosen:
            try:
                withdraw(enrolment=enrolment, by=request.user, reason=reason)
            except DomainError as error:
                messages.warning(request, f"{enrolment}: {error.detail}")
            else:
                messages.success(request, f"{enrolment} is withdrawn.")
        return None

    def _manageable(self, request: HttpRequest, queryset: Any) -> list[Enrolment]:
        return [
            enrolment
            for enrolment in queryset.select_related("experiment", "user")
            if may_in_study(request, Verb.MANAGE_ENROLMENT, enrolment.experiment)
        ]


class _OfEnrolment(StudyAdmin):
    experiment_path = "enrolment__experiment"
    view_verb = Verb.MANAGE_ENROLMENT
    list_select_related = ("enrolment__experiment",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(EnrolmentEvent)
class EnrolmentEventAdmin(_OfEnrolment):
    list_display = ("enrolment", "status", "at", "by")
    fields = ("enrolment", "status", "reason", "at", "by")


@admin.register(ConsentRecord)
class ConsentRecordAdmin(_OfEnrolment):
    list_display = ("enrolment", "kind", "document", "given_elsewhere", "at", "recorded_at")
    fields = ("enrolment", "kind", "document", "given_elsewhere", "at", "recorded_at", "recorded_by")
