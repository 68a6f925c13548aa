from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from augmed.foundation.models import Job
from cases.models import Case
from experiments.models.design import Arm, DisclosureSet, ProtocolVersion
from experiments.models.enrolment import Enrolment
from experiments.models.experiment import Experiment


class AllocationRequest(models.Model):
    """That somebody asked for a draw, which a job carries out: how it went is the job's to say. Append-only."""

    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="allocation_requests")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="+")
    triggered_by = models.CharField(max_length=50, default="manual")
    parameters = models.TextField(blank=True, help_text="canonical JSON of what the asker sent along; never decides")
    answers_before = models.PositiveIntegerField(help_text="answers given in the study when it was asked for")
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Request {self.pk}"


class AllocationRun(models.Model):
    """One draw, with everything needed to draw it again. Append-only; cancelling is an event."""

    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="allocation_runs")
    protocol = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="allocation_runs")
    rule = models.CharField(max_length=32)
    rule_version = models.PositiveIntegerField()
    seed = models.CharField(max_length=64)
    inputs = models.TextField(help_text="canonical JSON: arrivals, strata, case list, block multiples, case order")
    weights = models.TextField(help_text="canonical JSON: [[arm key, weight], …]")
    posterior = models.TextField(blank=True, help_text="canonical JSON; adaptive rules only")
    assignment_count = models.PositiveIntegerField()
    request = models.ForeignKey(AllocationRequest, on_delete=models.PROTECT, null=True, blank=True, related_name="runs")
    triggered_by = models.CharField(max_length=50, default="joining")
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Draw {self.pk}"


class AllocationRunEvent(models.Model):
    """What happened to a run after it was drawn. Append-only."""

    class Kind(models.TextChoices):
        CANCELLED = "cancelled", "cancelled"

    run = models.ForeignKey(AllocationRun, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    reason = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    def __str__(self) -> str:
        return self.kind


class Assignment(models.Model):
    """That an enrolment is to read a case, in which arm, and who or what drew it. Append-only."""

    class DrawnBy(models.TextChoices):
        RULE = "rule", "allocation rule"
        CSV = "csv", "display-config CSV"
        STAFF = "staff", "staff"
        AUGMED = "augmed", "AugMed, before the study moved here"

    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT, related_name="assignments")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="assignments")
    arm = models.ForeignKey(Arm, on_delete=models.PROTECT, null=True, blank=True, related_name="assignments")
    period = models.PositiveIntegerField(default=1)
    replicate = models.PositiveIntegerField(default=1)
    position = models.PositiveIntegerField()
    available_from = models.DateTimeField(null=True, blank=True)
    drawn_by = models.CharField(max_length=8, choices=DrawnBy.choices)
    run = models.ForeignKey(AllocationRun, on_delete=models.PROTECT, null=True, blank=True, related_name="assignments")
    marginal_probability = models.FloatField(null=True, blank=True, help_text="of this arm, before any draw")
    conditional_probability = models.FloatField(null=True, blank=True, help_text="given the block's earlier draws")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["enrolment", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["enrolment", "case", "period", "replicate"], name="assignment_once_per_case"
            ),
            models.UniqueConstraint(
                fields=["enrolment", "position"],
                name="assignment_position_once",  # serves "the next review of an enrolment" in its order
            ),
            models.CheckConstraint(
                condition=Q(drawn_by="rule", run__isnull=False, arm__isnull=False)
                | (~Q(drawn_by="rule") & Q(run=None, marginal_probability=None)),
                name="a_drawn_assignment_names_its_draw",
            ),
            models.CheckConstraint(
                condition=~Q(drawn_by="augmed") | Q(arm=None, conditional_probability=None),
                name="what_came_from_augmed_has_no_arm",
            ),
        ]

    def __str__(self) -> str:
        return f"Assignment {self.pk}"


class AssignmentDisclosure(models.Model):
    """What an assignment that came by CSV discloses, by stage. Append-only; the newest row before the first opening
    counts, so that an upsert replaces nothing that was seen."""

    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="disclosures")
    stage_position = models.PositiveIntegerField(default=1)
    disclosure_set = models.ForeignKey(DisclosureSet, on_delete=models.PROTECT, related_name="+")
    policy = models.CharField(max_length=100, blank=True, help_text="the CSV's Policy column")
    paths = models.TextField(
        blank=True, help_text="the CSV's own words: canonical JSON of path and style, in file order"
    )
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["assignment", "stage_position", "-pk"]
        indexes = [models.Index(fields=["assignment", "stage_position", "-id"], name="newest_assignment_disclosure")]

    def __str__(self) -> str:
        return f"Disclosure of assignment {self.assignment_id}"
