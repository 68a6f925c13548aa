"""Draws that somebody asked for, on the page of their study."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from experiments.admin.inlines import StudyInline
from experiments.models import AllocationRequest

NEWEST = 20  # a nightly script asks for hundreds a year


class AllocationRequestInline(StudyInline):
    model = AllocationRequest
    fields = readonly_fields = ("created_at", "triggered_by", "created_by", "state", "drawn")
    verbose_name_plural = f"Draws that were asked for (the newest {NEWEST})"
    classes = ("collapse",)
    max_num = 0

    def get_queryset(self, request: HttpRequest) -> Any:
        study = request.resolver_match.kwargs.get("object_id") if request.resolver_match else None
        newest = AllocationRequest.objects.filter(experiment=study).order_by("-pk").values("pk")[:NEWEST]
        return super().get_queryset(request).filter(pk__in=newest).select_related("job", "created_by")

    @admin.display(description="state")
    def state(self, obj: AllocationRequest) -> str:
        return f"{obj.job.get_status_display()}: {obj.job.error}" if obj.job.error else obj.job.get_status_display()

    @admin.display(description="assignments drawn")
    def drawn(self, obj: AllocationRequest) -> Any:
        return obj.job.result.get("configs_generated", "-")
