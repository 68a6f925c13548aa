"""Who takes part: enrolling, inviting, consent and withdrawal."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from experiments.actions.enrolment import enrol, withdraw
from experiments.admin.inlines import StudyInline
from experiments.admin.kind_filter import KindFilter
from experiments.admin.people_forms import PersonForm
from experiments.admin.study_filter import StudyFilter
from experiments.admin_tools import StudyAdmin, may_in_study
from experiments.admin_views import csv_imports
from experiments.languages.texts import texts_of_study
from experiments.models import ConsentRecord, Enrolment, EnrolmentEvent, Experiment, Reminder
from experiments.monitoring.masking import reminders_tell
from experiments.reminders.outbox import standing_of, with_standing
from experiments.reviewing.progress import seen_stages
from participants.actions.invitations import invite
from participants.language import speaking_to


def without_completion(events: Any, request: HttpRequest) -> Any:
    """Of EnrolmentEvents, those that do not depend on the arm; all of them where the person may see the allocation."""
    unmasked = Experiment.objects.where_may(request.user, Verb.VIEW_ALLOCATION).order_by().values("pk")
    return events.exclude(Q(status=Enrolment.Status.COMPLETED) & ~Q(enrolment__experiment__in=unmasked))


class StatusFilter(admin.SimpleListFilter):
    """By the status as the person sees it."""

    title = "status"
    parameter_name = "status__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Enrolment.Status.choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset if self.value() is None else queryset.filter(status_seen=self.value())


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

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A reader who leaves may say why, and with it who they are or what they were shown: told to those alone who
        enrol."""
        may_read = self.may(request, Verb.MANAGE_ENROLMENT, obj)
        return [name for name in self.fields if may_read or name != "reason"]

    def get_queryset(self, request: HttpRequest) -> Any:
        """Without "completed" for who may not see the allocation: its date tells how many stages the arm has."""
        rows = super().get_queryset(request).select_related("by", "enrolment")
        return without_completion(rows, request)

    @admin.display(description="by")
    def acted(self, obj: EnrolmentEvent) -> str:
        """Participants act themselves too; their address beside their pseudonym would tell who they are."""
        if obj.by_id == obj.enrolment.user_id:
            return "the participant"
        return str(obj.by or "the system")


class ConsentInline(_Record):
    model = ConsentRecord
    fields = readonly_fields = ("at", "kind", "document", "signed_as", "given_elsewhere", "recorded_at", "recorded_by")
    verbose_name_plural = "Consent"
    view_verb = Verb.MANAGE_ENROLMENT

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("signature", "recorded_by")

    @admin.display(description="signed as")
    def signed_as(self, obj: ConsentRecord) -> str:
        """The name is personal: it is shown to those alone who enrol."""
        signature = getattr(obj, "signature", None)
        return f"{signature.name or 'erased'} ({signature.language})" if signature is not None else "-"


class ReminderInline(_Record):
    """Without the number of cases that waited: it counts later stages too, which not every arm has. For the same reason
    they are left out where their days tell the arm to somebody who may not know it."""

    model = Reminder
    fields = readonly_fields = ("sent_at", "became")
    verbose_name_plural = "Reminders by e-mail"
    view_verb = Verb.MANAGE_ENROLMENT

    def get_queryset(self, request: HttpRequest) -> Any:
        return with_standing(super().get_queryset(request))

    @admin.display(description="what became of it")
    def became(self, obj: Reminder) -> str:
        return standing_of(obj).in_words


@admin.register(Enrolment)
class EnrolmentAdmin(StudyAdmin):
    view_verb = Verb.VIEW_PROGRESS
    add_verb = Verb.MANAGE_ENROLMENT
    list_filter = (StatusFilter, KindFilter, ("experiment", StudyFilter))
    list_select_related = ("experiment", "user")
    search_fields = ("pseudonym", "experiment__name")
    actions = ("invite_chosen", "withdraw_chosen")
    change_list_template = "admin/experiments/enrolment_change_list.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        """Previews are nobody's taking part: each is on its owner's page of previews."""
        people: Any = super().get_queryset(request)
        return people.exclude(kind=Enrolment.Kind.PREVIEW).with_status_for(request.user)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """What an address filters by must not find out what the list does not show."""
        known = lookup == StatusFilter.parameter_name or lookup.split("__")[0] in ("kind", "experiment")
        return known and super().lookup_allowed(lookup, value, request)

    def get_list_display(self, request: HttpRequest) -> Any:
        return ("pseudonym", "experiment", "kind", "status_seen", "arrival", "joined_at", self._account(request))

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        masked = reminders_tell(obj.experiment, seen_stages(obj.experiment, request.user))
        return (EventInline, ConsentInline) if masked else (EventInline, ConsentInline, ReminderInline)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("experiment", "email", "kind")
        people = ("account_email", "intake") if may_in_study(request, Verb.MANAGE_ENROLMENT, obj.experiment) else ()
        allocation = ("stratum", "preview") if may_in_study(request, Verb.VIEW_ALLOCATION, obj.experiment) else ()
        return ("experiment", "pseudonym", "kind", "status_seen", "arrival", "joined_at", *people, *allocation)

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

    @admin.display(description="status", ordering="status_seen")
    def status_seen(self, obj: Enrolment) -> str:
        return Enrolment.Status(obj.status_seen).label  # type: ignore[attr-defined]  # annotated

    @admin.display(description="account")
    def account_email(self, obj: Enrolment) -> str:
        return obj.user.email

    @admin.display(description="preview")
    def preview(self, obj: Enrolment) -> str:
        previews = reverse("admin:experiments_experiment_previews", args=[obj.experiment_id])
        return format_html('<a href="{}?participant={}">Preview as this participant</a>', previews, obj.pseudonym)

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "kind":
            kwargs["choices"] = [pair for pair in Enrolment.Kind.choices if pair[0] != Enrolment.Kind.PREVIEW]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

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
                invite(user=enrolment.user, by=by, study_name=_said_name(enrolment))
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
                "standings": [(enrolment, self.status_seen(enrolment)) for enrolment in chosen],
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


def _said_name(enrolment: Enrolment) -> str:
    """The study's name as its participant reads it."""
    with speaking_to(enrolment.user):
        return texts_of_study(enrolment.experiment)(enrolment.experiment.name)


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

    def get_queryset(self, request: HttpRequest) -> Any:
        return without_completion(super().get_queryset(request), request)


@admin.register(ConsentRecord)
class ConsentRecordAdmin(_OfEnrolment):
    list_display = ("enrolment", "kind", "document", "given_elsewhere", "at", "recorded_at")
    fields = ("enrolment", "kind", "document", "given_elsewhere", "at", "recorded_at", "recorded_by")
