"""Arms and their stages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.shortcuts import redirect

from augmed.foundation.permissions import Verb
from experiments.actions import design
from experiments.admin.inlines import StudyInline, only_questionnaire
from experiments.admin_tools import StudyAdmin, StudyReadOnlyAdmin
from experiments.models import Arm, Questionnaire, Stage

NARROW = {"name": 18, "reveal_cost_unit": 8}  # in characters: the table has nine columns


class StageForm(forms.ModelForm):
    """Rows are added by 'Add another' alone: one that was added is a stage, also as it began."""

    def has_changed(self) -> bool:
        return self.instance.pk is None or super().has_changed()

    def clean(self) -> dict[str, Any] | None:
        said = super().clean()
        if self.cleaned_data.get("reveal_cost") is not None and not self.cleaned_data.get("reveal_cost_unit"):
            self.add_error("reveal_cost_unit", "Of what? Readers are told the cost with its unit, for example points.")
        return said


class StageInline(StudyInline):
    model = Stage
    form = StageForm
    fields = (
        *("position", "name", "questionnaire", "not_before_days"),
        *("hidden_until_asked", "reveal_cost", "reveal_cost_unit", "discloses"),
    )
    readonly_fields = ("position", "discloses")
    view_verb = Verb.VIEW_ARM
    change_verb = Verb.CHANGE_DESIGN

    @admin.display(description="disclosure set")
    def discloses(self, obj: Stage) -> str:
        return str(obj.disclosure_set) if obj.disclosure_set_id else "nothing yet: see the disclosure matrix"

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        request.study_of_page = self.study(obj)  # type: ignore[attr-defined]
        return super().get_formset(request, obj, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name in NARROW:
            field.widget.attrs.update({"class": "", "size": NARROW[db_field.name]})
        elif db_field.name == "reveal_cost":
            field.widget.attrs["class"] = "vIntegerField"  # the admin's narrow one
        return field

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "questionnaire":
            study = getattr(request, "study_of_page", None)
            kwargs["queryset"] = Questionnaire.objects.filter(experiment=study)
            kwargs["initial"] = only_questionnaire(study)
        field: Any = super().formfield_for_foreignkey(db_field, request, **kwargs)
        field.widget.can_add_related = field.widget.can_change_related = field.widget.can_view_related = False
        return field


@admin.register(Arm)
class ArmAdmin(StudyAdmin):
    view_verb = Verb.VIEW_ARM
    change_verb = Verb.CHANGE_DESIGN
    list_display = ("name", "experiment", "key", "weight", "stage_count")
    list_select_related = ("experiment",)
    search_fields = ("name", "experiment__name")
    fields = ("experiment", "key", "name", "description", "weight", "position")
    readonly_fields = ("experiment", "key")
    inlines = (StageInline,)
    actions = ("copy",)
    change_form_template = "admin/experiments/arm_change_form.html"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).annotate(stage_total=models.Count("stages"))

    @admin.display(description="stages", ordering="stage_total")
    def stage_count(self, obj: Any) -> int:
        return obj.stage_total

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        over = obj is not None and obj.experiment.is_over
        return not over and super().has_change_permission(request, obj)

    @admin.action(description="Copy the chosen arms, with stages and disclosure", permissions=["change"])
    def copy(self, request: HttpRequest, queryset: Any) -> None:
        for arm in queryset.select_related("experiment"):
            if self.may(request, Verb.CHANGE_DESIGN, arm):
                made = design.copy_arm(arm=arm, name=_copy_name(arm), by=request.user)
                self.message_user(request, f"{made.name} has the stages and the disclosure of {arm.name}.")

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> Any:
        return redirect("admin:experiments_experiment_change", obj.experiment_id)  # where its next step is

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        fields = {name: form.cleaned_data[name] for name in form.changed_data if name in design.ARM_FIELDS}
        design.update_arm(arm=obj, by=request.user, **fields)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        for stage in sorted(formset.deleted_objects, key=lambda stage: -stage.position):
            design.remove_stage(stage=stage, by=request.user)
        for stage, fields in formset.changed_objects:
            design.update_stage(stage=stage, by=request.user, **{name: getattr(stage, name) for name in fields})
        for stage in formset.new_objects:
            fields = {name: getattr(stage, name) for name in design.STAGE_FIELDS}
            design.add_stage(arm=form.instance, by=request.user, **fields)


def _copy_name(arm: Arm) -> str:
    taken = set(arm.experiment.arms.values_list("name", flat=True))
    names = (f"{arm.name[:85]} (copy{f' {number}' if number > 1 else ''})" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


@admin.register(Stage)
class StageAdmin(StudyReadOnlyAdmin):
    """Stages are changed on the page of their arm; what they disclose, in the matrix."""

    experiment_path = "arm__experiment"
    view_verb = Verb.VIEW_ARM
    list_display = ("name", "arm", "position", "questionnaire", "not_before_days", "disclosure_set")
    list_select_related = ("arm__experiment", "questionnaire", "disclosure_set")
    fields = (
        *("arm", "position", "name", "questionnaire", "not_before_days"),
        *("hidden_until_asked", "reveal_cost", "reveal_cost_unit", "disclosure_set"),
    )

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False
