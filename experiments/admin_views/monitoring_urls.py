"""The addresses of a running study's pages in the admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path

from experiments.admin_views import outcomes_by_arm, progress, progress_lists, reminders, stalled

_STUDY, _NAME = "<int:experiment_id>/progress/", "experiments_experiment"


def monitoring_urls(view: Callable[[Any], Any]) -> list[URLPattern]:
    """`view` wraps each as a page of the admin."""
    return [
        path(_STUDY, view(progress.progress), name=f"{_NAME}_progress"),
        path(f"{_STUDY}participants/", view(progress_lists.participants), name=f"{_NAME}_progress_participants"),
        path(f"{_STUDY}cases/", view(progress_lists.cases), name=f"{_NAME}_progress_cases"),
        path(f"{_STUDY}stalled/", view(stalled.stalled), name=f"{_NAME}_stalled"),
        path(f"{_STUDY}reminders/", view(reminders.reminders), name=f"{_NAME}_reminders"),
        path(f"{_STUDY}outcomes/", view(outcomes_by_arm.outcomes_by_arm), name=f"{_NAME}_outcomes_by_arm"),
    ]
