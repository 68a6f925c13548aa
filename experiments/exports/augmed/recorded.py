"""AugMed's own records of what it disclosed, read feature by feature: paths 'Section.Category.Feature: value'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cases.models import LayoutNode
from cases.tree import Identity, augmed_path, split_label, text_discriminator
from experiments.exports.features import labels_above
from experiments.exports.shown import Configuration, as_written
from experiments.models import Experiment, ReviewOpening


@dataclass(frozen=True, slots=True)
class RecordedPaths:
    """`nodes`: by what a path begins with, the node of the features that follow."""

    nodes: Mapping[str, str]

    @classmethod
    def of(cls, nodes: Mapping[str, LayoutNode]) -> RecordedPaths:
        """Of nodes that take their features' labels from their texts, as AugMed's categories do."""
        split = (node for node in nodes.values() if node.label_rule == LayoutNode.LabelRule.SPLIT)
        return cls({f"{augmed_path(labels_above(node))}.": node.key for node in split})

    def read(self, configuration: Configuration) -> dict[Identity, tuple[str, str]]:
        """Label and value of every feature that the paths name."""
        found: dict[Identity, tuple[str, str]] = {}
        for entry in configuration:
            path = str(entry.get("path") or "").strip()
            for beginning, key in self.nodes.items():
                if path.startswith(beginning) and path[len(beginning) :].strip():
                    label, value = split_label(path[len(beginning) :])
                    found[Identity(key, text_discriminator(label))] = (label, value)
        return found


def recorded_in(experiment: Experiment, paths: RecordedPaths) -> dict[Identity, str]:
    """The features that AugMed's records of the study name, with their labels. One query, streaming."""
    openings = ReviewOpening.objects.filter(review__assignment__enrolment__experiment=experiment)
    records = openings.exclude(recorded_disclosure="").order_by().values_list("recorded_disclosure", flat=True)
    found: dict[Identity, str] = {}
    for text in records.distinct().iterator(chunk_size=500):
        for identity, (label, _) in paths.read(as_written(text)).items():
            found.setdefault(identity, label)
    return found
