"""Cases: the list, and one case whole. Who opens a case is written into the audit trail."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse

from augmed.foundation.admin_tools import VerbAdmin
from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from cases import actions
from cases.admin.training import add_training_case, download_tree
from cases.models import Case, CaseSnapshot, LayoutVersion, PageLayout
from cases.source_changes import changes_of


@admin.register(Case)
class CaseAdmin(VerbAdmin):
    """Who may view whole cases may open this; who may change cases may set an index time and rebuild."""

    view_verb = Verb.VIEW_CASES
    change_verb = Verb.CHANGE_CASES
    list_display = ("number", "kind", "source_label", "visit_occurrence_id", "person_id", "index_at", "snapshot_count")
    list_filter = ("kind",)
    search_fields = ("=number", "=visit_occurrence_id", "=person_id", "source_label")
    list_per_page = 50
    show_full_result_count = False
    change_list_template = "admin/cases/cases.html"
    change_form_template = "admin/cases/case.html"
    fields = ("number", "kind", "source_label", "visit_occurrence_id", "person_id", "index_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).annotate(snapshots_made=Count("snapshots"))

    @admin.display(description="snapshots", ordering="snapshots_made")
    def snapshot_count(self, case: Any) -> int:
        return int(case.snapshots_made)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fixed = tuple(name for name in self.fields if name != "index_at")
        editable = obj is not None and obj.visit_occurrence_id is not None and not obj.snapshots_made
        return fixed if editable else (*fixed, "index_at")

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        if "index_at" in form.changed_data:
            try:
                actions.set_index_time(case=obj, index_at=form.cleaned_data["index_at"], by=request.user)
            except DomainError as error:
                messages.error(request, error.detail)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The audit trail has it."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("training/", wrap(self.training_view), name="cases_case_training"),
            path("<int:case_id>/build/", wrap(self.build_view), name="cases_case_build"),
            path("<int:case_id>/tree/", wrap(self.tree_view), name="cases_case_tree"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        may_change = self.has_change_permission(request)
        return super().changelist_view(request, {**(extra_context or {}), "may_change_cases": may_change})

    def training_view(self, request: HttpRequest) -> HttpResponse:
        return add_training_case(request, allowed=self.has_change_permission(request))

    def tree_view(self, request: HttpRequest, case_id: int) -> HttpResponse:
        case = get_object_or_404(self.get_queryset(request), pk=case_id)
        return download_tree(request, case, allowed=self.has_view_permission(request, case))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = dict(extra_context or {})
        case = self.get_object(request, object_id)
        if case is not None and self.has_view_permission(request, case):
            snapshots = list(case.snapshots.select_related("layout_version__layout").order_by("-created_at", "-pk"))
            chosen = _chosen(request, snapshots)
            if request.method == "GET":
                actions.record_case_viewed(case=case, by=request.user, snapshot=chosen)
            context |= {
                "title": str(case),
                "snapshots": snapshots,
                "snapshot": chosen,
                "tree": json.loads(chosen.content) if chosen and not chosen.redacted_at else None,
                "buildable": _buildable(case, snapshots),
                "source_changes": changes_of(case),
                "show_save_and_add_another": False,
                "show_save_and_continue": False,
                "show_save": "index_at" not in self.get_readonly_fields(request, case),
            }
        return super().change_view(request, object_id, form_url, context)

    def build_view(self, request: HttpRequest, case_id: int) -> HttpResponse:
        """Build the case under a layout version, or build it anew where it has a snapshot under it."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        case = get_object_or_404(self.get_queryset(request), pk=case_id)
        if not self.has_change_permission(request, case):
            raise PermissionDenied
        version = get_object_or_404(LayoutVersion, pk=_whole(request.POST.get("layout_version")))
        numbers = CaseSnapshot.objects.filter(case=case, layout_version=version).order_by("-number")
        before = numbers.values_list("number", flat=True).first()
        try:
            made = actions.rebuild_snapshot(case=case, layout_version=version, by=request.user)
        except DomainError as error:
            messages.error(request, error.detail)
            return HttpResponseRedirect(_case_url(case))
        if made.number == before:
            messages.info(request, f"Nothing has changed: snapshot {made.number} under {version} stays the newest.")
        else:
            messages.success(request, f"Snapshot {made.number} was built under {version}.")
        return HttpResponseRedirect(f"{_case_url(case)}?snapshot={made.pk}")


def _chosen(request: HttpRequest, snapshots: list[CaseSnapshot]) -> CaseSnapshot | None:
    wanted = _whole(request.GET.get("snapshot"))
    return next((s for s in snapshots if s.pk == wanted), snapshots[0] if snapshots else None)


def _buildable(case: Any, snapshots: list[CaseSnapshot]) -> list[LayoutVersion]:
    """The layout versions under which the case can be built (anew): those it has, and the default one's newest."""
    if case.visit_occurrence_id is None:
        return []
    versions = {snapshot.layout_version_id: snapshot.layout_version for snapshot in snapshots}
    default = PageLayout.objects.default()
    newest = default.versions.select_related("layout").order_by("-number").first() if default else None
    if newest is not None:
        versions.setdefault(newest.pk, newest)
    return list(versions.values())


def _case_url(case: Case) -> str:
    return reverse("admin:cases_case_change", args=[case.pk])


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0
