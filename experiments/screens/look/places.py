"""A layout's places as the maker of made-up cases takes them, and the findings that may be named in them."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.cache import cache
from django.utils.translation import gettext as _

from cases.building.rules import DEFAULT_KIND, ValueRules
from cases.models import LayoutNode, LayoutVersion
from cases.tree import Identity
from experiments.design.matrix import CountedFeature, counted_features
from experiments.languages.texts import StudyTexts
from experiments.made_up import LayoutPlace, MadeUpWords, Named
from experiments.models import Experiment

_KEPT_SECONDS = 5 * 60
LEAST_CASES = 3
"""A finding is named only if so many of the study's cases have it: else its name could lead to a patient."""
MOST_NAMED = 5


def place(node: LayoutNode, texts: StudyTexts) -> LayoutPlace:
    rules = ValueRules.from_json(node.value_rules)
    return LayoutPlace(
        key=node.key,
        parent=node.parent.key if node.parent else None,
        label=texts(node.label),
        level=node.level,
        source=node.source,
        demographic=node.demographic,
        unit=_unit(rules),
        decimals=rules.decimals,
        low=rules.low,
        high=rules.high,
        shows_range=rules.show_range,
        classes=rules.value_map,
        is_coded=(rules.kind or DEFAULT_KIND.get(node.source)) == "coded",
        splits=_splits(node),
        is_advice=node.role == LayoutNode.Role.ADVICE,
    )


def named_findings(
    experiment: Experiment, layout: LayoutVersion, nodes: Iterable[LayoutNode], shown: set[Identity]
) -> list[Named]:
    """Findings that many of the study's cases have: what some version shows goes before what is commoner."""
    splits = {node.key for node in nodes if _splits(node)}
    found = [one for one in _common_features(experiment, layout) if one.found.node_key in splits]
    chosen = {one.found.identity for key in splits for one in _first_named(found, key, shown)}
    return [Named(one.found.identity, one.label) for one in found if one.found.identity in chosen]


def words() -> MadeUpWords:
    """In the language of the page."""
    return MadeUpWords(
        example=_("example"),
        text=_("Made-up entry"),
        finding=_("Made-up finding"),
        note=_("This is a made-up note. In the study, the text of a note stands here."),
        gender=_("female"),
        model=_("Example model"),
        caveat=_("Made-up advice. In the study, the model's own caveat stands here."),
    )


def _splits(node: LayoutNode) -> bool:
    return node.label_rule != LayoutNode.LabelRule.NODE


def _common_features(experiment: Experiment, layout: LayoutVersion) -> list[CountedFeature]:
    """Those that enough cases have. Every snapshot of the study is counted for this, so that it is kept for some
    minutes: a link shows what cases bring that were added since a little later."""
    key = f"look-features-{experiment.pk}-{layout.pk}"
    found: list[CountedFeature] | None = cache.get(key)
    if found is None:
        found = [one for one in counted_features(experiment, layout) if one.case_count >= LEAST_CASES]
        cache.set(key, found, _KEPT_SECONDS)
    return found


def _first_named(found: list[CountedFeature], key: str, shown: set[Identity]) -> list[CountedFeature]:
    of_place = [one for one in found if one.found.node_key == key]
    return sorted(of_place, key=lambda one: (one.found.identity not in shown, -one.case_count))[:MOST_NAMED]


def _unit(rules: ValueRules) -> str:
    """The one that the layout fixes, or the first that it writes in its own way."""
    if not rules.show_unit:
        return ""
    return rules.unit if rules.unit is not None else next((shown for _written, shown in rules.unit_map), "")
