from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from augmed.foundation.permissions import Verb
from omop.fields import LocalDateTimeField


class CaseQuerySet(models.QuerySet["Case"]):
    def visible_to(self, user: Any) -> CaseQuerySet:
        """Whole cases, undisclosed parts included. Study staff reach the cases of their studies by
        `experiments` (`Case.objects.in_studies_of(user)` is there, as cases know nothing of studies)."""
        return self if user.may(Verb.VIEW_CASES) else self.none()


class Case(models.Model):
    """Something to review: usually an OMOP visit up to its index time. Made by `cases.actions.put_forward`."""

    class Kind(models.TextChoices):
        CLINICAL = "clinical", "clinical"
        TRAINING = "training", "training (made by hand)"

    number = models.BigIntegerField(unique=True, help_text="the number people see")
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.CLINICAL)
    source_label = models.CharField(max_length=200, blank=True, help_text="where it comes from, for staff")
    visit_occurrence_id = models.BigIntegerField(null=True, blank=True, unique=True)
    person_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    index_at = LocalDateTimeField(
        null=True,
        blank=True,
        help_text="local time up to which the case is known; nothing later enters a snapshot",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = CaseQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.CheckConstraint(
                condition=Q(visit_occurrence_id=None) | Q(person_id__isnull=False, index_at__isnull=False),
                name="case_of_a_visit_has_person_and_index_time",
            ),
        ]

    def __str__(self) -> str:
        return f"Case {self.number}"
