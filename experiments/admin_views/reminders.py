"""The study's rule for reminders by e-mail."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone

from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from experiments.actions.reminders import rule_of, set_reminder_rule
from experiments.admin_tools import may_in_study, placed, study_or_404
from experiments.admin_views.monitoring import page_context
from experiments.models import Enrolment, Experiment, Reminder, ReminderRule
from experiments.monitoring.masking import of_any_arm, reminders_tell
from experiments.reminders.outbox import in_trouble, standing_of, waiting
from experiments.reminders.rules import is_quiet, next_moment
from experiments.reviewing.progress import seen_stages

MOST_TROUBLES = 50


class ReminderRuleForm(forms.ModelForm):
    class Meta:
        model = ReminderRule
        fields = (
            "is_on",
            "after_days",
            "every_days",
            "most",
            "quiet_from",
            "quiet_until",
            "on_weekends",
            "timezone",
        )
        labels = {
            "is_on": "Send reminders",
            "after_days": "After days",
            "every_days": "Again after days",
            "most": "At most",
            "on_weekends": "Also on weekends",
            "timezone": "Time zone",
        }
        widgets = {
            "quiet_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "quiet_until": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }


def reminders(request: HttpRequest, experiment_id: int) -> HttpResponse:
    experiment = study_or_404(request, experiment_id, Verb.VIEW_PROGRESS)
    may_change = not experiment.is_over and may_in_study(request, Verb.MANAGE_ENROLMENT, experiment)
    stored = ReminderRule.objects.filter(experiment=experiment).first()
    unset = {} if stored else {"is_on": False}  # nothing goes out before it is ticked and saved
    form, status = ReminderRuleForm(instance=stored, initial=unset), 200
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied
        form = ReminderRuleForm(request.POST, instance=stored)
        if _saved(request, experiment, form):
            return redirect(request.get_full_path())
        status = 422
        stored = ReminderRule.objects.filter(experiment=experiment).first()  # the form wrote into the other one
    context = {
        **page_context(request, experiment, "reminders"),
        "form": form,
        "rule": stored,
        "next_moment": _next_moment(stored),
        "may_change": may_change,
        "over": experiment.is_over,
        **_so_far(request, experiment),
    }
    return TemplateResponse(request, "admin/experiments/monitoring/reminders.html", context, status=status)


def _saved(request: HttpRequest, experiment: Experiment, form: ReminderRuleForm) -> bool:
    """Whether the rule was set; else the form says why not."""
    if not form.is_valid():
        return False
    try:
        set_reminder_rule(experiment=experiment, by=request.user, **form.cleaned_data)
    except DomainError as error:
        for field, texts in error.errors.items() or [("", [error.detail])]:
            for text in texts:
                known = field in form.fields
                form.add_error(field if known else None, text if known else placed(field, text))
        return False
    messages.success(request, "The rule is saved.")
    return True


def _next_moment(stored: ReminderRule | None) -> str:
    """From when on reminders can go out, in the rule's zone; "" where it is now."""
    if stored is None or not stored.is_on or not is_quiet(rule_of(stored), timezone.now()):
        return ""
    there = next_moment(rule_of(stored), timezone.now()).astimezone(ZoneInfo(stored.timezone))
    return f"{there:%A, %d %B, %H:%M}"


def _so_far(request: HttpRequest, experiment: Experiment) -> dict[str, Any]:
    """Five queries at most. Where reminders would tell the arm, there are no numbers of them, and no days."""
    stages = seen_stages(experiment, request.user)
    masked = reminders_tell(experiment, stages)
    real = Enrolment.objects.real().filter(experiment=experiment)
    reminders = Reminder.objects.filter(enrolment__in=real)
    troubled = in_trouble(reminders).select_related("enrolment__user")
    shown = of_any_arm(troubled, stages) if masked and stages is not None else troubled
    return {
        "sent": None if masked else reminders.count(),
        "waiting": None if masked else waiting(reminders).count(),
        "want_none": real.filter(reminders_off_at__isnull=False).count(),
        "troubles": [(one, standing_of(one).trouble) for one in shown[:MOST_TROUBLES]],
    }
