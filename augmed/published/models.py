from __future__ import annotations

from collections.abc import Collection

from django.db import models
from django.utils import timezone


class CameOverQuerySet(models.QuerySet["CameOver"]):
    def targets(self, origin: str, kind: str, keys: Collection[str]) -> dict[str, int | None]:
        """What became of these rows of AugMed's, by their key there. One statement."""
        rows = self.filter(origin=origin, kind=kind, key__in=keys).order_by()
        return dict(rows.values_list("key", "target_pk"))


class CameOver(models.Model):
    """That a row of an AugMed database came over, and as what: so it comes once, and AugMed's own ids can be looked up.

    Append-only. Like the audit trail it has no foreign keys and holds no personal field, so it outlives its subjects.
    """

    class Kind(models.TextChoices):
        USER = "user", "account"
        PAGE_CONFIG = "page_config", "page layout"
        ANSWER_CONFIG = "answer_config", "questions"
        DISPLAY_CONFIG = "display_config", "display config (task)"
        ANSWER = "answer", "answers"
        ANALYTICS = "analytics", "times"
        EXPERIMENT = "experiment", "experiment"
        RL_RUN = "rl_run", "run of an experiment"

    origin = models.CharField(max_length=100, help_text="which AugMed database, in the words of who moved it")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    key = models.CharField(max_length=255, help_text="AugMed's own id of the row")
    target_type = models.CharField(max_length=64, blank=True, help_text="what it is here; empty: only this record")
    target_pk = models.BigIntegerField(null=True, blank=True)
    details = models.TextField(blank=True, help_text="canonical JSON of what has no place of its own here")
    at = models.DateTimeField(default=timezone.now)

    objects = CameOverQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "came over"
        constraints = [
            models.UniqueConstraint(fields=["origin", "kind", "key"], name="came_over_once"),
            models.CheckConstraint(
                condition=models.Q(target_type="", target_pk=None)
                | (~models.Q(target_type="") & models.Q(target_pk__isnull=False)),
                name="came_over_as_something_or_as_a_record",
            ),
        ]
        indexes = [models.Index(fields=["target_type", "target_pk"], name="came_over_by_target")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
