from typing import Any

from django.db import models


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def visible_to(self, user: Any) -> "AuditEventQuerySet":
        """All of it for those who may view the audit trail, else nothing."""
        from augmed.foundation.permissions import Verb

        return self if user.may(Verb.VIEW_AUDIT) else self.none()

    def about(self, target_type: str, target_id: object) -> "AuditEventQuerySet":
        return self.filter(target_type=target_type, target_id=str(target_id))


class AuditEvent(models.Model):
    """Who did what to which thing. No foreign keys, so that it outlives its subjects; each row carries the hash of the
    one before. Personal fields are recorded as "changed", never by value. Append-only by trigger."""

    sequence = models.BigIntegerField(primary_key=True, help_text="1, 2, 3 … without a gap")
    at = models.DateTimeField()
    actor = models.CharField(max_length=64, help_text="opaque id of the person, or 'system'")
    action = models.CharField(max_length=64)
    target_type = models.CharField(max_length=64)
    target_id = models.CharField(max_length=64)
    experiment_id = models.BigIntegerField(null=True, blank=True)
    data = models.TextField(help_text="canonical JSON")
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-sequence"]
        indexes = [
            models.Index(fields=["target_type", "target_id", "-sequence"], name="audit_by_target"),
            models.Index(fields=["actor", "-sequence"], name="audit_by_actor"),
            models.Index(fields=["action", "-sequence"], name="audit_by_action"),
            models.Index(fields=["experiment_id", "-sequence"], name="audit_by_experiment"),
            models.Index(fields=["-at"], name="audit_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action} {self.target_type} {self.target_id}"
