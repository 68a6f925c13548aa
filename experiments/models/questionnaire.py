from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from cases.models.layout import key_validator
from experiments.models.experiment import Experiment


class Questionnaire(models.Model):
    """What participants are asked. Its questions are in versions."""

    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="questionnaires")
    name = models.CharField(max_length=200)

    class Meta:
        ordering = ["experiment", "name"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "name"], name="questionnaire_name_once"),
        ]

    def __str__(self) -> str:
        return self.name

    def current(self) -> QuestionnaireVersion | None:
        """The newest version (one query)."""
        return self.versions.order_by("-number").first()


class QuestionnaireVersion(models.Model):
    """One state of a questionnaire. Frozen by activation or by its first use; then it can only be copied."""

    public_id = models.UUIDField(unique=True, editable=False)
    questionnaire = models.ForeignKey(Questionnaire, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    frozen_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["questionnaire", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["questionnaire", "number"], name="questionnaire_version_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.questionnaire.name} v{self.number}"


class Question(models.Model):
    """One question. `key` stays the same across versions and stages, whatever its words become."""

    class Type(models.TextChoices):
        SHORT_TEXT = "short_text", "short text"
        PARAGRAPH = "paragraph", "paragraph"
        SINGLE_CHOICE = "single_choice", "single choice"
        MULTIPLE_CHOICE = "multiple_choice", "multiple choice"
        NUMBER = "number", "number"
        SCALE = "scale", "scale with labelled ends"
        PROBABILITY = "probability", "probability (0 to 100 %)"
        DATE = "date", "date"

    class Scoring(models.TextChoices):
        NONE = "none", "not scored"
        EXACT = "exact", "exactly the reference"
        SET = "set", "the same set of choices"
        TOLERANCE = "tolerance", "within a tolerance of the reference"
        BRIER = "brier", "Brier score of a probability"

    version = models.ForeignKey(QuestionnaireVersion, on_delete=models.PROTECT, related_name="questions")
    position = models.PositiveIntegerField(default=1)
    key = models.CharField(max_length=80, validators=[key_validator])
    type = models.CharField(max_length=20, choices=Type.choices)
    text = models.TextField()
    help = models.TextField(blank=True)
    required = models.BooleanField(default=True)
    options = models.JSONField(default=list, blank=True, help_text="the choices, in order")
    minimum = models.DecimalField(max_digits=12, decimal_places=4, null=True, blank=True)
    maximum = models.DecimalField(max_digits=12, decimal_places=4, null=True, blank=True)
    decimals = models.PositiveSmallIntegerField(null=True, blank=True, help_text="0 for whole numbers; empty: any")
    unit = models.CharField(max_length=50, blank=True)
    low_label = models.CharField(max_length=200, blank=True)
    high_label = models.CharField(max_length=200, blank=True)
    scoring = models.CharField(max_length=16, choices=Scoring.choices, default=Scoring.NONE)
    tolerance = models.DecimalField(max_digits=12, decimal_places=4, null=True, blank=True)

    class Meta:
        ordering = ["version", "position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="question_key_once"),
            models.UniqueConstraint(fields=["version", "position"], name="question_position_once"),
            models.CheckConstraint(
                condition=Q(minimum=None) | Q(maximum=None) | Q(minimum__lte=models.F("maximum")),
                name="question_bounds_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.key
