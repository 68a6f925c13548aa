"""Studies: the working design, the life cycle, and the way to every page of a study."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import URLPattern, path

from augmed.foundation.permissions import Verb
from cases.models import PageLayout
from experiments.actions import design
from experiments.admin.allocation_requests import AllocationRequestInline
from experiments.admin.fields import NumberList, WordList
from experiments.admin.inlines import StudyInline, only_questionnaire
from experiments.admin.joining import FIELDS as JOINING_FIELDS
from experiments.admin.joining import joining_urls, own_choices
from experiments.admin.study_links import study_links
from experiments.admin_tools import StudyAdmin, may_in_study
from experiments.admin_views import (
    attention_check,
    case_as_arms,
    case_list,
    display_configs,
    exports,
    languages,
    lifecycle,
    matrix,
)
from experiments.admin_views.monitoring_urls import monitoring_urls
from experiments.admin_views.preview_urls import preview_urls
from experiments.languages.missing import language_name
from experiments.models import Arm, Experiment, ExperimentTransition, ProtocolVersion, StudyCase


class ExperimentForm(forms.ModelForm):
    block_multiples = NumberList(
        help_text="Block sizes, as multiples of the sum of the arms' weights; separated by commas.", initial="1, 2"
    )
    strata = WordList(
        required=False, help_text="Names of the intake attributes that define the strata; separated by commas."
    )

    class Meta:
        model = Experiment
        fields = sorted(design.EXPERIMENT_FIELDS)


class NewExperimentForm(ExperimentForm):
    language = forms.ChoiceField(
        label="Written in",
        choices=[(code, language_name(code)) for code, _ in settings.LANGUAGES],
        help_text="The language of the study's own texts, in which its answers are stored too. The activation settles "
        "it; translations into others can be added at any time.",
    )


class ArmInline(StudyInline):
    model = Arm
    fields = ("position", "name", "weight", "description")
    view_verb = Verb.VIEW_ARM
    change_verb = Verb.CHANGE_DESIGN
    show_change_link = True
    verbose_name_plural = "Arms (their stages: 'Change')"

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "description":
            kwargs["widget"] = forms.TextInput(attrs={"class": "vTextField"})
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class StudyCaseInline(StudyInline):
    model = StudyCase
    fields = readonly_fields = ("position", "case")
    verbose_name_plural = "Cases (change them by 'Choose cases')"
    max_num = 0
    classes = ("collapse",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("case")


class TransitionInline(StudyInline):
    model = ExperimentTransition
    fields = readonly_fields = ("at", "from_status", "to_status", "reason", "by")
    verbose_name_plural = "Status, so far"
    max_num = 0

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("by")


class ProtocolInline(StudyInline):
    model = ProtocolVersion
    fields = readonly_fields = ("number", "layout_version", "reason", "created_at", "created_by")
    view_verb = Verb.VIEW_ARM
    verbose_name_plural = "Protocol versions"
    show_change_link = True
    max_num = 0

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("layout_version__layout", "created_by")


@admin.register(Experiment)
class ExperimentAdmin(StudyAdmin):
    experiment_path = ""
    view_verb = Verb.VIEW_EXPERIMENT
    change_verb = Verb.CHANGE_DESIGN
    form = ExperimentForm
    list_display = ("name", "code", "status", "kind", "layout", "created_at")
    list_filter = ("status",)
    list_select_related = ("layout",)
    search_fields = ("name", "code")
    date_hierarchy = None
    change_form_template = "admin/experiments/experiment_change_form.html"
    change_list_template = "admin/experiments/experiment_change_list.html"
    readonly_fields = ("code", "status", "kind", "created_at", "created_by")
    inlines = (ArmInline, StudyCaseInline, ProtocolInline, TransitionInline, AllocationRequestInline)
    fieldsets = (
        (None, {"fields": ("name", "code", "status", "description", "instructions", "layout")}),
        ("Allocation", {"fields": ("allocation_rule", "case_order", "block_multiples", "strata", "person_once")}),
        ("Participants", {"fields": JOINING_FIELDS}),
        ("Record", {"fields": ("kind", "created_at", "created_by"), "classes": ("collapse",)}),
    )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        user: Any = request.user
        return user.is_active and user.is_staff and user.may(Verb.CREATE_EXPERIMENT)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) or self.has_add_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Whoever may begin a study may open the (maybe empty) list to do so.
        return super().has_view_permission(request, obj) or (obj is None and self.has_add_permission(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        over = obj is not None and obj.is_over
        return not over and super().has_change_permission(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        seed = [("Seed", {"fields": ("seed",), "classes": ("collapse",)})]
        if obj is not None and may_in_study(request, Verb.VIEW_ALLOCATION, obj):
            return [*self.fieldsets, *seed]
        if obj is None:
            (_, named), *others = self.fieldsets
            kept = [name for name in named["fields"] if name not in self.readonly_fields]
            return [(None, {"fields": ("language", *kept)}), *(one for one in others if one[0] != "Record")]
        if may_in_study(request, Verb.CHANGE_DESIGN, obj):
            return self.fieldsets
        # As in the API: block sizes help those who enrol to guess the next arm. Nor do they learn the name of one.
        left_out = {"block_multiples"} | (set() if may_in_study(request, Verb.VIEW_ARM, obj) else {"training_arm"})
        return [
            (title, {**options, "fields": tuple(name for name in options["fields"] if name not in left_out)})
            for title, options in self.fieldsets
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.readonly_fields, "seed") if obj is not None else self.readonly_fields

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = ExperimentForm if obj is not None else NewExperimentForm
        return super().get_form(request, obj, change, **{"form": form, **kwargs})

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.inlines if obj is not None else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs |= own_choices(request, db_field.name)
        if db_field.name == "layout":
            kwargs["queryset"] = PageLayout.objects.visible_to(request.user)
            kwargs["initial"] = PageLayout.objects.default()
        field: Any = super().formfield_for_foreignkey(db_field, request, **kwargs)
        field.widget.can_add_related = field.widget.can_change_related = field.widget.can_view_related = False
        return field

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = "experiments_experiment"
        return [
            path("display-configs/", view(display_configs.upload), name="experiments_display_configs"),
            path("display-configs/preview/", view(display_configs.preview), name="experiments_display_configs_preview"),
            path("cases/<int:case_id>/as-arms/", view(case_as_arms.case_as_arms), name="experiments_case_as_arms"),
            path("<int:experiment_id>/matrix/", view(matrix.matrix), name=f"{name}_matrix"),
            path("<int:experiment_id>/matrix/begin/", view(matrix.begin), name=f"{name}_begin_amendment"),
            path("<int:experiment_id>/amend/", view(lifecycle.amend), name=f"{name}_amend"),
            path("<int:experiment_id>/activate/", view(lifecycle.activate), name=f"{name}_activate"),
            path("<int:experiment_id>/step/<str:name>/", view(lifecycle.step), name=f"{name}_step"),
            path("<int:experiment_id>/cases/", view(case_list.case_list), name=f"{name}_cases"),
            path(
                "<int:experiment_id>/attention-check/",
                view(attention_check.attention_check),
                name=f"{name}_attention_check",
            ),
            path("<int:experiment_id>/preview/", view(case_as_arms.preview), name=f"{name}_preview"),
            *preview_urls(view),
            *monitoring_urls(view),
            *joining_urls(view),
            *languages.urls(view),
            path("<int:experiment_id>/exports/", view(exports.exports), name=f"{name}_exports"),
            path("<int:experiment_id>/exports/<uuid:job_id>/", view(exports.download), name=f"{name}_export_file"),
            *super().get_urls(),
        ]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            fields = {name: form.cleaned_data[name] for name in form.changed_data if name in design.EXPERIMENT_FIELDS}
            design.update_experiment(experiment=obj, by=request.user, **fields)
            return
        fields = {name: value for name, value in form.cleaned_data.items() if name in design.EXPERIMENT_FIELDS}
        made = design.create_experiment(by=request.user, language=form.cleaned_data["language"], **fields)
        obj.__dict__.update(made.__dict__)
        request.__dict__.pop("_study_verbs", None)  # whoever made the study leads it from now on

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> Any:
        """To the study's own page, where arms, cases and all else are."""
        if "_addanother" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        self.message_user(request, f"{obj.name} is there, as a draft.")
        return redirect("admin:experiments_experiment_change", obj.pk)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        if formset.model is not Arm:
            return
        for arm in formset.deleted_objects:
            design.remove_arm(arm=arm, by=request.user)
        for arm, fields in formset.changed_objects:
            design.update_arm(arm=arm, by=request.user, **{name: getattr(arm, name) for name in fields})
        stage = {"questionnaire": only_questionnaire(form.instance)}
        for arm in formset.new_objects:
            design.add_arm(
                experiment=form.instance,
                name=arm.name,
                weight=arm.weight,
                description=arm.description,
                stages=[stage],
                by=request.user,
            )

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        obj = kwargs.get("obj")
        if obj is not None:
            context["study_links"] = study_links(request, obj)
        return super().render_change_form(request, context, *args, **kwargs)
