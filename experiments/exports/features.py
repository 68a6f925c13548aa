"""The columns of features: which there are, and what one opening showed of them, rendered once and kept."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from json.encoder import encode_basestring
from typing import Any

from django.db.models import Exists, Min, OuterRef, Q

from cases.disclosure import DisclosureContent
from cases.models import Case, CaseSnapshot, LayoutNode, LayoutVersion, SnapshotFeature
from cases.tree import Identity, feature_key, features, from_json
from experiments.exports.blinding import Visible, study_sets
from experiments.exports.cells import Column, csv_cells, joined
from experiments.models import Assignment, DisclosureSet, Enrolment, Experiment

MOST_CHARACTERS = 12_000_000
"""Of rendered columns kept at one time; what is not kept is rendered again."""
MOST_PARSED = 500
_REDACTED = "redacted:"


@dataclass(frozen=True, slots=True)
class ExportedFeature:
    identity: Identity
    label: str
    path: tuple[str, ...]
    role: str
    unit: str

    @property
    def key(self) -> str:
        return feature_key(*self.identity)

    @property
    def columns(self) -> tuple[Column, Column]:
        label = ".".join((*self.path, self.label))
        return (
            Column(f"{self.key} (shown)", "boolean", "Whether this review disclosed the feature.", label=label),
            Column(
                f"{self.key} (value)",
                "list",
                "The feature's entries as this review disclosed them, in order; in the CSV their texts are joined by "
                "' | '. Empty where it was not. A stage can hide what it discloses until it is asked for: what was "
                "asked for is in file looks.",
                unit=self.unit,
                label=label,
            ),
        )


def exported_features(
    experiment: Experiment, visible: Visible, *, undisclosed: bool = False
) -> tuple[ExportedFeature, ...]:
    """Features that some disclosure set of the study shows and some of its cases has, and supplied ones; in the order
    of the layout's nodes as they first came, then by discriminator. More data can add columns, never move them past
    each other. `undisclosed`: also those that no set shows. Seven queries."""
    shown: set[Identity] = set()
    supplied: dict[Identity, str] = {}
    for content in study_sets(experiment):
        shown.update(show.identity for show in content.shows)
        for supply in content.supplies:
            supplied.setdefault(supply.identity, supply.label)
    nodes = study_nodes(experiment)
    found = [
        exported_feature(Identity(key, discriminator), label, nodes)
        for key, discriminator, label in _found(experiment)
        if (undisclosed or (key, discriminator) in shown) and not discriminator.startswith(_REDACTED)
    ]
    found += [exported_feature(identity, supplied[identity], nodes) for identity in sorted(supplied)]
    if visible.features is not None:
        found = [feature for feature in found if feature.identity in visible.features]
    ranks = {key: rank for rank, key in enumerate(nodes)}
    return tuple(sorted(found, key=lambda made: (ranks.get(made.identity.node_key, len(ranks)), made.identity)))


def study_cases(experiment: Experiment) -> Any:
    """Cases in the study's list, or assigned in it (a list can shrink by an amendment; a CSV needs none). What is only
    practised on, or previewed, is none of them."""
    real = Enrolment.objects.real().filter(experiment=experiment)
    assigned = Assignment.objects.filter(case=OuterRef("pk"), enrolment__in=real)
    listed = experiment.study_cases.filter(case=OuterRef("pk"))
    return Case.objects.filter(Q(Exists(listed)) | Q(Exists(assigned)))


def _found(experiment: Experiment) -> Any:
    rows = SnapshotFeature.objects.filter(
        snapshot__case__in=study_cases(experiment).order_by().values("pk"),
        snapshot__layout_version__in=layout_versions(experiment).values("pk"),
    )
    return rows.order_by().values_list("node_key", "discriminator").annotate(said=Min("label")).iterator(2000)


def layout_versions(experiment: Experiment) -> Any:
    frozen = experiment.protocol_versions.order_by().values("layout_version__layout")
    return LayoutVersion.objects.filter(Q(layout__in=frozen) | Q(layout=experiment.layout_id)).order_by()


def study_nodes(experiment: Experiment) -> dict[str, LayoutNode]:
    """By key; in the order of the first version that has each, with the words of the newest."""
    found: dict[str, LayoutNode] = {}
    listed = LayoutNode.objects.filter(version__in=layout_versions(experiment).values("pk"))
    for node in listed.select_related("parent__parent__parent").order_by("version_id", "position"):
        found[node.key] = node  # a key met before keeps its place
    return found


def exported_feature(identity: Identity, label: str, nodes: Mapping[str, LayoutNode]) -> ExportedFeature:
    node = nodes.get(identity.node_key)
    path = labels_above(node) if node else ()
    unit = node.value_rules.get("unit") if node and isinstance(node.value_rules, dict) else None
    return ExportedFeature(identity, label, path, node.role if node else "", unit if isinstance(unit, str) else "")


def labels_above(node: LayoutNode) -> tuple[str, ...]:
    """From the section down, without its own."""
    labels: list[str] = []
    above = node.parent
    while above is not None:
        labels.insert(0, above.label)
        above = above.parent
    return tuple(labels)


_Texts = Mapping[Identity, tuple[str, ...]] | None
"""What the exported features hold in a snapshot; None when it was redacted."""


@dataclass(frozen=True, slots=True)
class _Set:
    shown: frozenset[Identity]
    supplied: Mapping[Identity, str]


@dataclass
class Rendering:
    """Renders the feature columns of openings for one form of file. Memory is bounded; what many openings share (a
    snapshot under a set) is rendered once."""

    features: tuple[ExportedFeature, ...]
    as_json: bool
    _fragments: OrderedDict[tuple[int, int], str] = field(default_factory=OrderedDict)
    _characters: int = 0
    _snapshots: dict[int, _Texts] = field(default_factory=dict)
    _sets: dict[int, _Set] = field(default_factory=dict)

    def prepare(self, pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], str]:
        """Their feature columns by (snapshot, disclosure set). Two queries at most, none when all are kept."""
        wanted = set(pairs)
        made = {pair: self._fragments[pair] for pair in wanted if pair in self._fragments}
        missing = sorted(wanted - made.keys())
        snapshots = self._needed_snapshots({snapshot for snapshot, _ in missing})
        sets = self._needed_sets({disclosure_set for _, disclosure_set in missing})
        for pair in missing:
            made[pair] = self._render(snapshots[pair[0]], sets[pair[1]])
            self._keep(pair, made[pair])
        return made

    def not_opened(self) -> str:
        """The columns of a review that nobody has opened."""
        return self._text([(None, None)] * len(self.features))

    def _render(self, texts: _Texts, shown: _Set) -> str:
        cells: list[tuple[bool | None, tuple[str, ...] | None]] = []
        for exported in self.features:
            identity = exported.identity
            if identity in shown.supplied:
                cells.append((True, (shown.supplied[identity],)))
            elif identity not in shown.shown:
                cells.append((False, None))
            elif texts is None:
                cells.append((None, None))
            else:
                cells.append((identity in texts, texts.get(identity)))
        return self._text(cells)

    def _text(self, cells: list[tuple[bool | None, tuple[str, ...] | None]]) -> str:
        if not self.as_json:
            flags = {None: None, True: "true", False: "false"}
            return csv_cells(
                cell for flag, texts in cells for cell in (flags[flag], None if texts is None else joined(texts))
            )
        parts: list[str] = []
        for exported, (flag, texts) in zip(self.features, cells, strict=True):
            shown, value = (encode_basestring(column.name) for column in exported.columns)
            parts.append(f"{shown}:{json.dumps(flag)},{value}:{json.dumps(texts, ensure_ascii=False)}")
        return ",".join(parts)

    def _keep(self, pair: tuple[int, int], fragment: str) -> None:
        self._fragments[pair] = fragment
        self._characters += len(fragment)
        while self._characters > MOST_CHARACTERS:
            _, dropped = self._fragments.popitem(last=False)
            self._characters -= len(dropped)

    def _needed_snapshots(self, pks: set[int]) -> dict[int, _Texts]:
        found = {pk: self._snapshots[pk] for pk in pks if pk in self._snapshots}
        if lacking := pks - found.keys():
            exported = {feature.identity for feature in self.features}
            rows = CaseSnapshot.objects.filter(pk__in=lacking).order_by().values_list("pk", "content")
            for pk, content in rows.iterator(chunk_size=20):
                found[pk] = _texts(content, exported)
        self._snapshots = _bounded(self._snapshots, found)
        return found

    def _needed_sets(self, pks: set[int]) -> dict[int, _Set]:
        found = {pk: self._sets[pk] for pk in pks if pk in self._sets}
        if lacking := pks - found.keys():
            rows = DisclosureSet.objects.filter(pk__in=lacking).order_by().values_list("pk", "content")
            for pk, text in rows.iterator(chunk_size=20):
                content = DisclosureContent.from_json(json.loads(text))
                found[pk] = _Set(
                    frozenset(show.identity for show in content.shows),
                    {supply.identity: supply.value for supply in content.supplies},
                )
        self._sets = _bounded(self._sets, found)
        return found


def _bounded(kept: dict[int, Any], found: dict[int, Any]) -> dict[int, Any]:
    """The newest first to stay."""
    together = kept | found
    return dict(list(together.items())[-MOST_PARSED:])


def _texts(content: str, exported: set[Identity]) -> _Texts:
    if not content:
        return None
    return {
        feature.identity: tuple(entry.text for entry in feature.entries)
        for feature, _labels in features(from_json(json.loads(content)))
        if feature.identity in exported
    }
