"""Pages that other packages bring along: schedules and failed log-ins. Administrators only, by this project's verbs."""

from __future__ import annotations

from typing import Any

from axes.admin import AccessAttemptAdmin
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.db import models
from django_celery_beat import admin as beat_admin
from django_celery_beat import models as beat
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from augmed.foundation.admin_tools import VerbAdmin
from augmed.foundation.permissions import Verb


def _restrict(model: type[models.Model], base: type[admin.ModelAdmin[Any]], **verbs: Verb) -> None:
    """Register the package's own page again, behind verbs."""
    if admin.site.is_registered(model):
        admin.site.unregister(model)
    restricted = type(f"Restricted{base.__name__}", (VerbAdmin, base), verbs)
    admin.site.register(model, restricted)


_SCHEDULES = {
    "view_verb": Verb.MANAGE_SCHEDULES,
    "add_verb": Verb.MANAGE_SCHEDULES,
    "change_verb": Verb.MANAGE_SCHEDULES,
    "delete_verb": Verb.MANAGE_SCHEDULES,
}
_restrict(beat.PeriodicTask, beat_admin.PeriodicTaskAdmin, **_SCHEDULES)
_restrict(beat.ClockedSchedule, beat_admin.ClockedScheduleAdmin, **_SCHEDULES)
_restrict(beat.CrontabSchedule, beat_admin.CrontabScheduleAdmin, **_SCHEDULES)
_restrict(beat.IntervalSchedule, beat_admin.IntervalScheduleAdmin, **_SCHEDULES)
_restrict(beat.SolarSchedule, beat_admin.SolarScheduleAdmin, **_SCHEDULES)

# The secrets of second factors are nobody's to see, administrators' least of all.
for _device in (TOTPDevice, StaticDevice):
    if admin.site.is_registered(_device):
        admin.site.unregister(_device)

# Failed attempts are counted here; deleting a row lets its client try again. The other two tables stay empty.
_restrict(AccessAttempt, AccessAttemptAdmin, view_verb=Verb.MANAGE_ACCOUNTS, delete_verb=Verb.MANAGE_ACCOUNTS)
for _model in (AccessLog, AccessFailureLog):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)
