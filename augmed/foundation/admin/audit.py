"""The audit trail in the admin: to search, never to change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_POST

from augmed.foundation import audit_job, jobs
from augmed.foundation.admin_tools import ReadOnlyAdmin
from augmed.foundation.models import AuditEvent
from augmed.foundation.permissions import Verb

MOST_COUNTED = 10_000


class BoundedPaginator(Paginator):
    """Counts no further than 10,000 rows: whoever needs what lies beyond narrows the search."""

    @cached_property
    def count(self) -> int:
        events: Any = self.object_list
        return int(events[:MOST_COUNTED].count())


class AuditSearchForm(forms.Form):
    actor = forms.CharField(required=False, max_length=254, label="Who (address, id or system)")
    action = forms.CharField(required=False, max_length=64, label="Did what")
    target_type = forms.CharField(required=False, max_length=64, label="To what kind of thing")
    target_id = forms.CharField(required=False, max_length=64, label="Its id")
    experiment_id = forms.IntegerField(required=False, label="In experiment (id)", min_value=1, max_value=2**63 - 1)
    since = forms.DateField(required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, label="To", widget=forms.DateInput(attrs={"type": "date"}))

    def narrow(self, events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        """Those events that fit all that is filled in. Exact values, so that every condition has its index."""
        found: dict[str, Any] = {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}
        if "actor" in found:
            found["actor"] = _actor_id(found["actor"])
        if "since" in found:
            found["at__gte"] = datetime.combine(found.pop("since"), time.min, UTC)
        if "until" in found:
            found["at__lt"] = datetime.combine(found.pop("until") + timedelta(days=1), time.min, UTC)
        return events.filter(**found)


def _actor_id(text: str) -> str:
    if "@" not in text:
        return text.strip()
    key = get_user_model().objects.filter(email=text.strip().lower()).values_list("pk", flat=True).first()
    return "nobody" if key is None else str(key)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    view_verb = Verb.VIEW_AUDIT

    list_display = ["sequence", "at", "who", "action", "target_type", "target_id", "experiment_id", "data"]
    ordering = ["-sequence"]
    sortable_by = ["sequence"]
    show_full_result_count = False
    paginator = BoundedPaginator
    list_per_page = 100
    actions = None
    change_list_template = "admin/foundation/auditevent/change_list.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        form = AuditSearchForm(request.GET)
        names = set(form.fields)
        if not form.is_valid():
            messages.error(request, "The search was not understood; it shows everything.")
        # Django's list refuses parameters that it does not know: ours are taken out of its sight and applied here.
        setattr(request, "audit_search", form)  # noqa: B010  an attribute of ours on Django's request
        query = request.GET.copy()
        for name in names:
            query.pop(name, None)
        kept = request.GET.copy()
        for name in set(kept) - names:
            kept.pop(name)
        request.GET = query  # type: ignore[assignment]
        response = super().changelist_view(request, {"search": form, "kept": kept.urlencode(), **(extra_context or {})})
        if isinstance(response, TemplateResponse) and "cl" in (response.context_data or {}):
            _keep_search_in_links(response.context_data["cl"], kept.urlencode())  # type: ignore[index]
        return response

    def get_urls(self) -> list[URLPattern]:
        verify = path("verify/", self.admin_site.admin_view(self.verify), name="foundation_auditevent_verify")
        return [verify, *super().get_urls()]

    def verify(self, request: HttpRequest) -> HttpResponseBase:
        """Start a job that walks the chain."""
        return require_POST(self._verify)(request)

    def _verify(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        job = jobs.create(kind=audit_job.KIND, parameters={}, by=request.user)
        return HttpResponseRedirect(reverse("admin:foundation_job_change", args=[job.pk]))

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        events = super().get_queryset(request)
        form: AuditSearchForm | None = getattr(request, "audit_search", None)
        return form.narrow(events) if form is not None and form.is_valid() else events

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        page = super().get_changelist_instance(request)
        # One query names the actors of the whole page.
        keys = {event.actor for event in page.result_list if event.actor.isdigit()}
        users = get_user_model().objects.filter(pk__in=keys)
        names = {str(key): email for key, email in users.values_list("pk", "email")}
        for event in page.result_list:
            event.actor_name = names.get(event.actor, "")
        return page

    @admin.display(description="actor", ordering="actor")
    def who(self, event: AuditEvent) -> str:
        name = getattr(event, "actor_name", "")
        return f"{event.actor} ({name})" if name else event.actor


def _keep_search_in_links(page: Any, kept: str) -> None:
    """Page and sort links keep what was searched for."""
    plain = page.get_query_string

    def with_search(*args: Any, **kwargs: Any) -> str:
        query = plain(*args, **kwargs)
        return f"{query}&{kept}" if kept and len(query) > 1 else f"?{kept}" if kept else query

    page.get_query_string = with_search
