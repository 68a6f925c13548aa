from __future__ import annotations

from django.db import models

from cases.models.case import Case
from omop.models import ImportRun


class SourceChangeQuerySet(models.QuerySet["SourceChange"]):
    def of_run(self, run: ImportRun) -> SourceChangeQuerySet:
        """What a run changed behind cases."""
        return self.filter(run_id=run.pk)


class SourceChange(models.Model):
    """Rows of a case's person that an import added, changed or removed. A frozen snapshot stays as it is.

    A fact: one row for each run, case and table. `run_id` is the omop ImportRun; counts are rows whose start is at or
    before the case's index time, so that they could be in a snapshot made anew.
    """

    run_id = models.UUIDField()
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="source_changes")
    table = models.CharField(max_length=64)
    added = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0)
    removed = models.BigIntegerField(default=0)

    objects = SourceChangeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run_id", "case", "table"], name="source_change_once_a_run")]

    def __str__(self) -> str:
        return f"{self.case} {self.table}"
