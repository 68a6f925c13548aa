"""What is remembered of imports: who, when, which files, how many rows, what the checks found.

Facts: rows are inserted when a run is over, and never changed. No value of a file is in them; the report with its
findings is a file below MEDIA_ROOT, which can be removed.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from augmed.foundation.permissions import Verb


class ImportRunQuerySet(models.QuerySet["ImportRun"]):
    def visible_to(self, user: Any) -> ImportRunQuerySet:
        """All runs for those who may import, none for anybody else."""
        return self.all() if user.is_authenticated and user.may(Verb.IMPORT_OMOP) else self.none()

    def loaded(self) -> ImportRunQuerySet:
        """The runs that changed the tables, or found that there was nothing to change."""
        return self.filter(status=ImportRun.Status.LOADED)


class ImportRun(models.Model):
    """One run over files, or over the tables themselves (kind database), once it is over."""

    class Kind(models.TextChoices):
        CHECK = "check", "check"
        LOAD = "load", "import"
        DATABASE = "database", "check of the database"

    class Status(models.TextChoices):
        CHECKED = "checked", "checked"
        LOADED = "loaded", "loaded"
        REFUSED = "refused", "refused"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    class Source(models.TextChoices):
        UPLOAD = "upload", "upload"
        FOLDER = "folder", "folder on the server"
        COMMAND = "command", "command line"
        DATABASE = "database", "the database"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    status = models.CharField(max_length=16, choices=Status.choices)
    source = models.CharField(max_length=16, choices=Source.choices)
    mode = models.CharField(max_length=16, blank=True)
    options = models.JSONField(default=dict, blank=True)
    checksum = models.CharField(max_length=64, blank=True, help_text="over the files' checksums and the options")
    error_count = models.BigIntegerField(default=0)
    warning_count = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    rows = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0)
    error = models.TextField(blank=True, help_text="why a run failed")
    job_id = models.UUIDField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(default=timezone.now)

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        ordering = ["-finished_at"]
        verbose_name = "import run"
        indexes = [
            models.Index(fields=["-finished_at"], name="import_run_newest_first"),
            models.Index(fields=["checksum", "status"], name="import_run_by_checksum"),
            models.Index(fields=["job_id"], name="import_run_by_job"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.finished_at:%Y-%m-%d %H:%M} ({self.status})"


class ImportedFile(models.Model):
    """One file of a run. `recognised`, `renamed`, `ignored` and `missing` as in imports.report.FileReport."""

    run = models.ForeignKey(ImportRun, on_delete=models.PROTECT, related_name="files")
    name = models.CharField(max_length=255)
    table = models.CharField(max_length=64, blank=True)
    bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, blank=True)
    rows = models.BigIntegerField(default=0)
    recognised = models.JSONField(default=dict, blank=True)
    renamed = models.JSONField(default=dict, blank=True)
    ignored = models.JSONField(default=list, blank=True)
    missing = models.JSONField(default=list, blank=True)

    class Meta:
        indexes = [models.Index(fields=["sha256"], name="imported_file_by_sha256")]

    def __str__(self) -> str:
        return self.name


class TableLoad(models.Model):
    """What a run did to one table; the counts of imports.report.TableCounts."""

    run = models.ForeignKey(ImportRun, on_delete=models.PROTECT, related_name="tables")
    table = models.CharField(max_length=64)
    read = models.BigIntegerField(default=0)
    new = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0)
    removed = models.BigIntegerField(default=0)
    loaded = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)
    duplicates = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "table"], name="table_load_once_a_run")]

    def __str__(self) -> str:
        return self.table


class CheckOutcome(models.Model):
    """What one check found in one run, table and column; imports.report.CheckResult without its findings."""

    run = models.ForeignKey(ImportRun, on_delete=models.PROTECT, related_name="checks")
    finished_at = models.DateTimeField(help_text="when its run was over, for trends")
    code = models.CharField(max_length=40)
    table = models.CharField(max_length=64)
    column = models.CharField(max_length=64, blank=True)
    level = models.CharField(max_length=8)
    outcome = models.CharField(max_length=16)
    checked = models.BigIntegerField(default=0)
    count = models.BigIntegerField(default=0)
    threshold = models.FloatField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "code", "table", "column"], name="check_outcome_once_a_run")
        ]
        verbose_name = "check"
        verbose_name_plural = "data quality"
        indexes = [
            models.Index(fields=["table", "code", "column", "-finished_at"], name="check_outcome_trend"),
            models.Index(fields=["table", "-finished_at"], name="check_outcome_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.code} of {self.table}: {self.outcome}"

    @property
    def share(self) -> float:
        """Percent of the rows asked that were wrong."""
        if self.checked:
            return min(100.0, 100.0 * self.count / self.checked)
        return 100.0 if self.count else 0.0
