"""Who stopped, and a reminder for them at once."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone

from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from experiments.actions.reminding import remind_now
from experiments.admin_tools import may_in_study, show_refusal, study_or_404
from experiments.admin_views.monitoring import page_context, page_of
from experiments.exports.blinding import common_stages
from experiments.models import Experiment, ReminderRule
from experiments.monitoring.masking import reminders_tell
from experiments.monitoring.stalled import described
from experiments.monitoring.stalled import stalled as stalled_people

DAYS = 7
MOST_DAYS = 365


def stalled(request: HttpRequest, experiment_id: int) -> HttpResponse:
    experiment = study_or_404(request, experiment_id, Verb.VIEW_PROGRESS)
    may_remind = may_in_study(request, Verb.MANAGE_ENROLMENT, experiment)
    # Who waits for a later stage alone is in an arm that has one: only those who may know that see them here.
    stages = None if may_in_study(request, Verb.VIEW_ALLOCATION, experiment) else common_stages(experiment)
    if request.method == "POST":
        if not may_remind:
            raise PermissionDenied
        _remind(request, experiment, stages)
        return redirect(request.get_full_path())
    rule = ReminderRule.objects.filter(experiment=experiment).first()
    days, now = _days(request, rule), timezone.now()
    page = page_of(request, stalled_people(experiment, since=now - timedelta(days=days), now=now, stages=stages))
    context = {
        **page_context(request, experiment, "stalled"),
        "page": page,
        "rows": described(page.object_list, now=now, stages=stages),
        "days": days,
        "most_days": MOST_DAYS,
        "rule": rule,
        "may_remind": may_remind,
        "reminders_shown": not reminders_tell(experiment, stages),
        "runs": experiment.status == Experiment.Status.ACTIVE,
    }
    return TemplateResponse(request, "admin/experiments/monitoring/stalled.html", context)


def _remind(request: HttpRequest, experiment: Experiment, stages: int | None) -> None:
    chosen = [int(pk) for pk in request.POST.getlist("enrolment") if pk.isdecimal() and len(pk) < 19]
    if not chosen:
        messages.warning(request, "Nobody was chosen.")
        return
    try:
        done = remind_now(experiment=experiment, enrolments=chosen, by=request.user, stages=stages)
    except DomainError as error:
        show_refusal(request, error)
        return
    if done.sent:
        messages.success(request, f"Reminders on their way: {done.sent}.")
    if done.left_out:
        messages.warning(
            request,
            f"Not reminded: {done.left_out}. Nothing waits for them by now, they want no reminders, or they got one "
            "within the last day.",
        )


def _days(request: HttpRequest, rule: ReminderRule | None) -> int:
    """As asked for, else as long as the rule waits."""
    asked = request.GET.get("days", "")
    if asked.isdecimal() and len(asked) < 5:
        return min(max(int(asked), 0), MOST_DAYS)
    return rule.after_days if rule else DAYS
