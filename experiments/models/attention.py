from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from experiments.attention import Check
from experiments.models.experiment import Experiment


class AttentionCheckManager(models.Manager["AttentionCheck"]):
    def current(self, experiment: Experiment | int) -> AttentionCheck | None:
        """The newest version, also one that switched it off. One query."""
        return self.filter(experiment=experiment).order_by("-number").first()


class AttentionCheck(models.Model):
    """One version of a study's attention check: a choice with one right option, asked now and then beside the
    questionnaire. Append-only; the newest version counts for what is not frozen. `every` None: no check is asked."""

    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="attention_checks")
    number = models.PositiveIntegerField()
    every = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="asked at every n-th assignment of an enrolment, at its first stage; empty: off",
    )
    place = models.PositiveIntegerField(
        null=True, blank=True, help_text="its place among the questions, from 1; empty: after the last one"
    )
    text = models.TextField()
    options = models.JSONField(help_text="the choices, in order")
    right_answer = models.CharField(max_length=500)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    objects = AttentionCheckManager()

    class Meta:
        ordering = ["experiment", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "number"], name="attention_check_number_once"),
            models.CheckConstraint(condition=Q(every=None) | Q(every__gte=1), name="attention_check_every_from_one"),
            models.CheckConstraint(condition=Q(place=None) | Q(place__gte=1), name="attention_check_place_from_one"),
        ]

    def __str__(self) -> str:
        return f"Attention check {self.number}"

    def as_check(self) -> Check:
        return Check(self.pk, self.place, self.text, tuple(self.options), self.right_answer)


class AttentionCheckAnswer(models.Model):
    """What was answered to the attention check that a review bound, and whether it was right. Append-only; `value`
    is canonical JSON, blank once erased."""

    submission = models.OneToOneField(
        "experiments.Submission", on_delete=models.PROTECT, primary_key=True, related_name="attention_answer"
    )
    check_version = models.ForeignKey(AttentionCheck, on_delete=models.PROTECT, related_name="answers")
    value = models.TextField()
    passed = models.BooleanField(null=True, help_text="empty once erased: it would tell the answer")

    def __str__(self) -> str:
        return f"Attention check of {self.submission_id}"
