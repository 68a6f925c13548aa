"""The reference standard: set here or by import, corrected by a next version, never served to participants."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from augmed.foundation.permissions import Verb
from experiments.admin_tools import StudyReadOnlyAdmin
from experiments.models import AdjudicatorReading, ReferenceStandard


@admin.register(ReferenceStandard)
class ReferenceStandardAdmin(StudyReadOnlyAdmin):
    view_verb = Verb.VIEW_REFERENCE
    list_display = ("case", "question_key", "version", "value", "rule", "experiment", "created_at")
    list_select_related = ("case", "experiment")
    search_fields = ("question_key", "=case__number", "experiment__name")
    fields = ("experiment", "case", "question_key", "value", "rule", "version", "created_at", "created_by")


@admin.register(AdjudicatorReading)
class AdjudicatorReadingAdmin(StudyReadOnlyAdmin):
    view_verb = Verb.VIEW_REFERENCE
    list_display = ("case", "question_key", "value", "certainty", "adjudicator", "experiment", "created_at")
    list_select_related = ("case", "experiment", "adjudicator")
    fields = ("experiment", "case", "question_key", "value", "certainty", "adjudicator", "created_at")

    def get_queryset(self, request: Any) -> Any:
        """An adjudicator sees only their own readings, so that readings stay independent."""
        queryset = super().get_queryset(request)
        from experiments.models import Experiment

        outcome = Experiment.objects.where_may(request.user, Verb.VIEW_OUTCOME)
        return queryset.filter(experiment__in=outcome) | queryset.filter(adjudicator=request.user)
