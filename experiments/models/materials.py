from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from cases.models import Case
from experiments.models.experiment import Experiment


class TrainingCase(models.Model):
    """A case to practise on before the first real one. Its reading is a training enrolment's: in no count or export."""

    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="training_cases")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveIntegerField(default=1)
    feedback = models.TextField(blank=True, help_text="what readers are told after they have answered")

    class Meta:
        ordering = ["experiment", "position"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "case"], name="training_case_once"),
            models.UniqueConstraint(fields=["experiment", "position"], name="training_case_position_once"),
        ]

    def __str__(self) -> str:
        return f"Training: {self.case}"


class StudyTranslation(models.Model):
    """One text of a study in another language. Known by its source text, so a text that changes is missing again.

    The working design: activation and amendments copy the translations into the protocol's content."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="translations")
    language = models.CharField(max_length=10)
    source_sha256 = models.CharField(max_length=64)
    source = models.TextField()
    text = models.TextField()
    updated_at = models.DateTimeField(default=timezone.now)
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["experiment", "language", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "language", "source_sha256"], name="study_translation_once"),
        ]

    def __str__(self) -> str:
        return f"{self.language}: {self.source[:40]}"


class PreviewLinkQuerySet(models.QuerySet["PreviewLink"]):
    def usable(self) -> PreviewLinkQuerySet:
        return self.filter(revoked_at=None, expires_at__gt=timezone.now())


class PreviewLink(models.Model):
    """A link that shows a study's screens with made-up cases to whoever holds it, without an account; it writes
    nothing. Only a hash of the secret is stored."""

    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="preview_links")
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    label = models.CharField(max_length=100, help_text="For whom it is, for example: ethics board.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    expires_at = models.DateTimeField()
    protocol = models.ForeignKey(
        "experiments.ProtocolVersion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="What it shows; without one the working design.",
    )
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = PreviewLinkQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=models.F("created_at")), name="preview_link_expires_after_it_was_made"
            ),
        ]

    def __str__(self) -> str:
        return self.label


class ReminderRule(models.Model):
    """When participants of a study who have cases left are reminded by e-mail. Without a row nobody is."""

    experiment = models.OneToOneField(Experiment, on_delete=models.PROTECT, primary_key=True, related_name="reminding")
    is_on = models.BooleanField("on", default=True)
    after_days = models.PositiveIntegerField(
        default=7, validators=[MinValueValidator(1), MaxValueValidator(365)], help_text="without any activity"
    )
    every_days = models.PositiveIntegerField(
        default=7, validators=[MinValueValidator(1), MaxValueValidator(365)], help_text="between two reminders"
    )
    most = models.PositiveIntegerField(
        default=3, validators=[MinValueValidator(1), MaxValueValidator(20)], help_text="reminders to one participant"
    )
    quiet_from = models.TimeField(default="18:00", help_text="from then on none is sent")
    quiet_until = models.TimeField(default="08:00")
    on_weekends = models.BooleanField(default=False)
    timezone = models.CharField(max_length=64, default="UTC", help_text="of the quiet hours, for example Europe/Berlin")

    def __str__(self) -> str:
        return f"Reminders of {self.experiment_id}"
