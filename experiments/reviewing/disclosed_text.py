"""The disclosed tree of a review as JSON text: computed, hashed, and kept by its hash so that it is served unparsed."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

from django.db.models import JSONField, QuerySet, Subquery
from django.db.models.aggregates import Aggregate
from django.db.models.functions import JSONArray

from augmed.foundation.canonical import canonical_json, sha256_hex
from cases.disclosure import (
    ENGINE_VERSION,
    AdviceNode,
    DisclosedFeature,
    DisclosedNode,
    DisclosureContent,
    Heading,
    disclose,
    disclosed_to_json,
)
from cases.models import LayoutNode
from cases.tree import Tree, feature_key, from_json

NodeRows = Sequence[Sequence[Any]]
"""A layout's nodes in order: [id, parent id, key, label, level, role, takes supplied values]."""


@dataclass(frozen=True, slots=True)
class Disclosed:
    """`text` is canonical JSON of which `sha256` is the hash; `named` the keys of all features and headings in it."""

    text: str
    sha256: str
    named: frozenset[str]


@dataclass(frozen=True, slots=True)
class Contents:
    """What is disclosed, and by what. `nodes` are only needed where the set supplies values."""

    snapshot: str
    snapshot_sha256: str
    disclosure_set: str
    set_sha256: str
    layout_version_id: int
    nodes: NodeRows = ()


class JSONRows(Aggregate):
    """Rows as one JSON list, in the order given: spares a statement for a handful of small rows."""

    function = "JSONB_AGG"
    output_field = JSONField()
    allow_order_by = True

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, function="JSON_GROUP_ARRAY", **extra)


def node_rows(layout_version: Any) -> Subquery:
    """The NodeRows of a layout version (an OuterRef or a Subquery), as a subquery; `in_order` restores their order."""
    row = JSONArray("position", "id", "parent_id", "key", "label", "level", "role", "takes_supplied_values")
    nodes = LayoutNode.objects.filter(version=layout_version).order_by().values("version")
    return Subquery(nodes.annotate(rows=JSONRows(row)).values("rows"))


def in_order(rows: Iterable[Sequence[Any]] | None) -> NodeRows:
    return [list(row)[1:] for row in sorted(rows or (), key=lambda row: row[0])]


def all_node_rows(layout_version_id: int) -> NodeRows:
    """The same by a query of its own, where statements do not count."""
    nodes: QuerySet[LayoutNode] = LayoutNode.objects.filter(version=layout_version_id).order_by("position")
    return list(nodes.values_list("id", "parent_id", "key", "label", "level", "role", "takes_supplied_values"))


@lru_cache(maxsize=128)
def _tree(snapshot: str) -> Tree:
    """A case's tree is parsed once for all the arms and stages that show it. Trees are immutable."""
    return from_json(json.loads(snapshot))


def compute(contents: Contents) -> Disclosed:
    """Disclose anew, without any cache."""
    found = DisclosureContent.from_json(json.loads(contents.disclosure_set))
    advice_nodes, order = _layout(contents.nodes) if found.supplies else ((), ())
    disclosed = disclose(_tree(contents.snapshot), found.entries, advice_nodes, order)
    text = canonical_json(disclosed_to_json(disclosed))
    return Disclosed(text, sha256_hex(text), frozenset(_named(disclosed.sections)))


def disclosed(contents: Contents) -> Disclosed:
    """The same from memory where this snapshot and set were disclosed before."""
    key = (contents.snapshot_sha256, contents.set_sha256, contents.layout_version_id, ENGINE_VERSION)
    known = kept.get(kept.hash_of(key))
    if known is None:
        known = compute(contents)
        kept.put(known, key)
    return known


class Kept:
    """The texts served lately, by hash, at most so many characters. What it gives is what was asked for by
    construction: a text is only found by its own hash."""

    def __init__(self, most_characters: int) -> None:
        self.most_characters = most_characters
        self._lock = Lock()
        self._texts: OrderedDict[str, Disclosed] = OrderedDict()
        self._hashes: OrderedDict[tuple[Any, ...], str] = OrderedDict()
        self._characters = 0

    def get(self, sha256: str | None) -> Disclosed | None:
        with self._lock:
            if sha256 is None or sha256 not in self._texts:
                return None
            self._texts.move_to_end(sha256)
            return self._texts[sha256]

    def hash_of(self, key: tuple[Any, ...]) -> str | None:
        with self._lock:
            return self._hashes.get(key)

    def put(self, made: Disclosed, key: tuple[Any, ...] | None = None) -> None:
        with self._lock:
            if key is not None:
                self._hashes[key] = made.sha256
                while len(self._hashes) > 100_000:
                    self._hashes.popitem(last=False)
            if made.sha256 not in self._texts and len(made.text) <= self.most_characters:
                self._texts[made.sha256] = made
                self._characters += len(made.text)
            while self._characters > self.most_characters:
                _, dropped = self._texts.popitem(last=False)
                self._characters -= len(dropped.text)

    def clear(self) -> None:
        with self._lock:
            self._texts.clear()
            self._hashes.clear()
            self._characters = 0


kept = Kept(most_characters=32_000_000)


def _layout(rows: NodeRows) -> tuple[list[AdviceNode], list[str]]:
    """The nodes that may take supplied values, with the headings above them, and all keys in layout order."""
    by_id = {row[0]: row for row in rows}
    advice = [
        AdviceNode(key, label, tuple(_headings(by_id, parent_id)))
        for _id, parent_id, key, label, _level, role, takes in rows
        if role == "advice" and takes
    ]
    return advice, [row[2] for row in rows]


def _headings(by_id: dict[int, Sequence[Any]], node_id: int | None) -> list[Heading]:
    above: list[Heading] = []
    while node_id is not None:
        _id, node_id, key, label, level, *_ = by_id[node_id]
        above.insert(0, Heading(key, label, level))
    return above


def _named(children: Iterable[DisclosedNode | DisclosedFeature]) -> Iterable[str]:
    for child in children:
        if isinstance(child, DisclosedFeature):
            yield feature_key(child.node_key, child.discriminator)
        else:
            yield child.key
            yield from _named(child.children)
