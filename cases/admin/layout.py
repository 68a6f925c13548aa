"""Layouts: the list, import and export of their JSON, their versions."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import slugify

from augmed.foundation.admin_tools import VerbAdmin
from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from cases import actions
from cases.layouts import export_layout
from cases.models import LayoutVersion, PageLayout

LARGEST_FILE = 5 * 1024 * 1024


class ImportForm(forms.Form):
    file = forms.FileField(help_text="This project's layout JSON, or AugMed's page_config.")
    name = forms.CharField(max_length=200, required=False, help_text="Default: the name in the file.")
    advice = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "cols": 60}),
        help_text="Labels, one a line: what is so labelled is advice of a model that takes supplied values.",
    )
    allow_unknown_concepts = forms.BooleanField(
        required=False, help_text="Accept concepts that the vocabulary does not have."
    )

    def clean_file(self) -> str:
        upload = self.cleaned_data["file"]
        if upload.size > LARGEST_FILE:
            raise forms.ValidationError("The file is larger than 5 MB, which no layout is.")
        try:
            return str(upload.read().decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise forms.ValidationError("The file is not UTF-8 text.") from error


@admin.register(PageLayout)
class PageLayoutAdmin(VerbAdmin):
    """A layout itself is never edited here: its versions are, on pages of their own."""

    view_verb = Verb.VIEW_LAYOUTS
    list_display = ("name", "is_default", "newest_number", "description")
    search_fields = ("name",)
    fields = ("name", "description", "is_default")
    change_list_template = "admin/cases/layouts.html"
    change_form_template = "admin/cases/layout.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).annotate(newest=Max("versions__number"))

    @admin.display(description="newest version", ordering="newest")
    def newest_number(self, layout: Any) -> int | None:
        return layout.newest

    def may_edit(self, request: HttpRequest) -> bool:
        return self.may(request, Verb.CHANGE_LAYOUTS)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(self.import_view), name="cases_pagelayout_import"),
            path("<int:layout_id>/new-version/", wrap(self.new_version_view), name="cases_pagelayout_new_version"),
            path("<int:layout_id>/make-default/", wrap(self.make_default_view), name="cases_pagelayout_make_default"),
            path("version/<int:version_id>/export/", wrap(self.export_view), name="cases_layoutversion_export"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "may_edit": self.may_edit(request)})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        layout = self.get_object(request, object_id)
        versions = list(layout.versions.order_by("-number")) if layout is not None else []
        context = {**(extra_context or {}), "versions": versions, "may_edit": self.may_edit(request)}
        return super().change_view(request, object_id, form_url, context)

    def import_view(self, request: HttpRequest) -> HttpResponse:
        if not self.may_edit(request):
            raise PermissionDenied
        form = ImportForm(request.POST or None, request.FILES or None)
        problems: dict[str, list[str]] = {}
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            try:
                version = actions.import_layout(
                    content=given["file"],
                    by=request.user,
                    name=given["name"] or None,
                    advice_labels=[line.strip() for line in given["advice"].splitlines() if line.strip()],
                    allow_unknown_concepts=given["allow_unknown_concepts"],
                )
            except DomainError as error:
                problems = {key: list(found) for key, found in error.errors.items()} or {"layout": [error.detail]}
            else:
                messages.success(request, f"{version} is imported.")
                return HttpResponseRedirect(reverse("admin:cases_layoutversion_change", args=[version.pk]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Import a layout",
            "form": form,
            "problems": problems,
        }
        status = 422 if request.method == "POST" else 200
        return TemplateResponse(request, "admin/cases/layout_import.html", context, status=status)

    def new_version_view(self, request: HttpRequest, layout_id: int) -> HttpResponse:
        layout = self._posted(request, layout_id)
        if isinstance(layout, HttpResponse):
            return layout
        try:
            version = actions.new_layout_version(layout=layout, by=request.user)
        except DomainError as error:
            messages.error(request, error.detail)
            return HttpResponseRedirect(reverse("admin:cases_pagelayout_change", args=[layout.pk]))
        messages.success(request, f"{version} can now be edited.")
        return HttpResponseRedirect(reverse("admin:cases_layoutversion_change", args=[version.pk]))

    def make_default_view(self, request: HttpRequest, layout_id: int) -> HttpResponse:
        layout = self._posted(request, layout_id)
        if isinstance(layout, HttpResponse):
            return layout
        actions.make_default(layout=layout, by=request.user)
        messages.success(request, f"{layout} is now the default layout.")
        return HttpResponseRedirect(reverse("admin:cases_pagelayout_change", args=[layout.pk]))

    def export_view(self, request: HttpRequest, version_id: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        version = get_object_or_404(LayoutVersion.objects.select_related("layout"), pk=version_id)
        text = json.dumps(export_layout(version), ensure_ascii=False, indent=1)
        response = HttpResponse(text + "\n", content_type="application/json; charset=utf-8")
        name = f"{slugify(version.layout.name) or 'layout'}-v{version.number}.json"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def _posted(self, request: HttpRequest, layout_id: int) -> PageLayout | HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.may_edit(request):
            raise PermissionDenied
        return get_object_or_404(PageLayout, pk=layout_id)
