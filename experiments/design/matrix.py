"""What the rows of a disclosure matrix are made of: the layout's nodes and the features found in a study's cases."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.db.models import Count, Min, QuerySet

from cases.disclosure import FoundFeature, MatrixNode
from cases.models import CaseSnapshot, LayoutVersion, SnapshotFeature
from experiments.models import Experiment


@dataclass(frozen=True)
class CountedFeature:
    """A feature found under a node, with the number of the study's cases that have it."""

    found: FoundFeature
    label: str
    case_count: int


def study_layout_version(experiment: Experiment) -> LayoutVersion | None:
    """The layout version that the working design stands on: the newest of the study's layout. At most two queries."""
    return experiment.layout.current() if experiment.layout else None


def matrix_nodes(version: LayoutVersion) -> list[MatrixNode]:
    """Every node of the layout in layout order, as the pure matrix needs it. One query."""
    return [
        MatrixNode(
            key=node.key,
            parent=node.parent.key if node.parent else None,
            visibility=node.visibility,  # type: ignore[arg-type]  # the field's choices are the literals
            discloses_new_values=node.discloses_new_values,
        )
        for node in version.nodes.select_related("parent").order_by("position")
    ]


def study_snapshots(experiment: Experiment, version: LayoutVersion) -> QuerySet[CaseSnapshot]:
    """The current snapshots of the study's cases under this layout version."""
    return CaseSnapshot.objects.current().filter(layout_version=version, case__in=experiment.study_cases.values("case"))


def counted_features(experiment: Experiment, version: LayoutVersion) -> list[CountedFeature]:
    """The features of the study's cases with counts, in layout order, then as they stand in the cases. Two queries."""
    known = known_features(experiment)
    order = {key: rank for rank, key in enumerate(version.nodes.order_by("position").values_list("key", flat=True))}
    rows = (
        SnapshotFeature.objects.filter(snapshot__in=study_snapshots(experiment, version))
        .values("node_key", "discriminator")
        .annotate(cases=Count("snapshot__case", distinct=True), said=Min("label"), first=Min("position"))
    )
    counted = [
        (
            (order.get(row["node_key"], len(order)), row["first"], row["discriminator"]),
            CountedFeature(
                FoundFeature(
                    row["node_key"],
                    row["discriminator"],
                    new=known is not None and (row["node_key"], row["discriminator"]) not in known,
                ),
                row["said"],
                row["cases"],
            ),
        )
        for row in rows.order_by()
    ]
    return [feature for _, feature in sorted(counted, key=lambda pair: pair[0])]


def found_features(experiment: Experiment, version: LayoutVersion) -> list[FoundFeature]:
    return [counted.found for counted in counted_features(experiment, version)]


def known_features(experiment: Experiment) -> frozenset[tuple[str, str]] | None:
    """The features that were there at activation; None before it. One query once the study was activated."""
    if experiment.protocol_id is None:
        return None
    first = experiment.protocol_versions.order_by("number").values_list("content", flat=True)[0]
    return frozenset((key, discriminator) for key, discriminator in json.loads(first)["features"])
