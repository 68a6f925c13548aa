"""Previews of a study, for its staff: begin one, go on with it, begin it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET, require_POST

from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from cases.models import Case
from experiments.actions import previews as actions
from experiments.admin_tools import may_in_study, show_refusal, study_or_404
from experiments.models import Enrolment, Experiment
from experiments.reviewing.previewing import next_of_preview, own_previews, shown_as

MOST_LISTED = 20
MOST_PEOPLE = 500


@dataclass(frozen=True)
class Row:
    preview: Enrolment
    shows: str
    is_done: bool


@require_GET
def previews(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """The forms that begin a preview, and one's own previews of the study."""
    experiment = study_or_404(request, experiment_id, Verb.VIEW_ARM)
    may_as_participant = may_in_study(request, Verb.VIEW_ALLOCATION, experiment)
    people = Enrolment.objects.real().filter(experiment=experiment).order_by("arrival")
    context = {
        **admin.site.each_context(request),
        "title": "Previews",
        "subtitle": experiment.name,
        "experiment": experiment,
        "arms": list(experiment.arms.all()),
        "cases": list(experiment.study_cases.select_related("case").order_by("position")),
        "most_cases": actions.MOST_CASES,
        "case_asked": request.GET.get("case", ""),
        "participant_asked": request.GET.get("participant", ""),
        "may_as_participant": may_as_participant,
        "people": list(people.values_list("pseudonym", flat=True)[:MOST_PEOPLE]) if may_as_participant else [],
        "may_share": may_in_study(request, Verb.CHANGE_DESIGN, experiment),
        "rows": _rows(request.user, experiment, may_as_participant),
    }
    return TemplateResponse(request, "admin/experiments/previews.html", context)


@require_POST
def as_arm(request: HttpRequest, experiment_id: int) -> HttpResponse:
    experiment = study_or_404(request, experiment_id, Verb.VIEW_ARM)
    arm = experiment.arms.filter(key=request.POST.get("arm", "")).first()
    if arm is None:
        raise Http404
    number = request.POST.get("case", "")
    cases = list(Case.objects.filter(number=_number(number))) if number else None
    working = "working" in request.POST
    return _begun(
        request,
        experiment,
        lambda by: actions.preview_as_arm(experiment=experiment, arm=arm, cases=cases, working_design=working, by=by),
    )


@require_POST
def as_participant(request: HttpRequest, experiment_id: int) -> HttpResponse:
    experiment = study_or_404(request, experiment_id, Verb.VIEW_ALLOCATION)
    pseudonym = request.POST.get("participant", "").strip()
    enrolment = Enrolment.objects.real().filter(experiment=experiment, pseudonym__iexact=pseudonym).first()
    if enrolment is None:
        messages.error(request, f"Nobody in this study is {pseudonym or 'named so'}.")
        return redirect("admin:experiments_experiment_previews", experiment.pk)
    return _begun(request, experiment, lambda by: actions.preview_as_participant(enrolment=enrolment, by=by))


@require_POST
def again(request: HttpRequest, experiment_id: int, preview_id: int) -> HttpResponse:
    """One's own preview from its beginning."""
    experiment, preview = _own(request, experiment_id, preview_id)
    return _begun(request, experiment, lambda by: actions.preview_again(preview=preview, by=by))


@require_GET
def go_on(request: HttpRequest, experiment_id: int, preview_id: int) -> HttpResponse:
    """To the next case of one's own preview."""
    experiment, preview = _own(request, experiment_id, preview_id)
    return _to_next(experiment, preview)


def _number(text: str) -> int:
    """0, which no case has, where the text is no number."""
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _own(request: HttpRequest, experiment_id: int, preview_id: int) -> tuple[Experiment, Enrolment]:
    experiment = study_or_404(request, experiment_id, Verb.VIEW_ARM)
    preview = own_previews(request.user, experiment).filter(pk=preview_id).first()
    if preview is None:
        raise Http404
    if preview.preview_of_id is not None:
        study_or_404(request, experiment_id, Verb.VIEW_ALLOCATION)
    return experiment, preview


def _begun(request: HttpRequest, experiment: Experiment, begin: Callable[[Any], Enrolment]) -> HttpResponse:
    try:
        preview = begin(request.user)
    except DomainError as error:
        show_refusal(request, error)
        return redirect("admin:experiments_experiment_previews", experiment.pk)
    return _to_next(experiment, preview)


def _to_next(experiment: Experiment, preview: Enrolment) -> HttpResponse:
    review = next_of_preview(preview.pk)
    if review is None:
        return redirect("admin:experiments_experiment_previews", experiment.pk)
    return redirect("review", review)


def _rows(user: Any, experiment: Experiment, may_as_participant: bool) -> list[Row]:
    """The newest; those as a participant only for who may see the allocation. Two queries."""
    found = own_previews(user, experiment)
    if not may_as_participant:
        found = found.filter(preview_of=None)
    listed = list(found[:MOST_LISTED])
    shown = shown_as([preview.pk for preview in listed])
    return [
        Row(
            preview,
            f"as {preview.preview_of}" if preview.preview_of else f"as arm “{shown.get(preview.pk, 'removed')}”",
            preview.answered == preview.reviews,  # type: ignore[attr-defined]  # annotated
        )
        for preview in listed
    ]
