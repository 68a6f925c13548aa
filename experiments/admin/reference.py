"""The reference standard: set here or by import, corrected by a next version, never served to participants."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, path

from augmed.foundation.permissions import Verb
from cases.models import Case
from experiments.actions.references import accept_reading, record_reading, set_reference
from experiments.admin.study_filter import StudyFilter
from experiments.admin_tools import StudyAdmin
from experiments.admin_views import csv_imports
from experiments.models import AdjudicatorReading, Experiment, ReferenceStandard


class _ValueForm(forms.ModelForm):
    """Names a case by its number; a value that begins with [ or { is JSON."""

    experiment = forms.ModelChoiceField(Experiment.objects.none(), label="Study")
    case_number = forms.IntegerField(label="Case number")
    value = forms.CharField(
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text='the answer; several choices as JSON: ["a", "b"]',
    )

    def clean_value(self) -> Any:
        text = self.cleaned_data["value"].strip()
        if not text.startswith(("[", "{")):
            return text
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"This is not valid JSON: {error}") from error

    def clean_case_number(self) -> int:
        number = self.cleaned_data["case_number"]
        if not Case.objects.filter(number=number).exists():
            raise forms.ValidationError("There is no case of this number.")
        return number


class ReferenceForm(_ValueForm):
    class Meta:
        model = ReferenceStandard
        fields = ("experiment", "question_key", "rule")


class ReadingForm(_ValueForm):
    certainty = forms.IntegerField(required=False, min_value=0, max_value=100, help_text="percent; may be left out")

    class Meta:
        model = AdjudicatorReading
        fields = ("experiment", "question_key", "certainty")


class _ValueAdmin(StudyAdmin):
    view_verb = Verb.VIEW_REFERENCE
    add_form: type[_ValueForm]
    shown: tuple[str, ...]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None:
            return self.shown
        rest = ("rule",) if self.add_form is ReferenceForm else ("certainty",)
        return ("experiment", "case_number", "question_key", "value", *rest)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[Any]:
        if obj is not None:
            return super().get_form(request, obj, change=change, **kwargs)
        form = super().get_form(request, obj, change=change, **{**kwargs, "form": self.add_form})
        assert self.add_verb is not None
        form.base_fields["experiment"].queryset = Experiment.objects.where_may(request.user, self.add_verb)
        return form

    def given(self, form: Any) -> dict[str, Any]:
        fields = form.cleaned_data
        return {
            "experiment": fields["experiment"],
            "case": Case.objects.get(number=fields["case_number"]),
            "question_key": fields["question_key"],
            "value": fields["value"],
        }


@admin.register(ReferenceStandard)
class ReferenceStandardAdmin(_ValueAdmin):
    add_verb = Verb.CHANGE_DESIGN
    add_form = ReferenceForm
    change_list_template = "admin/experiments/reference_change_list.html"
    list_display = ("case", "question_key", "version", "value", "rule", "experiment", "created_at")
    list_select_related = ("case", "experiment")
    list_filter = (("experiment", StudyFilter),)
    search_fields = ("question_key", "=case__number", "experiment__name")
    shown = ("experiment", "case", "question_key", "value", "rule", "version", "created_at", "created_by")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(csv_imports.references)
        return [path("import/", view, name="experiments_referencestandard_import"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        made = set_reference(**self.given(form), rule=form.cleaned_data["rule"], by=request.user)
        obj.__dict__.update(made.__dict__)


@admin.register(AdjudicatorReading)
class AdjudicatorReadingAdmin(_ValueAdmin):
    add_verb = Verb.ADJUDICATE
    add_form = ReadingForm
    list_display = ("case", "question_key", "value", "certainty", "adjudicator", "experiment", "created_at")
    list_select_related = ("case", "experiment", "adjudicator")
    shown = ("experiment", "case", "question_key", "value", "certainty", "adjudicator", "created_at")
    actions = ("accept",)

    def get_queryset(self, request: HttpRequest) -> Any:
        """An adjudicator sees only their own readings, so that readings stay independent."""
        queryset = super().get_queryset(request)
        outcome = Experiment.objects.where_may(request.user, Verb.VIEW_OUTCOME)
        return queryset.filter(experiment__in=outcome) | queryset.filter(adjudicator=request.user)

    def has_accept_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, Verb.CHANGE_DESIGN, obj)

    @admin.action(description="Accept as the reference standard", permissions=["accept"])
    def accept(self, request: HttpRequest, queryset: Any) -> None:
        for reading in queryset.select_related("experiment", "case"):
            if self.may(request, Verb.CHANGE_DESIGN, reading):
                made = accept_reading(reading=reading, by=request.user)
                self.message_user(request, f"{reading.case}, {made} is the reference.")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        made = record_reading(**self.given(form), certainty=form.cleaned_data["certainty"], by=request.user)
        obj.__dict__.update(made.__dict__)
