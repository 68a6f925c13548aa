from __future__ import annotations

from typing import Any

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from augmed.foundation.permissions import Verb

key_validator = RegexValidator(
    r"^[a-z0-9][a-z0-9_-]{0,79}$", "Use lower-case letters, digits, '-' and '_' (at most 80)."
)


class PageLayoutQuerySet(models.QuerySet["PageLayout"]):
    def visible_to(self, user: Any) -> PageLayoutQuerySet:
        return self if user.may(Verb.VIEW_LAYOUTS) else self.none()

    def default(self) -> PageLayout | None:
        return self.filter(is_default=True).first()


class PageLayout(models.Model):
    """What a page of a case is made of, and from where in OMOP. Its content is in versions."""

    name = models.CharField(max_length=200, unique=True)
    description = models.TextField(blank=True)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = PageLayoutQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["is_default"], condition=Q(is_default=True), name="one_default_layout"),
        ]

    def __str__(self) -> str:
        return self.name

    def current(self) -> LayoutVersion | None:
        """The newest version (one query)."""
        return self.versions.order_by("-number").first()


class LayoutVersion(models.Model):
    """One state of a layout. Frozen once a snapshot was made under it; a later edit makes the next version."""

    layout = models.ForeignKey(PageLayout, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    path_rules = models.JSONField(
        default=dict,
        blank=True,
        help_text="How text paths of an imported AugMed layout are matched; empty otherwise.",
    )
    frozen_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["layout", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["layout", "number"], name="layout_version_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.layout.name} v{self.number}"


class LayoutNode(models.Model):
    """A section, category or feature of a layout version. `key` stays the same in every version; `label` may change."""

    class Level(models.TextChoices):
        SECTION = "section", "section"
        CATEGORY = "category", "category"
        FEATURE = "feature", "feature"

    class Source(models.TextChoices):
        NONE = "", "none (a heading)"
        OBSERVATION = "observation", "observation"
        MEASUREMENT = "measurement", "measurement"
        CONDITION = "condition", "condition"
        DRUG = "drug", "drug"
        PROCEDURE = "procedure", "procedure"
        DEVICE = "device", "device"
        NOTE = "note", "note"
        DEMOGRAPHICS = "demographics", "demographics"

    class Window(models.TextChoices):
        ALL = "all", "all that is eligible"
        THIS_VISIT = "visit", "this visit"
        LAST_DAYS = "days", "the last n days"
        LATEST = "latest", "the latest n"

    class LabelRule(models.TextChoices):
        NODE = "node", "the node's own label (all rows are one feature)"
        CONCEPT = "concept", "concept name (one feature per concept)"
        SPLIT = "split", "text before ': ' (one feature per label)"

    class Role(models.TextChoices):
        CLINICAL = "clinical", "clinical"
        ADVICE = "advice", "advice of a model"

    class Visibility(models.TextChoices):
        WHEN_DISCLOSED = "when_disclosed", "only when disclosed"
        ALWAYS = "always", "always (AugMed compatibility)"
        UNLESS_RESTRICTED = "unless_restricted", "unless a path restricts its section (AugMed compatibility)"

    version = models.ForeignKey(LayoutVersion, on_delete=models.CASCADE, related_name="nodes")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="children")
    position = models.PositiveIntegerField(help_text="order in the whole layout, depth first")
    key = models.CharField(max_length=80, validators=[key_validator])
    label = models.CharField(max_length=255)
    level = models.CharField(max_length=16, choices=Level.choices)
    source = models.CharField(max_length=16, choices=Source.choices, blank=True)
    demographic = models.CharField(
        max_length=16, blank=True, choices=[(v, v) for v in ("age", "gender", "race", "ethnicity")]
    )
    concept_ids = models.JSONField(default=list, blank=True, help_text="OMOP concept ids; empty: all, or by type")
    include_descendants = models.BooleanField(default=False)
    relationship_ids = models.JSONField(
        default=list,
        blank=True,
        help_text="where no row of the concepts is found, concepts so related to them stand in, one feature each",
    )
    type_concept_ids = models.JSONField(default=list, blank=True)
    window = models.CharField(max_length=16, choices=Window.choices, default=Window.ALL)
    window_number = models.PositiveIntegerField(null=True, blank=True, help_text="n of the window")
    label_rule = models.CharField(max_length=16, choices=LabelRule.choices, default=LabelRule.NODE)
    value_rules = models.JSONField(
        default=dict,
        blank=True,
        help_text="unit, decimals, value_map, show_range, show_date, show_operator, ...",
    )
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.CLINICAL)
    takes_supplied_values = models.BooleanField(default=False, help_text="advice nodes only: values given in a CSV")
    discloses_new_values = models.BooleanField(
        default=False,
        help_text="features first seen after activation get this node's cell instead of staying hidden",
    )
    visibility = models.CharField(max_length=32, choices=Visibility.choices, default=Visibility.WHEN_DISCLOSED)

    class Meta:
        ordering = ["version", "position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="layout_node_key_once"),
            models.UniqueConstraint(fields=["version", "position"], name="layout_node_position_once"),
            models.CheckConstraint(
                condition=Q(takes_supplied_values=False) | Q(role="advice"),
                name="only_advice_takes_supplied_values",
            ),
            models.CheckConstraint(
                condition=Q(window__in=["all", "visit"], window_number=None) | Q(window_number__gt=0),
                name="layout_node_window_number",
            ),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="layout_node_not_its_own_parent"),
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.key})"
