import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from augmed.foundation.permissions import Verb


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: Any) -> "JobQuerySet":
        """One's own jobs; administrators see all."""
        return self if user.may(Verb.VIEW_JOBS) else self.filter(created_by=user)

    def running(self) -> "JobQuerySet":
        return self.filter(status=Job.Status.RUNNING)

    def abandoned(self) -> "JobQuerySet":
        """Running by their status, but their worker has let the lease run out."""
        return self.running().filter(lease_until__lt=timezone.now())


class Job(models.Model):
    """A piece of long work: idempotent, safe to kill and to run again. See `augmed.foundation.jobs`."""

    class Status(models.TextChoices):
        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        SUCCEEDED = "succeeded", "succeeded"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=64)
    parameters = models.JSONField(default=dict)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.QUEUED)
    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(null=True, blank=True)
    message = models.CharField(max_length=255, blank=True)
    result = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True)
    experiment_id = models.BigIntegerField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["status", "lease_until"], name="job_by_lease"),
            models.Index(fields=["experiment_id", "-created_at"], name="job_by_experiment"),
            models.Index(fields=["-created_at"], name="job_newest_first"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=["queued", "running", "succeeded", "failed", "cancelled"]),
                name="job_status_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.status})"

    def is_visible_to(self, user: Any) -> bool:
        """The same as `JobQuerySet.visible_to`, of one job."""
        return self.created_by_id == user.pk or bool(user.may(Verb.VIEW_JOBS))

    @property
    def is_over(self) -> bool:
        return self.status in {self.Status.SUCCEEDED, self.Status.FAILED, self.Status.CANCELLED}

    @property
    def percent(self) -> int | None:
        """Whole percent done, or None while the total is unknown."""
        if self.status == self.Status.SUCCEEDED:
            return 100
        if not self.progress_total:
            return None
        return min(100, self.progress_done * 100 // self.progress_total)
