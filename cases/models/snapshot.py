from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from cases.models.case import Case
from cases.models.layout import LayoutVersion


class CaseSnapshotQuerySet(models.QuerySet["CaseSnapshot"]):
    def current(self) -> CaseSnapshotQuerySet:
        """The highest number of each (case, layout version)."""
        later = CaseSnapshot.objects.filter(
            case=models.OuterRef("case"),
            layout_version=models.OuterRef("layout_version"),
            number__gt=models.OuterRef("number"),
        )
        return self.filter(~models.Exists(later))


class CaseSnapshot(models.Model):
    """A case's whole feature tree under one layout version, frozen. Append-only; rebuilding makes the next number.

    `content` is canonical JSON (cases.tree), stored as text because its bytes are what `sha256` is of. `sources` keeps
    the OMOP table and row ids of every feature beside the hashed tree. Redaction blanks both and keeps the hash.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="snapshots")
    layout_version = models.ForeignKey(LayoutVersion, on_delete=models.PROTECT, related_name="snapshots")
    number = models.PositiveIntegerField(default=1)
    schema_version = models.PositiveIntegerField()
    index_at = models.CharField(max_length=19, blank=True, help_text="the index time it was made with")
    content = models.TextField()
    sha256 = models.CharField(max_length=64, db_index=True)
    sources = models.TextField(blank=True, help_text="JSON: table and row ids by feature")
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    redacted_at = models.DateTimeField(null=True, blank=True)

    objects = CaseSnapshotQuerySet.as_manager()

    class Meta:
        ordering = ["case", "layout_version", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "layout_version", "number"],
                name="snapshot_number_once",  # also serves "the newest snapshot of a case under a layout"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case} snapshot {self.number}"


class SnapshotFeature(models.Model):
    """The features of a snapshot, one row each: what the disclosure matrix lists and counts without opening trees."""

    snapshot = models.ForeignKey(CaseSnapshot, on_delete=models.PROTECT, related_name="features")
    position = models.PositiveIntegerField()
    node_key = models.CharField(max_length=80)
    discriminator = models.CharField(max_length=300, blank=True)
    label = models.CharField(max_length=1000)
    entry_count = models.PositiveIntegerField()

    class Meta:
        ordering = ["snapshot", "position"]
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "node_key", "discriminator"], name="snapshot_feature_once"),
        ]
        indexes = [models.Index(fields=["node_key", "discriminator"], name="snapshot_feature_by_identity")]

    def __str__(self) -> str:
        return self.label
