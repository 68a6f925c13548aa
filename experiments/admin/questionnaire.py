"""Questionnaires: a version is written question by question; one in use is copied first."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from experiments.actions.questionnaires import copy_version, create_questionnaire, set_questions
from experiments.admin.fields import LineList
from experiments.admin.inlines import StudyInline
from experiments.admin.study_filter import StudyFilter
from experiments.admin_tools import StudyAdmin, StudyReadOnlyAdmin, show_refusal
from experiments.design.question_forms import QUESTION_FIELDS
from experiments.models import Experiment, Question, Questionnaire, QuestionnaireVersion


class QuestionForm(forms.ModelForm):
    order = forms.FloatField(required=False, widget=forms.NumberInput(attrs={"step": "any", "class": "vIntegerField"}))
    options = LineList(required=False, help_text="choices: one a line, in order")

    class Meta:
        model = Question
        fields = QUESTION_FIELDS
        help_texts = {
            "key": "a short name for the question, its column in exports, for example diagnosis: lower-case letters, "
            "digits, - and _"
        }
        widgets = {"text": forms.Textarea(attrs={"rows": 2}), "help": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["order"] = self.instance.position

    def to_mapping(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in QUESTION_FIELDS}


class QuestionInline(StudyInline, admin.StackedInline):
    model = Question
    form = QuestionForm
    template = "admin/edit_inline/stacked.html"
    change_verb = Verb.CHANGE_DESIGN
    readonly_fields = ("particulars",)
    fixed_fieldsets = ((None, {"fields": (("key", "type", "required"), "text", "particulars")}),)
    fieldsets = (
        (None, {"fields": (("order", "key", "type", "required"), "text", "help", "options")}),
        (
            "Bounds, labels and scoring",
            {
                "fields": (
                    ("minimum", "maximum", "decimals", "unit"),
                    ("low_label", "high_label"),
                    ("scoring", "tolerance"),
                ),
                "classes": ("collapse",),
            },
        ),
    )

    def study(self, obj: Any) -> Experiment | None:
        return obj.questionnaire.experiment if obj is not None and obj.pk else None

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not (obj is not None and obj.frozen_at) and super().has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fieldsets if self.has_change_permission(request, obj) else self.fixed_fieldsets

    @admin.display(description="particulars")
    def particulars(self, obj: Question) -> str:
        """What the question has beyond its words, one a line, without what it does not have."""
        shown = [*((f"{number}.", option) for number, option in enumerate(obj.options, start=1))]
        for name in ("help", "minimum", "maximum", "decimals", "unit", "low_label", "high_label", "tolerance"):
            value = getattr(obj, name)
            if value not in (None, ""):
                shown.append((f"{name.replace('_', ' ')}:", _plain(value)))
        shown.append(("scoring:", obj.get_scoring_display()))
        return format_html_join(mark_safe("<br>"), "{} {}", shown)

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 1 if obj is None else 0


def _plain(value: Any) -> str:
    """As one would write it: a stored 100.0000 is 100."""
    if not isinstance(value, Decimal):
        return str(value)
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _with_way_back(request: HttpRequest, version: QuestionnaireVersion, response: HttpResponse) -> HttpResponse:
    """The list or form that follows is of all questionnaires: the next step is on the study's page."""
    study = version.questionnaire.experiment
    address = reverse("admin:experiments_experiment_change", args=[study.pk])
    messages.info(request, format_html('<a href="{}">Back to the study {}</a>', address, study.name))
    return response


class NewQuestionnaireForm(forms.ModelForm):
    experiment = forms.ModelChoiceField(Experiment.objects.none(), label="Study")
    name = forms.CharField(max_length=200)

    class Meta:
        model = QuestionnaireVersion
        fields: tuple[str, ...] = ()


@admin.register(QuestionnaireVersion)
class QuestionnaireVersionAdmin(StudyAdmin):
    experiment_path = "questionnaire__experiment"
    view_verb = Verb.VIEW_EXPERIMENT
    add_verb = change_verb = Verb.CHANGE_DESIGN
    list_display = ("__str__", "study", "question_count", "state", "created_at")
    list_select_related = ("questionnaire__experiment",)
    list_filter = (("questionnaire__experiment", StudyFilter),)
    search_fields = ("questionnaire__name", "questionnaire__experiment__name")
    inlines = (QuestionInline,)
    change_form_template = "admin/experiments/questionnaire_change_form.html"
    actions = ("copy",)

    def get_queryset(self, request: HttpRequest) -> Any:
        queryset = super().get_queryset(request).select_related("questionnaire__experiment")
        return queryset.annotate(questions_total=models.Count("questions"))

    @admin.display(description="study")
    def study(self, obj: QuestionnaireVersion) -> str:
        return obj.questionnaire.experiment.name

    @admin.display(description="questions")
    def question_count(self, obj: Any) -> int:
        return obj.questions_total

    @admin.display(description="state")
    def state(self, obj: QuestionnaireVersion) -> str:
        return "in use: copy it to change it" if obj.frozen_at else "can be changed"

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[Any]:
        if obj is None:
            kwargs["form"] = NewQuestionnaireForm
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is None:
            studies = Experiment.objects.where_may(request.user, Verb.CHANGE_DESIGN).exclude(
                status__in=[Experiment.Status.COMPLETED, Experiment.Status.ARCHIVED]
            )
            form.base_fields["experiment"].queryset = studies
        return form

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("experiment", "name") if obj is None else self.get_readonly_fields(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("study", "questionnaire", "number", "state", "public_id", "created_at")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        return None  # a questionnaire and its questions are one write: save_formset

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
        if change and not formset.has_changed():
            return
        kept = [one for one in formset.forms if one not in formset.deleted_forms and (one.has_changed() or change)]
        kept = [one for one in kept if one.instance.pk or one.has_changed()]
        order = [(one.cleaned_data.get("order"), at) for at, one in enumerate(kept)]
        ranked = sorted(range(len(kept)), key=lambda at: (order[at][0] is None, order[at][0] or 0, at))
        questions = [kept[at].to_mapping() for at in ranked]
        if change:
            set_questions(version=form.instance, questions=questions, by=request.user)
            return
        fields = form.cleaned_data
        made = create_questionnaire(
            experiment=fields["experiment"], name=fields["name"], questions=questions, by=request.user
        )
        form.instance.__dict__.update(made.__dict__)

    def response_add(self, request: HttpRequest, obj: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        return _with_way_back(request, obj, super().response_add(request, obj, *args, **kwargs))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return _with_way_back(request, obj, super().response_change(request, obj))

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any) -> Any:
        if request.method == "POST" and object_id and "_copy" in request.POST:
            return self._copy_one(request, object_id)
        return super().changeform_view(request, object_id, *args, **kwargs)

    def _copy_one(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        version = self.get_object(request, object_id)
        if version is None or not self.may(request, Verb.CHANGE_DESIGN, version):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[return-value]
        try:
            version = copy_version(version=version, by=request.user)
        except DomainError as error:
            show_refusal(request, error)
        else:
            messages.success(request, f"{version} can be changed now.")
        return redirect("admin:experiments_questionnaireversion_change", version.pk)

    @admin.action(description="Copy as the next version", permissions=["change"])
    def copy(self, request: HttpRequest, queryset: Any) -> None:
        for version in queryset:
            if self.may(request, Verb.CHANGE_DESIGN, version):
                made = copy_version(version=version, by=request.user)
                self.message_user(request, f"{made} can be changed now.")


@admin.register(Questionnaire)
class QuestionnaireAdmin(StudyReadOnlyAdmin):
    view_verb = Verb.VIEW_EXPERIMENT
    list_display = ("name", "experiment", "newest")
    list_select_related = ("experiment",)
    search_fields = ("name", "experiment__name")
    fields = ("experiment", "name", "newest")
    readonly_fields = ("newest",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("versions")

    @admin.display(description="newest version")
    def newest(self, obj: Questionnaire) -> str:
        version = max(obj.versions.all(), key=lambda version: version.number, default=None)
        if version is None:
            return "-"
        address = reverse("admin:experiments_questionnaireversion_change", args=[version.pk])
        return format_html('<a href="{}">version {}</a>', address, version.number)
