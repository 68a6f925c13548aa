"""The pages that move a study on: activation with its check, amendment, pause, resumption, completion, archive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from experiments.actions import lifecycle
from experiments.actions.allocation_requests import is_being_drawn
from experiments.admin_tools import study_or_404
from experiments.admin_views.matrix import amendment_key, changed_columns
from experiments.design.disclosure_table import disclosure_table
from experiments.design.readiness import ActivationProblem, amendment_problems
from experiments.models import AttentionCheck, Experiment

STEPS: dict[str, tuple[str, Callable[..., Any], str]] = {
    "pause": ("Pause the study", lifecycle.pause, "Nobody can open or answer a review until it is resumed."),
    "resume": ("Resume the study", lifecycle.resume, "Participants go on; whoever joined meanwhile is drawn now."),
    "complete": ("Complete the study", lifecycle.complete, "What is not answered by now stays unanswered. Final."),
    "archive": ("Archive the study", lifecycle.archive, "The study is put away. Final."),
}
_FROM = {
    "pause": {Experiment.Status.ACTIVE},
    "resume": {Experiment.Status.PAUSED},
    "complete": {Experiment.Status.ACTIVE, Experiment.Status.PAUSED},
    "archive": {Experiment.Status.DRAFT, Experiment.Status.COMPLETED},
}


def possible_steps(experiment: Experiment) -> list[tuple[str, str]]:
    """The steps that this study can take now, with their titles."""
    return [(step, STEPS[step][0]) for step, statuses in _FROM.items() if experiment.status in statuses]


def activate(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """What stands against activation, what has to be confirmed, and the button."""
    experiment = study_or_404(request, experiment_id, Verb.CHANGE_STATUS)
    refusal = None
    if request.method == "POST":
        try:
            lifecycle.activate(
                experiment=experiment,
                by=request.user,
                reason=request.POST.get("reason", ""),
                confirmed=frozenset(request.POST.getlist("confirmed")),
            )
        except DomainError as error:
            refusal = error
        else:
            messages.success(request, f"{experiment.name} is active. Protocol version 1 is frozen.")
            _tell_of_draw(request, experiment)
            return redirect("admin:experiments_experiment_change", experiment.pk)
    context = {
        "title": "Activate the study",
        "words": "Activation freezes arms, stages, disclosure, questionnaires, attention check, case list and "
        "allocation as protocol version 1. Later changes are amendments.",
        "button": "Activate",
        **_attention_check(experiment),
        **_problems(lifecycle.activation_problems(experiment)),
    }
    return _page(request, experiment, context, refusal)


def amend(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """Publish the working design as the next protocol version."""
    experiment = study_or_404(request, experiment_id, Verb.CHANGE_DESIGN)
    refusal = None
    if request.method == "POST":
        key = amendment_key(experiment)
        try:
            protocol = lifecycle.amend(
                experiment=experiment,
                by=request.user,
                reason=request.POST.get("reason", ""),
                confirmed=frozenset(request.POST.getlist("confirmed")),
            )
        except DomainError as error:
            refusal = error
        else:
            request.session.pop(key, None)
            messages.success(request, f"Protocol version {protocol.number} is in force.")
            _tell_of_draw(request, experiment)
            return redirect("admin:experiments_experiment_change", experiment.pk)
    table = disclosure_table(experiment)
    context = {
        "title": "Publish an amendment",
        "words": "The working design becomes the next protocol version. It reaches only cases of which a participant "
        "has not opened any stage yet.",
        "button": "Publish the amendment",
        "needs_reason": True,
        "reason": request.session.get(amendment_key(experiment), ""),
        "changed_columns": changed_columns(table, experiment),
        "is_amendment": True,
        **_attention_check(experiment),
        **_problems([*lifecycle.activation_problems(experiment), *amendment_problems(experiment)]),
    }
    return _page(request, experiment, context, refusal)


def step(request: HttpRequest, experiment_id: int, name: str) -> HttpResponse:
    """Pause, resume, complete or archive, with a reason."""
    experiment = study_or_404(request, experiment_id, Verb.CHANGE_STATUS)
    if name not in STEPS:
        raise Http404
    title, action, words = STEPS[name]
    refusal = None
    if request.method == "POST":
        try:
            action(experiment=experiment, by=request.user, reason=request.POST.get("reason", ""))
        except DomainError as error:
            refusal = error
        else:
            messages.success(request, f"{experiment.name} is {experiment.get_status_display()}.")
            if name == "resume":
                _tell_of_draw(request, experiment)
            return redirect("admin:experiments_experiment_change", experiment.pk)
    context = {"title": title, "words": words, "button": title, "needs_reason": name != "resume"}
    if experiment.status not in _FROM[name]:
        context["impossible"] = f"The study is {experiment.get_status_display()}."
    return _page(request, experiment, context, refusal)


def _tell_of_draw(request: HttpRequest, experiment: Experiment) -> None:
    """Where it is much, it goes on after this page: nobody should wonder why readers have no cases yet."""
    if is_being_drawn(experiment):
        messages.info(
            request,
            "The cases of those who take part are being drawn. 'Draws that were asked for' below says when it is done.",
        )


def _attention_check(experiment: Experiment) -> dict[str, Any]:
    """The check that would be frozen, and how many of the listed cases would ask it."""
    check = AttentionCheck.objects.current(experiment)
    asked = experiment.study_cases.count() // check.every if check is not None and check.every else 0
    return {"shows_attention_check": True, "attention_check": check, "checks_asked": asked}


def _problems(found: list[ActivationProblem]) -> dict[str, Any]:
    confirmable: dict[str, list[str]] = {}
    for problem in found:
        if problem.confirmable:
            confirmable.setdefault(problem.code, []).append(problem.message)
    return {
        "checked": True,
        "blocking": [problem for problem in found if not problem.confirmable],
        "confirmable": confirmable,
    }


def _page(
    request: HttpRequest, experiment: Experiment, context: dict[str, Any], refusal: DomainError | None
) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "subtitle": experiment.name,
        "experiment": experiment,
        **context,
        "refusal": refusal,
        "reason": request.POST.get("reason", context.get("reason", "")),
        "confirmed": request.POST.getlist("confirmed"),
    }
    status = refusal.status_code if refusal else 200
    return TemplateResponse(request, "admin/experiments/step.html", context, status=status)
