"""What a reader sees: a case's tree reduced to what a disclosure set allows. Default deny, headings included.

Everything disclosed is a shown feature of the snapshot, a heading above one, or a supplied entry of the set. The
result depends on nothing else, so features that are not shown cannot change it by a byte.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from augmed.foundation.canonical import digest
from cases.augmed_paths import (
    AdviceName,
    MatchedFeature,
    PathError,
    PathIndex,
    PathMatch,
    PathRules,
    match_augmed_path,
    merge_matches,
    path_index,
)
from cases.disclosure_content import (
    PLAIN,
    AdviceNode,
    DisclosureContent,
    DisclosureEntry,
    DisclosureError,
    Heading,
    Show,
    Style,
    Supply,
    merge_styles,
    said_style,
    style_as_said,
    style_from_json,
    style_to_json,
)
from cases.disclosure_matrix import (
    FoundFeature,
    MatrixCell,
    MatrixNode,
    Resolution,
    resolve,
    resolve_with_report,
    shown_by_visibility,
)
from cases.tree import Entry, Feature, Identity, Kind, Node, Role, Tree, entry_to_json

__all__ = [
    "ENGINE_VERSION",
    "PLAIN",
    "AdviceName",
    "AdviceNode",
    "Difference",
    "DisclosedFeature",
    "DisclosedNode",
    "DisclosedTree",
    "DisclosureContent",
    "DisclosureEntry",
    "DisclosureError",
    "FoundFeature",
    "Heading",
    "Important",
    "MatchedFeature",
    "MatrixCell",
    "MatrixNode",
    "PathError",
    "PathIndex",
    "PathMatch",
    "PathRules",
    "Resolution",
    "Show",
    "Style",
    "Supply",
    "compare",
    "disclose",
    "disclosed_features",
    "disclosed_sha256",
    "disclosed_to_json",
    "match_augmed_path",
    "merge_matches",
    "merge_styles",
    "path_index",
    "resolve",
    "resolve_with_report",
    "said_style",
    "shown_by_visibility",
    "style_as_said",
    "style_from_json",
    "style_to_json",
]

ENGINE_VERSION = "1"
"""Raised whenever the same tree and set would give another disclosed tree; stored with every review."""


@dataclass(frozen=True, slots=True)
class DisclosedFeature:
    """A feature as disclosed. `supplied` when it comes from the set; its discriminator is then 's:<label>'."""

    node_key: str
    discriminator: str
    label: str
    kind: Kind
    role: Role
    style: Style
    supplied: bool
    entries: tuple[Entry, ...]

    @property
    def identity(self) -> Identity:
        return Identity(self.node_key, self.discriminator)


@dataclass(frozen=True, slots=True)
class DisclosedNode:
    """A heading with something disclosed below it."""

    key: str
    label: str
    level: Literal["section", "category"]
    children: tuple["DisclosedNode | DisclosedFeature", ...]


@dataclass(frozen=True, slots=True)
class Important:
    """A pinned feature: its identity and its labels from the section down."""

    identity: Identity
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DisclosedTree:
    """All that a review serves. `importants` come by `top` ascending, then in tree order."""

    schema_version: int
    sections: tuple[DisclosedNode, ...]
    importants: tuple[Important, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One identity in two disclosed trees; `first` and `second` are None where it is not disclosed."""

    identity: Identity
    path: tuple[str, ...]
    kind: Literal["same", "only_a", "only_b", "style_differs", "entries_differ"]
    first: DisclosedFeature | None
    second: DisclosedFeature | None


def disclose(
    tree: Tree,
    entries: Iterable[DisclosureEntry],
    advice_nodes: Iterable[AdviceNode] = (),
    node_order: Sequence[str] = (),
) -> DisclosedTree:
    """Return what these entries disclose of the tree.

    `advice_nodes` are the layout's nodes that may take supplied values, with the headings above them; `node_order`
    the layout's node keys in order, by which a supplied value finds its place (without it: last). A show that the
    tree does not have discloses nothing. DisclosureError for a supply at a node that takes none.
    """
    content = DisclosureContent.of(entries)
    styles = {show.identity: show.style for show in content.shows}
    children = _disclosed_children(tree.sections, styles)
    places = {node.key: node for node in advice_nodes if node.accepts_supplies}
    ranks = {key: rank for rank, key in enumerate(node_order)}
    for supply in content.supplies:
        if supply.node_key not in places:
            raise DisclosureError(f"supply {supply.label!r}: node {supply.node_key!r} takes no supplied values")
        children = _place(children, places[supply.node_key].headings, _supplied(supply), ranks)
    sections = tuple(child for child in children if isinstance(child, DisclosedNode))
    return DisclosedTree(tree.schema_version, sections, _importants(sections))


def disclosed_features(disclosed: DisclosedTree) -> Iterator[tuple[DisclosedFeature, tuple[str, ...]]]:
    """Yield every disclosed feature in order with its labels from the section down to its own."""
    return _features_below(disclosed.sections, ())


def disclosed_to_json(disclosed: DisclosedTree) -> dict[str, Any]:
    """Return the disclosed tree as JSON values: the tree's form, with style and supplied at the features."""
    return {
        "schema_version": disclosed.schema_version,
        "sections": [_child_to_json(section) for section in disclosed.sections],
        "importants": [
            {"key": key, "discriminator": discriminator, "path": list(important.path)}
            for important in disclosed.importants
            for key, discriminator in [important.identity]
        ],
    }


def disclosed_sha256(disclosed: DisclosedTree) -> str:
    """Return the SHA-256 of the canonical JSON of the disclosed tree."""
    return digest(disclosed_to_json(disclosed))


def compare(first: DisclosedTree, second: DisclosedTree) -> tuple[Difference, ...]:
    """Return every identity of both trees, in the order of the first, then those that only the second has."""
    in_first = {feature.identity: (feature, path) for feature, path in disclosed_features(first)}
    in_second = {feature.identity: (feature, path) for feature, path in disclosed_features(second)}
    differences = []
    for identity in dict.fromkeys((*in_first, *in_second)):
        a, path = in_first.get(identity, (None, ()))
        b, path = in_second.get(identity, (None, path))
        differences.append(Difference(identity, path, _difference(a, b), a, b))
    return tuple(differences)


_Children = tuple[DisclosedNode | DisclosedFeature, ...]


def _disclosed_children(children: Iterable[Node | Feature], styles: Mapping[Identity, Style]) -> _Children:
    disclosed: list[DisclosedNode | DisclosedFeature] = []
    for child in children:
        if isinstance(child, Node):
            if below := _disclosed_children(child.children, styles):
                disclosed.append(DisclosedNode(child.key, child.label, child.level, below))
        elif child.identity in styles:
            disclosed.append(_shown(child, styles[child.identity]))
    return tuple(disclosed)


def _shown(feature: Feature, style: Style) -> DisclosedFeature:
    return DisclosedFeature(
        *feature.identity,
        label=feature.label,
        kind=feature.kind,
        role=feature.role,
        style=style,
        supplied=False,
        entries=feature.entries,
    )


def _supplied(supply: Supply) -> DisclosedFeature:
    return DisclosedFeature(
        *supply.identity,
        label=supply.label,
        kind="text",
        role="advice",
        style=supply.style,
        supplied=True,
        entries=(Entry(text=supply.value),),
    )


def _place(
    children: _Children, headings: Sequence[Heading], feature: DisclosedFeature, ranks: Mapping[str, int]
) -> _Children:
    """Put a supplied feature under its headings, making those which nothing else discloses."""
    if not headings:
        return _inserted(children, feature, ranks)
    heading, below = headings[0], headings[1:]
    for index, child in enumerate(children):
        if isinstance(child, DisclosedNode) and child.key == heading.key:
            grown = replace(child, children=_place(child.children, below, feature, ranks))
            return (*children[:index], grown, *children[index + 1 :])
    made = DisclosedNode(heading.key, heading.label, heading.level, _place((), below, feature, ranks))
    return _inserted(children, made, ranks)


def _inserted(children: _Children, item: DisclosedNode | DisclosedFeature, ranks: Mapping[str, int]) -> _Children:
    own = ranks.get(_key(item))
    later = (index for index, child in enumerate(children) if own is not None and ranks.get(_key(child), -1) > own)
    index = next(later, len(children))
    return (*children[:index], item, *children[index:])


def _key(child: DisclosedNode | DisclosedFeature) -> str:
    return child.key if isinstance(child, DisclosedNode) else child.node_key


def _importants(sections: tuple[DisclosedNode, ...]) -> tuple[Important, ...]:
    pinned = [
        (feature.style.top, Important(feature.identity, path))
        for feature, path in _features_below(sections, ())
        if feature.style.top is not None
    ]
    return tuple(important for _, important in sorted(pinned, key=lambda item: item[0]))


def _features_below(
    children: Iterable[DisclosedNode | DisclosedFeature], above: tuple[str, ...]
) -> Iterator[tuple[DisclosedFeature, tuple[str, ...]]]:
    for child in children:
        if isinstance(child, DisclosedFeature):
            yield child, (*above, child.label)
        else:
            yield from _features_below(child.children, (*above, child.label))


def _child_to_json(child: DisclosedNode | DisclosedFeature) -> dict[str, Any]:
    if isinstance(child, DisclosedNode):
        below = [_child_to_json(grandchild) for grandchild in child.children]
        return {"level": child.level, "key": child.key, "label": child.label, "children": below}
    return {
        "level": "feature",
        "key": child.node_key,
        "discriminator": child.discriminator,
        "label": child.label,
        "kind": child.kind,
        "role": child.role,
        "style": style_to_json(child.style),
        "supplied": child.supplied,
        "entries": [entry_to_json(entry) for entry in child.entries],
    }


def _difference(
    a: DisclosedFeature | None, b: DisclosedFeature | None
) -> Literal["same", "only_a", "only_b", "style_differs", "entries_differ"]:
    if b is None:
        return "only_a"
    if a is None:
        return "only_b"
    if a.entries != b.entries or a.label != b.label:
        return "entries_differ"
    return "same" if a.style == b.style else "style_differs"
