"""Small CSV imports into one study: consents given elsewhere, and the reference standard. All rows or none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from augmed.foundation.errors import DomainError, Invalid
from augmed.foundation.permissions import Verb
from experiments.actions.consents import import_consents
from experiments.actions.references import import_references
from experiments.admin_tools import may_in_study
from experiments.models import Experiment

LARGEST_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True)
class Import:
    """One import page: who may, what it calls, the columns it tells of, and how it says what it did."""

    title: str
    verb: Verb
    run: Callable[..., Any]
    columns: tuple[tuple[str, str], ...]
    said: Callable[[Any], str]
    back: str


CONSENTS = Import(
    title="Import consents given elsewhere",
    verb=Verb.MANAGE_ENROLMENT,
    run=import_consents,
    columns=(
        ("email", "the participant, who must be enrolled in the study"),
        ("at", "when it was given: 2026-01-31, or with a time"),
        ("document", "which version of which text; may be left out"),
        ("kind", "given or declined; may be left out: given"),
    ),
    said=lambda done: f"{done.recorded} recorded, {done.kept} there already.",
    back="admin:experiments_enrolment_changelist",
)
REFERENCES = Import(
    title="Import the reference standard",
    verb=Verb.CHANGE_DESIGN,
    run=import_references,
    columns=(
        ("case", "the case's number"),
        ("question", "the question's key"),
        ("value", "the true answer; several choices or a distribution as JSON"),
        ("rule", "how it was found; may be left out"),
    ),
    said=lambda done: f"{done.created} set, {done.kept} stood so already.",
    back="admin:experiments_referencestandard_changelist",
)


def consents(request: HttpRequest) -> HttpResponse:
    return _page(request, CONSENTS)


def references(request: HttpRequest) -> HttpResponse:
    return _page(request, REFERENCES)


def _page(request: HttpRequest, what: Import) -> HttpResponse:
    if not may_in_study(request, what.verb, None):
        raise PermissionDenied
    studies = Experiment.objects.where_may(request.user, what.verb)
    refusal = None
    if request.method == "POST":
        try:
            done = what.run(experiment=_study(request, studies), content=_content(request), by=request.user)
        except DomainError as error:
            refusal = error
        else:
            messages.success(request, what.said(done))
            return redirect(what.back)
    context = {
        **admin.site.each_context(request),
        "title": what.title,
        "what": what,
        "studies": studies,
        "chosen": request.POST.get("experiment", ""),
        "refusal": refusal,
    }
    status = refusal.status_code if refusal else 200
    return TemplateResponse(request, "admin/experiments/csv_import.html", context, status=status)


def _study(request: HttpRequest, studies: Any) -> Experiment:
    asked = request.POST.get("experiment", "")
    found = studies.filter(pk=int(asked)).first() if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    if found is None:
        raise Invalid("Choose a study.")
    return found


def _content(request: HttpRequest) -> bytes:
    file = request.FILES.get("file")
    if file is None or file.size is None:
        raise Invalid("Choose a file.")
    if file.size > LARGEST_BYTES:
        raise Invalid(f"The file is larger than {LARGEST_BYTES // 1024 // 1024} MB.")
    return file.read()
