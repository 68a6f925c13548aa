"""A layout as the builder needs it: plain values, concepts already widened to their descendants."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from cases.building.rules import DEFAULT_KIND, DEFAULT_TEXT_FROM, Kind, ValueRules

Window = Literal["all", "visit", "days", "latest"]
LabelRule = Literal["node", "concept", "split"]


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """A feature node. Empty `concepts` together with empty `related` means: every concept.

    `concepts` are the listed concept ids and, where asked for, their descendants; `listed` keeps their order.
    `related` are concepts that stand in, one feature each, where no row of `concepts` is found. Empty
    `type_concepts` means: every type. `window_number`: days, or how many, by `window`.
    """

    key: str
    label: str
    source: str
    demographic: str = ""
    listed: tuple[int, ...] = ()
    concepts: frozenset[int] = frozenset()
    related: frozenset[int] = frozenset()
    type_concepts: frozenset[int] = frozenset()
    window: Window = "all"
    window_number: int = 0
    label_rule: LabelRule = "node"
    role: Literal["clinical", "advice"] = "clinical"
    rules: ValueRules = field(default_factory=ValueRules)

    @property
    def kind(self) -> Kind:
        return self.rules.kind or DEFAULT_KIND[self.source]

    @property
    def text_from(self) -> tuple[str, ...]:
        return DEFAULT_TEXT_FROM[self.source] if self.rules.text_from is None else self.rules.text_from

    @property
    def wanted_concepts(self) -> frozenset[int]:
        return self.concepts | self.related


@dataclass(frozen=True, slots=True)
class HeadingSpec:
    """A section or category."""

    key: str
    label: str
    level: Literal["section", "category"]
    children: tuple["HeadingSpec | FeatureSpec", ...] = ()


@dataclass(frozen=True)
class Plan:
    """A whole layout, with its feature nodes by source table and concept, so that a row finds its nodes at once."""

    sections: tuple[HeadingSpec, ...]

    @cached_property
    def features(self) -> tuple[FeatureSpec, ...]:
        return tuple(spec for section in self.sections for spec in _features(section))

    @cached_property
    def by_source(self) -> Mapping[str, tuple[FeatureSpec, ...]]:
        found: dict[str, list[FeatureSpec]] = {}
        for spec in self.features:
            found.setdefault(spec.source, []).append(spec)
        return {source: tuple(specs) for source, specs in found.items()}

    @cached_property
    def _by_concept(self) -> Mapping[tuple[str, int | None], list[FeatureSpec]]:
        found: dict[tuple[str, int | None], list[FeatureSpec]] = {}
        for spec in self.features:
            for concept in spec.wanted_concepts or (None,):
                found.setdefault((spec.source, concept), []).append(spec)
        return found

    def wanting(self, source: str, concept_id: int, type_concept_id: int) -> Iterable[FeatureSpec]:
        """The feature nodes to which a row of this table, concept and type belongs."""
        for concept in (concept_id, None):
            for spec in self._by_concept.get((source, concept), ()):
                if not spec.type_concepts or type_concept_id in spec.type_concepts:
                    yield spec


def _features(heading: HeadingSpec) -> Iterable[FeatureSpec]:
    for child in heading.children:
        if isinstance(child, FeatureSpec):
            yield child
        else:
            yield from _features(child)
