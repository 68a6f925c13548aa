"""The training cases of a study: which, in which order, and what their readers are told afterwards."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from cases.models import Case
from experiments.actions.training import LONGEST_FEEDBACK, MOST_CASES, TrainingEntry, set_training_cases
from experiments.admin_tools import may_in_study, placed, study_or_404
from experiments.models import Experiment

BLANK_ROWS = 2


class TrainingCaseForm(forms.Form):
    """One row; without a number it is none."""

    number = forms.IntegerField(
        label="Case number", required=False, widget=forms.NumberInput({"class": "vIntegerField"})
    )
    feedback = forms.CharField(
        label="Feedback, told after the answer",
        required=False,
        max_length=LONGEST_FEEDBACK,
        widget=forms.Textarea({"rows": 4, "class": "vLargeTextField"}),
    )


TrainingCaseFormSet = forms.formset_factory(
    TrainingCaseForm, extra=BLANK_ROWS, max_num=MOST_CASES, validate_max=True, can_order=True
)


def training_cases(request: HttpRequest, experiment_id: int) -> HttpResponse:
    experiment = study_or_404(request, experiment_id, Verb.VIEW_EXPERIMENT)
    has_arms = experiment.kind == Experiment.Kind.PROTOCOL
    may_change = has_arms and not experiment.is_over and may_in_study(request, Verb.CHANGE_DESIGN, experiment)
    listed = list(experiment.training_cases.select_related("case").order_by("position"))
    formset = TrainingCaseFormSet(initial=[{"number": one.case.number, "feedback": one.feedback} for one in listed])
    refusals: list[str] = []
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied
        formset = TrainingCaseFormSet(request.POST, initial=formset.initial)
        refusals = _refusals(request, experiment, formset)
        if not refusals and formset.is_valid():
            return redirect(request.get_full_path())
    context = {
        **admin.site.each_context(request),
        "title": "Training cases",
        "subtitle": experiment.name,
        "experiment": experiment,
        "formset": formset,
        "refusals": refusals,
        "listed": listed,
        "has_arms": has_arms,
        "may_change": may_change,
    }
    status = 422 if request.method == "POST" else 200
    return TemplateResponse(request, "admin/experiments/training_cases.html", context, status=status)


def _refusals(request: HttpRequest, experiment: Experiment, formset: Any) -> list[str]:
    """What stands against the rows as they were sent; nothing when they are stored, or a row says it itself."""
    if not formset.is_valid():
        return list(formset.non_form_errors())
    rows = [form.cleaned_data for form in formset.ordered_forms if form.cleaned_data.get("number") is not None]
    found = {case.number: case for case in Case.objects.visible_to(request.user).filter(number__in=_numbers(rows))}
    if missing := [str(number) for number in _numbers(rows) if number not in found]:
        return [f"There is no case {', '.join(missing)}. Put the visit forward for review first."]
    entries = [TrainingEntry(found[row["number"]], row["feedback"]) for row in rows]
    try:
        made = set_training_cases(experiment=experiment, entries=entries, by=request.user)
    except DomainError as error:
        said = [placed("", text) for texts in error.errors.values() for text in texts]
        return list(dict.fromkeys([error.detail, *said]))
    messages.success(request, f"The study has {len(made)} training case{'' if len(made) == 1 else 's'}.")
    return []


def _numbers(rows: list[dict[str, Any]]) -> list[int]:
    return [row["number"] for row in rows]
