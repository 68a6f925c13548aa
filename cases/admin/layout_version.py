"""One version of a layout: its nodes as a table, to be edited until it is frozen."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from augmed.foundation.admin_tools import ReadOnlyAdmin
from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from cases import actions
from cases.admin.node_forms import NodeFormSet, initial
from cases.layouts import layout_content, layout_nodes
from cases.models import LayoutVersion


@admin.register(LayoutVersion)
class LayoutVersionAdmin(ReadOnlyAdmin):
    """Reached from the page of its layout. Who may change layouts may edit the newest version until it is frozen."""

    view_verb = Verb.VIEW_LAYOUTS
    list_display = ("layout", "number", "frozen_at", "created_at")
    list_select_related = ("layout",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False  # not on the index: it is reached from its layout

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        version = get_object_or_404(
            LayoutVersion.objects.select_related("layout"), pk=object_id if object_id.isdigit() else 0
        )
        newer = version.layout.versions.filter(number__gt=version.number).exists()
        may_edit = self.may(request, Verb.CHANGE_LAYOUTS)
        if version.frozen_at is not None or newer or not may_edit:
            return self._shown(request, version, may_edit=may_edit, newer=newer)
        return self._edited(request, version)

    def _shown(self, request: HttpRequest, version: LayoutVersion, *, may_edit: bool, newer: bool) -> HttpResponse:
        if request.method == "POST":
            raise PermissionDenied
        content = layout_content(version)
        paths = {node.key: node for node in layout_nodes(version)}
        context = {
            "rows": [(node, paths[node.key]) for node in content.nodes],
            "may_edit": may_edit,
            "newer": newer,
        }
        return self._answer(request, version, "admin/cases/layout_version.html", context)

    def _edited(self, request: HttpRequest, version: LayoutVersion) -> HttpResponse:
        content = layout_content(version)
        problems: dict[str, list[str]] = {}
        formset = NodeFormSet(request.POST or None, initial=initial(content.nodes), prefix="nodes")
        if request.method == "POST" and formset.is_valid():
            try:
                actions.set_layout_nodes(
                    version=version,
                    nodes=formset.nodes(),
                    by=request.user,
                    allow_unknown_concepts="allow_unknown_concepts" in request.POST,
                )
            except DomainError as error:
                problems = {key: list(found) for key, found in error.errors.items()} or {"layout": [error.detail]}
            else:
                messages.success(request, f"The nodes of {version} are saved.")
                return HttpResponseRedirect(reverse("admin:cases_layoutversion_change", args=[version.pk]))
        headings = [node.key for node in content.nodes if node.level != "feature"]
        context = {"formset": formset, "problems": problems, "headings": headings}
        status = 422 if request.method == "POST" else 200
        return self._answer(request, version, "admin/cases/layout_version_edit.html", context, status)

    def _answer(
        self, request: HttpRequest, version: LayoutVersion, template: str, context: dict[str, Any], status: int = 200
    ) -> HttpResponse:
        whole = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": str(version),
            "version": version,
            **context,
        }
        return TemplateResponse(request, template, whole, status=status)
