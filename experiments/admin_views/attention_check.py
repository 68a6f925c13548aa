"""The attention check of a study: what is asked and when, and how each participant did."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from experiments.actions.attention_checks import CHECK_FIELDS, default_check, set_attention_check
from experiments.admin.fields import LineList
from experiments.admin_tools import add_refusal, may_in_study, study_or_404
from experiments.models import AttentionCheck, Enrolment, Experiment
from experiments.reviewing.attention_results import NOT_ASKED, results_by_enrolment

PER_PAGE = 100


class AttentionCheckForm(forms.Form):
    every = forms.IntegerField(
        required=False, min_value=1, help_text="Once in so many cases of a participant, at the first stage. Empty: off."
    )
    place = forms.IntegerField(
        required=False, min_value=1, help_text="Its place among the questions, from 1. Empty: after the last one."
    )
    text = forms.CharField(widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}))
    options = LineList(help_text="One a line, in order.")
    right_answer = forms.CharField(
        max_length=500, help_text="One of the options, word by word.", widget=forms.TextInput({"class": "vTextField"})
    )


def attention_check(request: HttpRequest, experiment_id: int) -> HttpResponse:
    experiment = study_or_404(request, experiment_id, Verb.VIEW_EXPERIMENT)
    may_change = not experiment.is_over and may_in_study(request, Verb.CHANGE_DESIGN, experiment)
    current = AttentionCheck.objects.current(experiment)
    form = AttentionCheckForm(initial=_initial(current, experiment))
    status = 200
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied
        form = AttentionCheckForm(request.POST)
        if _saved(request, experiment, form):
            return redirect(request.get_full_path())
        status = 422
    context = {
        **admin.site.each_context(request),
        "title": "Attention check",
        "subtitle": experiment.name,
        "experiment": experiment,
        "form": form,
        "current": current,
        "in_force": _in_force(experiment, current),
        "may_change": may_change,
        **_results(request, experiment),
    }
    return TemplateResponse(request, "admin/experiments/attention_check.html", context, status=status)


def _initial(check: AttentionCheck | None, experiment: Experiment) -> dict[str, Any]:
    if check is None:
        return {**default_check(experiment.languages[0]), "every": None}
    return {name: getattr(check, name) for name in CHECK_FIELDS}


def _saved(request: HttpRequest, experiment: Experiment, form: AttentionCheckForm) -> bool:
    """Whether the check was set; else the form says why not."""
    if not form.is_valid():
        return False
    try:
        check = set_attention_check(experiment=experiment, by=request.user, **form.cleaned_data)
    except DomainError as error:
        add_refusal(form, error)
        return False
    later = " It reaches participants with the next amendment." if experiment.protocol_id else ""
    messages.success(request, f"Version {check.number} of the attention check is set.{later}")
    return True


def _in_force(experiment: Experiment, current: AttentionCheck | None) -> AttentionCheck | None:
    """What reviews that are opened now ask: of a study by protocol, the check of its protocol version."""
    return experiment.protocol.attention_check if experiment.protocol else current


def _results(request: HttpRequest, experiment: Experiment) -> dict[str, Any]:
    if not may_in_study(request, Verb.VIEW_OUTCOME, experiment):
        return {}
    enrolments = (
        Enrolment.objects.real().filter(experiment=experiment).with_status_for(request.user).order_by("arrival")
    )
    page = Paginator(enrolments, PER_PAGE).get_page(request.GET.get("p"))
    found = results_by_enrolment(page.object_list)
    rows = [(one, Enrolment.Status(one.status_seen).label, found.get(one.pk, NOT_ASKED)) for one in page.object_list]
    return {"page": page, "rows": rows}
