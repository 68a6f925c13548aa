from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from augmed.foundation.permissions import Verb
from experiments.models.experiment import Experiment


class StudyRoleQuerySet(models.QuerySet["StudyRole"]):
    def visible_to(self, user: Any) -> StudyRoleQuerySet:
        return self.filter(experiment__in=Experiment.objects.where_may(user, Verb.MANAGE_STUDY_ROLES))


class StudyRole(models.Model):
    """What a person may do in one study; see experiments.roles for the verbs of each role."""

    class Role(models.TextChoices):
        LEAD = "lead", "lead"
        COORDINATOR = "coordinator", "coordinator"
        BLINDED_ANALYST = "blinded_analyst", "blinded analyst"
        UNBLINDED_ANALYST = "unblinded_analyst", "unblinded analyst"
        ADJUDICATOR = "adjudicator", "adjudicator"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="study_roles")
    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="study_roles")
    role = models.CharField(max_length=32, choices=Role.choices)
    granted_at = models.DateTimeField(default=timezone.now, editable=False)
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    objects = StudyRoleQuerySet.as_manager()

    class Meta:
        ordering = ["experiment", "role", "user"]
        constraints = [
            models.UniqueConstraint(fields=["user", "experiment", "role"], name="study_role_once"),
        ]

    def __str__(self) -> str:
        return self.get_role_display()
