"""The consent form of a study: its versions, and the next one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from experiments.actions.joining import current_document, publish_consent_document
from experiments.admin_tools import add_refusal, may_in_study, study_or_404
from experiments.models import ConsentDocument, Experiment
from experiments.screens.joining.blocks import text_blocks


class ConsentForm(forms.Form):
    title = forms.CharField(max_length=200, widget=forms.TextInput({"class": "vTextField"}))
    text = forms.CharField(
        max_length=100_000,
        widget=forms.Textarea({"rows": 24, "class": "vLargeTextField"}),
        help_text='A blank line begins a paragraph; a line that begins with "- " is an item of a list.',
    )


def consent_form(request: HttpRequest, experiment_id: int) -> HttpResponse:
    experiment = study_or_404(request, experiment_id, Verb.VIEW_EXPERIMENT)
    may_change = not experiment.is_over and may_in_study(request, Verb.CHANGE_DESIGN, experiment)
    current = current_document(experiment)
    form = ConsentForm(initial={"title": current.title, "text": current.text} if current else None)
    status = 200
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied
        form = ConsentForm(request.POST)
        if _published(request, experiment, form, current):
            return redirect(request.get_full_path())
        status = 422
    context = {
        **admin.site.each_context(request),
        "title": "Consent form",
        "subtitle": experiment.name,
        "experiment": experiment,
        "form": form,
        "current": current,
        "blocks": text_blocks(current.text) if current else [],
        "may_change": may_change,
        "versions": _versions(request, experiment),
    }
    return TemplateResponse(request, "admin/experiments/consent_form.html", context, status=status)


def _published(
    request: HttpRequest, experiment: Experiment, form: ConsentForm, current: ConsentDocument | None
) -> bool:
    """Whether there is a version now; else the form says why not."""
    if not form.is_valid():
        return False
    try:
        document = publish_consent_document(experiment=experiment, by=request.user, **form.cleaned_data)
    except DomainError as error:
        add_refusal(form, error)
        return False
    if current is not None and document.pk == current.pk:
        messages.info(request, "Nothing was changed.")
    else:
        messages.success(request, f"Version {document.number} is signed from now on.")
    return True


def _versions(request: HttpRequest, experiment: Experiment) -> list[Any]:
    """The newest first; how often each was signed, for those who follow the study's progress."""
    versions = ConsentDocument.objects.filter(experiment=experiment).select_related("created_by").order_by("-number")
    if may_in_study(request, Verb.VIEW_PROGRESS, experiment):
        versions = versions.annotate(signed=Count("signatures"))
    return list(versions)
