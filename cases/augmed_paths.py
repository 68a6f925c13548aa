"""The text paths of AugMed's configuration files, matched against the features of one case.

A path is `SECTION.Category.Feature: Value`, its dots unescaped, so it is never cut apart but compared as a whole with
the joined labels. What is particular to AugMed's own sections comes in as data (PathRules of the layout).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from augmed.foundation.canonical import nfc
from cases.disclosure_content import (
    PLAIN,
    AdviceNode,
    DisclosureEntry,
    DisclosureError,
    Show,
    Style,
    Supply,
    merge_styles,
)
from cases.tree import Feature, Identity, augmed_path


@dataclass(frozen=True, slots=True)
class AdviceName:
    """A name by which files call an advice node besides its label.

    `supply_label` is the label under which a value supplied by this name is shown ('' for the name itself). `prefer`
    lists discriminators: of the features found at the node only the first one listed is shown; empty: all are.
    """

    name: str
    node_key: str
    supply_label: str = ""
    prefer: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreNode:
    """An advice node whose values are scores in AugMed's sense, which its client shows in a way of their own.

    `labels`: (label in the case, label shown there), the one to show as the score first.
    """

    node_key: str
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PathRules:
    """What a layout says about its text paths, and about what AugMed's client shows apart from the tree.

    `last_label_sections`: labels of sections in which only the last label of a path decides (AugMed's physical
    examination). `label_aliases`: (label in files, label in the layout), used there. `advice_section`: the first label
    of paths that mean advice nodes, wherever these stand (AugMed's risk assessment); None for none. `score_nodes`:
    what its client shows as scores; `complaint_nodes`: keys of the nodes whose labels its list of cases shows as the
    complaint.
    """

    last_label_sections: tuple[str, ...] = ()
    label_aliases: tuple[tuple[str, str], ...] = ()
    advice_section: str | None = None
    advice_names: tuple[AdviceName, ...] = ()
    score_nodes: tuple[ScoreNode, ...] = ()
    complaint_nodes: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "PathRules":
        """Return the rules of such JSON values, all keys optional; DisclosureError when malformed."""
        if unknown := sorted(value.keys() - set(cls.__dataclass_fields__)):
            raise DisclosureError(f"path rules: unknown key {', '.join(unknown)}")
        try:
            names = [AdviceName(**name) for name in value.get("advice_names", [])]
            scores = [ScoreNode(**score) for score in value.get("score_nodes", [])]
            return cls(
                tuple(value.get("last_label_sections", [])),
                _pairs(value.get("label_aliases", [])),
                value.get("advice_section"),
                tuple(AdviceName(n.name, n.node_key, n.supply_label, tuple(n.prefer)) for n in names),
                tuple(ScoreNode(score.node_key, _pairs(score.labels)) for score in scores),
                tuple(value.get("complaint_nodes", [])),
            )
        except (TypeError, ValueError) as error:
            raise DisclosureError(f"path rules: {error}") from error

    def to_json(self) -> dict[str, Any]:
        names = [
            {"name": n.name, "node_key": n.node_key, "supply_label": n.supply_label, "prefer": list(n.prefer)}
            for n in self.advice_names
        ]
        return {
            "last_label_sections": list(self.last_label_sections),
            "label_aliases": [list(pair) for pair in self.label_aliases],
            "advice_section": self.advice_section,
            "advice_names": names,
            "score_nodes": [
                {"node_key": score.node_key, "labels": [list(pair) for pair in score.labels]}
                for score in self.score_nodes
            ],
            "complaint_nodes": list(self.complaint_nodes),
        }


def _pairs(value: Iterable[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((first, second) for first, second in value)


@dataclass(frozen=True, slots=True)
class MatchedFeature:
    """A feature that a path names, the labels above it, and the texts of its entries."""

    identity: Identity
    headings: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PathMatch:
    """What a path names: features, or one supplied value.

    `also_discloses` holds entry texts shown beside the one that the path spells out, for a preview to point at.
    """

    path: str
    features: tuple[MatchedFeature, ...] = ()
    supply: Supply | None = None
    also_discloses: tuple[str, ...] = ()

    @property
    def identities(self) -> tuple[Identity, ...]:
        return tuple(feature.identity for feature in self.features)


@dataclass(frozen=True, slots=True)
class PathError:
    """A path that names nothing, and why."""

    path: str
    reason: str


_Hits = dict[str, list[tuple[MatchedFeature, str | None]]]


@dataclass(frozen=True, slots=True)
class PathIndex:
    """The paths of one case's features, made once for many look-ups. Values: feature, and the entry text spelled."""

    features: _Hits = field(default_factory=lambda: defaultdict(list))
    categories: _Hits = field(default_factory=lambda: defaultdict(list))
    cards: _Hits = field(default_factory=lambda: defaultdict(list))
    deeper: _Hits = field(default_factory=lambda: defaultdict(list))
    by_node: dict[str, list[MatchedFeature]] = field(default_factory=lambda: defaultdict(list))


def path_index(features_with_labels: Iterable[tuple[Feature, tuple[str, ...]]]) -> PathIndex:
    """Index features as `cases.tree.features` yields them."""
    index = PathIndex()
    for feature, labels in features_with_labels:
        names = tuple(nfc(label) for label in labels)
        texts = tuple(nfc(entry.text) for entry in feature.entries)
        found = MatchedFeature(feature.identity, names[:-1], texts)
        index.by_node[feature.node_key].append(found)
        for text, spelled in _spellings(augmed_path(names), texts):
            index.features[text.strip()].append((found, spelled))
        for depth in range(2, len(names)):
            index.categories[augmed_path(names[:depth]).strip()].append((found, None))
        for depth, label in enumerate(names[1:], start=1):
            hits = index.cards if depth == 1 else index.deeper
            spellings = _spellings(label, texts) if depth == len(names) - 1 else [(label, None)]
            for text, spelled in spellings:
                hits[augmed_path((names[0], text)).strip()].append((found, spelled))
    return index


def match_augmed_path(
    path: str,
    features_with_labels: PathIndex | Iterable[tuple[Feature, tuple[str, ...]]],
    rules: PathRules | None = None,
    advice_nodes: Iterable[AdviceNode] = (),
    source: str = "",
) -> PathMatch | PathError:
    """Return what a path names in one case, or why it names nothing.

    The whole text, trimmed and case-sensitive, must equal the joined labels of a feature, with or without a value, or
    of a category above features, which shows all below. A section alone is too much and is refused. `source` is kept
    in a supply.
    """
    index = features_with_labels if isinstance(features_with_labels, PathIndex) else path_index(features_with_labels)
    rules = rules or PathRules()
    text = nfc(path.strip())
    _, dot, rest = text.partition(".")
    if not dot or not rest.strip():
        return PathError(path, "a path names a section and, after a '.', something in it")
    if rules.advice_section is not None and text.startswith(nfc(rules.advice_section) + "."):
        rest = text[len(nfc(rules.advice_section)) + 1 :].strip()
        return _match_advice(path, rest, index, rules, tuple(advice_nodes), source)
    hits = index.features.get(text) or index.categories.get(text) or _match_last_label(text, index, rules)
    if not hits:
        return PathError(path, "no feature or category of this case is called so")
    return _as_match(path, hits)


def merge_matches(matches: Sequence[tuple[PathMatch, Style]]) -> tuple[DisclosureEntry, ...]:
    """Return the entries that the rows of one case make together, in file order.

    Styles are merged over all rows that name something under the same heading, and hold for all of it, as AugMed's
    categories do. A value supplied twice alike counts once; DisclosureError when two values differ.
    """
    styles: dict[tuple[str, ...], list[Style]] = defaultdict(list)
    shown: dict[Identity, tuple[str, ...]] = {}
    supplies: dict[Identity, list[tuple[Supply, Style]]] = defaultdict(list)
    for match, style in matches:
        for heading in dict.fromkeys(feature.headings for feature in match.features):
            styles[heading].append(style)
        shown |= {feature.identity: feature.headings for feature in match.features}
        if match.supply is not None:
            supplies[match.supply.identity].append((match.supply, style))
    merged = {heading: merge_styles(listed) for heading, listed in styles.items()}
    shows = [Show(*identity, style=merged[heading]) for identity, heading in shown.items()]
    return (*shows, *(_one_supply(listed) for listed in supplies.values()))


def _spellings(name: str, texts: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """A feature's name alone, and with each value as 'name: value' and 'name.value'."""
    yield name, None
    for text in dict.fromkeys(texts):
        if text:
            yield f"{name}: {text}", text
            yield f"{name}.{text}", text


def _match_last_label(text: str, index: PathIndex, rules: PathRules) -> list[tuple[MatchedFeature, str | None]] | None:
    aliases = {nfc(written): nfc(label) for written, label in rules.label_aliases}
    for section in map(nfc, rules.last_label_sections):
        if not text.startswith(f"{section}."):
            continue
        rest = text[len(section) + 1 :]
        # The text after the last dot first; longer endings only serve labels and values that hold a dot themselves.
        pieces = rest.split(".")
        for count in range(1, len(pieces) + 1):
            ending = ".".join(pieces[-count:])
            key = f"{section}.{aliases.get(ending, ending)}"
            if hits := index.cards.get(key) or index.deeper.get(key):
                return hits
    return None


def _match_advice(
    path: str,
    rest: str,
    index: PathIndex,
    rules: PathRules,
    advice_nodes: tuple[AdviceNode, ...],
    source: str,
) -> PathMatch | PathError:
    nodes = {node.key: node for node in advice_nodes}
    names = [AdviceName(nfc(node.label), node.key) for node in advice_nodes]
    names += [name for name in rules.advice_names if name.node_key in nodes]
    # The longest name first, as one name may be the beginning of another.
    for name in sorted(names, key=lambda name: len(nfc(name.name)), reverse=True):
        written = nfc(name.name)
        if rest == written:
            return _show_advice(path, name, index)
        if rest.startswith(f"{written}:"):
            return _supply_advice(path, name, nodes[name.node_key], rest[len(written) + 1 :].strip(), source)
    return PathError(path, "the layout has no advice node of this name")


def _show_advice(path: str, name: AdviceName, index: PathIndex) -> PathMatch | PathError:
    found = index.by_node.get(name.node_key, [])
    if name.prefer:
        by_discriminator = {feature.identity.discriminator: feature for feature in found}
        found = [by_discriminator[wanted] for wanted in name.prefer if wanted in by_discriminator][:1]
    if not found:
        return PathError(path, f"this case has no advice {name.name!r}")
    return PathMatch(path, tuple(found))


def _supply_advice(path: str, name: AdviceName, node: AdviceNode, value: str, source: str) -> PathMatch | PathError:
    if not node.accepts_supplies:
        return PathError(path, f"the advice node {node.label!r} takes no values from files")
    try:
        supply = Supply(node.key, name.supply_label or name.name, value, PLAIN, source)
    except DisclosureError as error:
        return PathError(path, str(error))
    return PathMatch(path, supply=supply)


def _as_match(path: str, hits: Iterable[tuple[MatchedFeature, str | None]]) -> PathMatch:
    features: dict[MatchedFeature, None] = {}
    beside: dict[str, None] = {}
    for feature, spelled in hits:
        features[feature] = None
        if spelled is not None:
            beside |= {text: None for text in feature.texts if text != spelled}
    return PathMatch(path, tuple(features), None, tuple(beside))


def _one_supply(listed: Sequence[tuple[Supply, Style]]) -> Supply:
    first = listed[0][0]
    for supply, _ in listed:
        if supply.value != first.value:
            raise DisclosureError(f"two values for {first.label!r}: {first.value!r} and {supply.value!r}")
    style = merge_styles(style for _, style in listed)
    return Supply(first.node_key, first.label, first.value, style, first.source)
