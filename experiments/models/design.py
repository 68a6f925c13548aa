from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from cases.models import Case, LayoutVersion
from cases.models.layout import key_validator
from experiments.models.experiment import Experiment


class DisclosureSet(models.Model):
    """Which features are shown, how, and which values are supplied: a complete, resolved allow list (cases.disclosure).

    Immutable and content-addressed; nothing is added to it when a case is served. A set that supplies values belongs
    to one case."""

    sha256 = models.CharField(max_length=64)
    content = models.TextField(help_text="canonical JSON")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["sha256"], condition=models.Q(case=None), name="disclosure_set_once_for_all_cases"
            ),
            models.UniqueConstraint(
                fields=["sha256", "case"],
                condition=models.Q(case__isnull=False),
                name="disclosure_set_once_per_case",
            ),
        ]

    def __str__(self) -> str:
        return self.sha256[:12]


class Arm(models.Model):
    """A named condition of a study, with one or more stages."""

    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="arms")
    position = models.PositiveIntegerField(default=1)
    key = models.CharField(max_length=80, validators=[key_validator])
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    weight = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])

    class Meta:
        ordering = ["experiment", "position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "key"], name="arm_key_once"),
            models.UniqueConstraint(fields=["experiment", "name"], name="arm_name_once"),
            models.CheckConstraint(condition=models.Q(weight__gte=1), name="arm_weight_positive"),
        ]

    def __str__(self) -> str:
        return self.name


class Hiding(models.Model):
    """Whether a stage hides what it discloses until it is asked for."""

    hidden_until_asked = models.BooleanField(
        default=False, help_text="what is not pinned starts hidden, and each feature is asked for by a click"
    )
    reveal_cost = models.DecimalField(
        max_digits=8,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="of asking for one feature; empty: none",
    )
    reveal_cost_unit = models.CharField(max_length=40, blank=True, help_text="of the cost, for example points or €")

    class Meta:
        abstract = True


class Stage(Hiding):
    """A step of an arm: what it discloses, what it asks, and when it opens. The working design, frozen by activation.

    `cells` is the disclosure matrix's own memory: a list of {node, discriminator or null, shown, collapse, highlight,
    top}. `disclosure_set` is what they resolve to, made anew at each save."""

    arm = models.ForeignKey(Arm, on_delete=models.CASCADE, related_name="stages")
    position = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=100, default="Review")
    questionnaire = models.ForeignKey(
        "experiments.Questionnaire", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    not_before_days = models.PositiveIntegerField(default=0, help_text="days after the stage before; 0: at once")
    cells = models.JSONField(default=list, blank=True, editable=False)
    disclosure_set = models.ForeignKey(
        DisclosureSet, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )

    class Meta:
        ordering = ["arm", "position"]
        constraints = [
            models.UniqueConstraint(fields=["arm", "position"], name="stage_position_once"),
            models.CheckConstraint(condition=models.Q(position__gte=1), name="stage_position_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.arm.name}, stage {self.position}"


class StudyCase(models.Model):
    """A case in a study's case list."""

    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="study_cases")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="study_cases")
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ["experiment", "position"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "case"], name="study_case_once"),
            models.UniqueConstraint(fields=["experiment", "position"], name="study_case_position_once"),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.case}"


class ProtocolVersion(models.Model):
    """What activation, or an amendment, froze. Append-only. `content` is canonical JSON of everything that rules the
    study: arms, stages, sets, questionnaires, allocation rule, case list."""

    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="protocol_versions")
    number = models.PositiveIntegerField()
    layout_version = models.ForeignKey(LayoutVersion, on_delete=models.PROTECT, related_name="+")
    content = models.TextField()
    sha256 = models.CharField(max_length=64)
    attention_check = models.ForeignKey(
        "experiments.AttentionCheck", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    intake_version = models.ForeignKey(
        "experiments.QuestionnaireVersion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="protocols_asking_readers",
        help_text="what is asked about the reader",
    )
    instructions = models.TextField(  # noqa: DJ001  empty and unknown are two things
        null=True, blank=True, help_text="empty: none; unknown: frozen before protocols kept them"
    )
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["experiment", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "number"], name="protocol_version_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.experiment.name}, protocol {self.number}"


class ProtocolStage(Hiding):
    """A stage as a protocol version froze it. Append-only."""

    protocol = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="stages")
    arm = models.ForeignKey(Arm, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    disclosure_set = models.ForeignKey(DisclosureSet, on_delete=models.PROTECT, related_name="+")
    questionnaire_version = models.ForeignKey(
        "experiments.QuestionnaireVersion", on_delete=models.PROTECT, related_name="+"
    )
    not_before_days = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["protocol", "arm", "position"]
        constraints = [
            models.UniqueConstraint(fields=["protocol", "arm", "position"], name="protocol_stage_once"),
        ]

    def __str__(self) -> str:
        return self.name
