from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from augmed.foundation.permissions import Verb
from cases.models import PageLayout


def new_code() -> str:
    return f"exp-{secrets.token_hex(6)}"


def new_seed() -> str:
    return secrets.token_hex(32)


def default_block_multiples() -> list[int]:
    return [1, 2]


def default_languages() -> list[str]:
    return ["en"]


class ExperimentQuerySet(models.QuerySet["Experiment"]):
    def visible_to(self, user: Any) -> ExperimentQuerySet:
        """The studies in which the user holds a role that may view them; administrators see all."""
        return self.where_may(user, Verb.VIEW_EXPERIMENT)

    def where_may(self, user: Any, verb: Verb) -> ExperimentQuerySet:
        from experiments.roles import experiments_where

        return experiments_where(self, user, verb)

    def named(self, text: str) -> Experiment | None:
        """The study with this code, name or id, as a person writes it at a command."""
        found = self.filter(models.Q(code=text) | models.Q(name=text)).first()
        return found or (self.filter(pk=int(text)).first() if text.isdecimal() else None)


class Experiment(models.Model):
    """One study. What activation froze is in its ProtocolVersions; the fields here are the working design."""

    class Status(models.TextChoices):
        DRAFT = "draft", "draft"
        ACTIVE = "active", "active"
        PAUSED = "paused", "paused"
        COMPLETED = "completed", "completed"
        ARCHIVED = "archived", "archived"

    class Kind(models.TextChoices):
        PROTOCOL = "protocol", "by protocol: arms, stages and allocation"
        CONFIGS = "configs", "by display configs: what each participant sees comes from a CSV"

    class AllocationRule(models.TextChoices):
        PARTICIPANT = "arm_per_participant", "one arm per participant"
        PARTICIPANT_CASE = "arm_per_participant_case", "an arm per participant and case"

    class CaseOrder(models.TextChoices):
        RANDOM = "random", "random, per participant"
        FIXED = "fixed", "as in the case list"

    class WithdrawalPolicy(models.TextChoices):
        KEEP = "keep", "keep all data"
        KEEP_TO_DATE = "keep_to_date", "keep what was given until then"
        EXCLUDE = "exclude", "leave out of exports"
        ERASE = "erase", "erase"

    code = models.CharField(max_length=32, unique=True, default=new_code, editable=False)
    name = models.CharField(max_length=200, unique=True)
    description = models.TextField(blank=True)
    instructions = models.TextField(blank=True, help_text="what participants read before they begin")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.DRAFT, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.PROTOCOL, editable=False)
    layout = models.ForeignKey(PageLayout, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    protocol = models.ForeignKey(
        "experiments.ProtocolVersion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    allocation_rule = models.CharField(
        max_length=32, choices=AllocationRule.choices, default=AllocationRule.PARTICIPANT_CASE
    )
    case_order = models.CharField(max_length=16, choices=CaseOrder.choices, default=CaseOrder.RANDOM)
    block_multiples = models.JSONField(
        default=default_block_multiples, help_text="block sizes, as multiples of the sum of the arms' weights"
    )
    strata = models.JSONField(default=list, blank=True, help_text="intake attributes that define the strata")
    person_once = models.BooleanField(default=False, help_text="a person's cases never go twice to one reader")
    consent_required = models.BooleanField(default=False)
    consent_elsewhere = models.BooleanField(
        default=False,
        help_text="on paper or in another system, and recorded by the study team: the study may begin without a form",
    )
    languages = models.JSONField(
        default=default_languages,
        help_text="language codes; the first is the one that the study's texts are written in",
    )
    intake_questionnaire = models.ForeignKey(
        "experiments.Questionnaire",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="what is asked about the reader, once, before the first case",
    )
    training_arm = models.ForeignKey(
        "experiments.Arm",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="as which arm training cases are shown, to everybody alike; empty: the first arm",
    )
    withdrawal_policy = models.CharField(
        max_length=16, choices=WithdrawalPolicy.choices, default=WithdrawalPolicy.KEEP_TO_DATE
    )
    seed = models.CharField(max_length=64, default=new_seed, editable=False)
    next_arrival = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    objects = ExperimentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=["draft", "active", "paused", "completed", "archived"]),
                name="experiment_status_known",
            ),
            models.UniqueConstraint(
                fields=["kind"], condition=models.Q(kind="configs"), name="one_display_configs_experiment"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def instructions_in_force(self) -> str:
        """What participants read: of the protocol, which should be fetched with the study. One that was frozen before
        protocols kept them follows the working design."""
        kept = self.protocol.instructions if self.protocol is not None else None
        return (self.instructions if kept is None else kept).strip()

    @property
    def is_over(self) -> bool:
        """Completed or archived: nothing is read any more, and the design stays as it is."""
        return self.status in (self.Status.COMPLETED, self.Status.ARCHIVED)


class ExperimentTransition(models.Model):
    """That a study changed its status: who, when, why. Append-only."""

    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="transitions")
    from_status = models.CharField(max_length=16, choices=Experiment.Status.choices)
    to_status = models.CharField(max_length=16, choices=Experiment.Status.choices)
    reason = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.from_status} to {self.to_status}"
