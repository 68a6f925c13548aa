"""A training case, made by hand from a tree in JSON; and a case's tree in that JSON, to begin from."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from augmed.foundation.errors import DomainError
from cases import actions
from cases.models import Case, LayoutVersion

LARGEST_TREE = 5 * 1024 * 1024


class TrainingCaseForm(forms.Form):
    label = forms.CharField(max_length=200, help_text="What it is, for staff.")
    number = forms.IntegerField(required=False, help_text="The number people see. Default: the next free one.")
    layout_version = forms.ModelChoiceField(LayoutVersion.objects.select_related("layout"))
    tree = forms.FileField(help_text="The feature tree as JSON, as the page of a case offers it for download.")

    def clean_tree(self) -> Any:
        upload = self.cleaned_data["tree"]
        if upload.size > LARGEST_TREE:
            raise forms.ValidationError("The file is larger than 5 MB.")
        try:
            return json.loads(upload.read().decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"Not valid JSON: {error}") from error


def add_training_case(request: HttpRequest, *, allowed: bool) -> HttpResponse:
    """The page of the form; `allowed`: may this person change cases?"""
    if not allowed:
        raise PermissionDenied
    form = TrainingCaseForm(request.POST or None, request.FILES or None)
    problems: dict[str, list[str]] = {}
    if request.method == "POST" and form.is_valid():
        try:
            case = actions.make_training_case(**form.cleaned_data, by=request.user)
        except DomainError as error:
            problems = {"The case": [error.detail]}
        else:
            messages.success(request, f"{case} is made.")
            return HttpResponseRedirect(reverse("admin:cases_case_change", args=[case.pk]))
    context = {
        **admin.site.each_context(request),
        "opts": Case._meta,
        "title": "Make a training case",
        "form": form,
        "problems": problems,
    }
    status = 422 if request.method == "POST" else 200
    return TemplateResponse(request, "admin/cases/training_case.html", context, status=status)


def download_tree(request: HttpRequest, case: Case, *, allowed: bool) -> HttpResponse:
    """The newest snapshot's tree as a file; like opening the whole case, it is written into the audit trail."""
    if not allowed:
        raise PermissionDenied
    snapshot = case.snapshots.filter(redacted_at=None).order_by("-created_at", "-pk").first()
    if snapshot is None:
        return HttpResponse("This case has no snapshot to download.\n", status=404, content_type="text/plain")
    actions.record_case_viewed(case=case, by=request.user, snapshot=snapshot)
    response = HttpResponse(snapshot.content, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="case-{case.number}.json"'
    return response
