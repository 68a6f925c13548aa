"""What inlines of a study share: permission by verb in the parent's study, writes by actions of the parent's page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.text import capfirst

from augmed.foundation.permissions import Verb
from experiments.admin_tools import may_in_study
from experiments.models import Experiment, Questionnaire


def only_questionnaire(experiment: Experiment | None) -> Questionnaire | None:
    """The questionnaire of a study that has exactly one about its cases: a new stage begins with it."""
    if experiment is None:
        return None
    questionnaires = Questionnaire.objects.filter(experiment=experiment)
    found = [one for one in questionnaires[:3] if one.pk != experiment.intake_questionnaire_id]
    return found[0] if len(found) == 1 else None


class NamedFields(BaseInlineFormSet):
    """A table's inputs have no label of their own, and a screen reader does not read the column's heading for them."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for name, field in form.fields.items():
            widget = getattr(field.widget, "widget", field.widget)  # what the admin's links to related objects wrap
            if not widget.is_hidden:
                widget.attrs.setdefault("aria-label", capfirst(field.label or name.lower()))


class StudyInline(admin.TabularInline):
    """An inline whose rows belong to the study of the page's object."""

    view_verb: Verb = Verb.VIEW_EXPERIMENT
    change_verb: Verb | None = None
    extra = 0
    formset: type[Any] = NamedFields

    def study(self, obj: Any) -> Experiment | None:
        if isinstance(obj, Experiment):
            return obj if obj.pk else None
        found = getattr(obj, "experiment", None)
        return found if isinstance(found, Experiment) else None

    def may(self, request: HttpRequest, verb: Verb | None, obj: Any) -> bool:
        return verb is not None and may_in_study(request, verb, self.study(obj))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.view_verb, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.change_verb, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.change_verb, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.change_verb, obj)
