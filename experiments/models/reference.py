from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from cases.models import Case
from experiments.models.experiment import Experiment


class AdjudicatorReading(models.Model):
    """What one adjudicator holds to be true of a case. Append-only."""

    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="+")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="+")
    question_key = models.CharField(max_length=80)
    adjudicator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    value = models.TextField(help_text="canonical JSON")
    certainty = models.PositiveSmallIntegerField(null=True, blank=True, help_text="percent")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Reading {self.pk}"


class ReferenceStandardQuerySet(models.QuerySet["ReferenceStandard"]):
    def current(self) -> ReferenceStandardQuerySet:
        """The highest version of each (experiment, case, question key)."""
        later = ReferenceStandard.objects.filter(
            experiment=models.OuterRef("experiment"),
            case=models.OuterRef("case"),
            question_key=models.OuterRef("question_key"),
            version__gt=models.OuterRef("version"),
        )
        return self.filter(~models.Exists(later))


class ReferenceStandard(models.Model):
    """The accepted truth of a case and question key. Append-only; a correction is the next version. Never served to
    participants."""

    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="references")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="references")
    question_key = models.CharField(max_length=80)
    value = models.TextField(help_text="canonical JSON: an answer, or a distribution over answers")
    rule = models.CharField(max_length=500, help_text="how it was found, for example 'one reading' or the outcome rule")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    objects = ReferenceStandardQuerySet.as_manager()

    class Meta:
        ordering = ["experiment", "case", "question_key", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "case", "question_key", "version"], name="reference_version_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.question_key} v{self.version}"
