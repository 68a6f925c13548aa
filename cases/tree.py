"""The feature tree of a case: sections > categories > features > entries, in layout order.

Plain values and their strict JSON form. Where order matters there is a list, never the key order of an
object. The number zero is a value, and a feature with no entry, one or many has the same shape.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeVar, cast

from augmed.foundation.canonical import canonical_decimal, digest
from cases.value_text import (
    ValueClass,
    compose_text,
    concept_discriminator,
    format_number,
    map_number,
    normalise_label,
    range_text,
    split_label,
    text_discriminator,
)

__all__ = [
    "SCHEMA_VERSION",
    "Entry",
    "Feature",
    "Identity",
    "ModelOutput",
    "Node",
    "Tree",
    "TreeError",
    "ValueClass",
    "augmed_path",
    "compose_text",
    "concept_discriminator",
    "drop_empty",
    "entry_to_json",
    "feature_key",
    "features",
    "format_number",
    "from_json",
    "map_number",
    "normalise_label",
    "path_text",
    "range_text",
    "split_label",
    "split_path",
    "text_discriminator",
    "to_json",
    "tree_sha256",
]

SCHEMA_VERSION = 1

Kind = Literal["text", "number", "coded", "series", "note", "exhibit"]
Role = Literal["clinical", "advice"]
KINDS = ("text", "number", "coded", "series", "note", "exhibit")
ROLES = ("clinical", "advice")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2})?", re.ASCII)
_DISCRIMINATOR = re.compile(r"(c:\d+|t:.+)?", re.ASCII | re.DOTALL)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_Value = TypeVar("_Value")


class TreeError(ValueError):
    """A tree, or its JSON, is not well formed; the message starts with the place."""


class Identity(NamedTuple):
    """What a feature is known by across cases, snapshots and disclosure sets."""

    node_key: str
    discriminator: str


def feature_key(node_key: str, discriminator: str) -> str:
    """One text for a feature's identity, as events and exports name it."""
    return f"{node_key}|{discriminator}" if discriminator else node_key


@dataclass(frozen=True, slots=True)
class ModelOutput:
    """Where a piece of advice comes from. `produced_at` is a date or a local date and time, or ''."""

    model: str
    version: str
    produced_at: str
    caveat: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One value as displayed, and what it was made of.

    `number`, `low` and `high` are canonical decimals; `date` is YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS in local
    time; `blob` is the SHA-256 of an exhibit's bytes.
    """

    text: str
    number: str | None = None
    unit: str | None = None
    low: str | None = None
    high: str | None = None
    operator: str | None = None
    concept_id: int | None = None
    date: str | None = None
    model: ModelOutput | None = None
    blob: str | None = None

    def __post_init__(self) -> None:
        for name in ("number", "low", "high"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not _is_canonical(value)):
                raise TreeError(f"entry.{name}: {value!r} is not a canonical decimal text")
        if self.date is not None and not _is_date(self.date):
            raise TreeError(f"entry.date: {self.date!r} is neither YYYY-MM-DD nor YYYY-MM-DDTHH:MM:SS")
        if self.blob is not None and not _SHA256.fullmatch(self.blob):
            raise TreeError("entry.blob: not a SHA-256 in lower-case hexadecimal")


_MODEL_KEYS = tuple(field.name for field in fields(ModelOutput))
_ENTRY_KEYS = tuple(field.name for field in fields(Entry))


@dataclass(frozen=True, slots=True)
class Feature:
    """What is disclosed or not, as a whole. `discriminator` is '', 'c:<concept id>' or 't:<label>'."""

    node_key: str
    discriminator: str
    label: str
    kind: Kind
    role: Role
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise TreeError(f"feature {self.node_key}: unknown kind {self.kind!r}")
        if self.role not in ROLES:
            raise TreeError(f"feature {self.node_key}: unknown role {self.role!r}")
        if not _DISCRIMINATOR.fullmatch(self.discriminator):
            raise TreeError(f"feature {self.node_key}: discriminator {self.discriminator!r} is not '', c: or t:")

    @property
    def identity(self) -> Identity:
        return Identity(self.node_key, self.discriminator)


@dataclass(frozen=True, slots=True)
class Node:
    """A heading: a section at the top, categories to any depth below it."""

    key: str
    label: str
    level: Literal["section", "category"]
    children: tuple["Node | Feature", ...]

    def __post_init__(self) -> None:
        if self.level not in ("section", "category"):
            raise TreeError(f"node {self.key}: unknown level {self.level!r}")
        if any(isinstance(child, Node) and child.level == "section" for child in self.children):
            raise TreeError(f"node {self.key}: a section stands only at the top")


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole case. No identity occurs twice: entries of one feature belong together."""

    schema_version: int
    sections: tuple[Node, ...]

    def __post_init__(self) -> None:
        if any(section.level != "section" for section in self.sections):
            raise TreeError("tree: only sections stand at the top")
        seen: set[Identity] = set()
        for feature, labels in features(self):
            if feature.identity in seen:
                raise TreeError(f"{path_text(labels)}: the feature {tuple(feature.identity)} occurs twice")
            seen.add(feature.identity)


def features(tree: Tree) -> Iterator[tuple[Feature, tuple[str, ...]]]:
    """Yield every feature in tree order with its labels from the section down to its own."""
    for section in tree.sections:
        yield from _features_below(section, ())


def drop_empty(tree: Tree) -> Tree:
    """Return the tree without headings that have no feature below. Features without entries stay."""
    kept = (_without_empty(section) for section in tree.sections)
    return Tree(tree.schema_version, tuple(section for section in kept if section.children))


def path_text(labels: Sequence[str]) -> str:
    r"""Join labels by '.', writing a literal dot as '\.' and a literal backslash as '\\'."""
    if not labels:
        raise ValueError("a path has at least one label")
    return ".".join(label.replace("\\", "\\\\").replace(".", "\\.") for label in labels)


def split_path(text: str) -> tuple[str, ...]:
    """Return the labels that path_text joined; ValueError for a backslash before anything but . or itself."""
    labels, current, characters = [], "", iter(text)
    for character in characters:
        if character == "\\":
            escaped = next(characters, "")
            if escaped not in (".", "\\"):
                raise ValueError(f"path {text!r}: a backslash must be followed by '.' or a backslash")
            current += escaped
        elif character == ".":
            labels.append(current)
            current = ""
        else:
            current += character
    return (*labels, current)


def augmed_path(labels: Sequence[str]) -> str:
    """Join labels by '.', dots unescaped, as in AugMed's configuration files."""
    return ".".join(labels)


def tree_sha256(tree: Tree) -> str:
    """Return the SHA-256 of the canonical JSON of the tree."""
    return digest(to_json(tree))


def to_json(tree: Tree) -> dict[str, Any]:
    """Return the tree as JSON values; every object has all its keys."""
    return {
        "schema_version": tree.schema_version,
        "sections": [_child_to_json(section) for section in tree.sections],
    }


def entry_to_json(entry: Entry) -> dict[str, Any]:
    """Return one entry as JSON values, with all its keys."""
    value = {name: getattr(entry, name) for name in _ENTRY_KEYS}
    if entry.model is not None:
        value["model"] = {name: getattr(entry.model, name) for name in _MODEL_KEYS}
    return value


def from_json(value: Any) -> Tree:
    """Return the tree of such JSON values; TreeError says where a key or a type is wrong."""
    found = _object(value, {"schema_version", "sections"}, "$")
    if found["schema_version"] != SCHEMA_VERSION or isinstance(found["schema_version"], bool):
        raise TreeError(f"$.schema_version: {found['schema_version']!r} is not {SCHEMA_VERSION}")
    sections = _list(found["sections"], "$.sections", _child_from_json)
    if not all(isinstance(section, Node) for section in sections):
        raise TreeError("$.sections: only sections stand at the top")
    return Tree(SCHEMA_VERSION, cast(tuple[Node, ...], sections))


def _is_canonical(value: str) -> bool:
    try:
        return canonical_decimal(value) == value
    except ValueError:
        return False


def _is_date(value: str) -> bool:
    if not _DATE.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _features_below(node: Node, above: tuple[str, ...]) -> Iterator[tuple[Feature, tuple[str, ...]]]:
    labels = (*above, node.label)
    for child in node.children:
        if isinstance(child, Feature):
            yield child, (*labels, child.label)
        else:
            yield from _features_below(child, labels)


def _without_empty(node: Node) -> Node:
    kept: list[Node | Feature] = []
    for child in node.children:
        thinned = child if isinstance(child, Feature) else _without_empty(child)
        if isinstance(thinned, Feature) or thinned.children:
            kept.append(thinned)
    return Node(node.key, node.label, node.level, tuple(kept))


def _child_to_json(child: Node | Feature) -> dict[str, Any]:
    if isinstance(child, Node):
        below = [_child_to_json(grandchild) for grandchild in child.children]
        return {"level": child.level, "key": child.key, "label": child.label, "children": below}
    return {
        "level": "feature",
        "key": child.node_key,
        "discriminator": child.discriminator,
        "label": child.label,
        "kind": child.kind,
        "role": child.role,
        "entries": [entry_to_json(entry) for entry in child.entries],
    }


def _child_from_json(value: Any, path: str) -> Node | Feature:
    level = value.get("level") if isinstance(value, dict) else None
    if level == "feature":
        return _feature_from_json(value, path)
    found = _object(value, {"level", "key", "label", "children"}, path)
    if level not in ("section", "category"):
        raise TreeError(f"{path}.level: {level!r} is neither section, category nor feature")
    children = _list(found["children"], f"{path}.children", _child_from_json)
    return Node(_string(found["key"], f"{path}.key"), _string(found["label"], f"{path}.label"), level, children)


def _feature_from_json(value: Any, path: str) -> Feature:
    keys = {"level", "key", "discriminator", "label", "kind", "role", "entries"}
    found = _object(value, keys, path)
    key, discriminator, label, kind, role = (
        _string(found[name], f"{path}.{name}") for name in ("key", "discriminator", "label", "kind", "role")
    )
    entries = _list(found["entries"], f"{path}.entries", _entry_from_json)
    try:
        return Feature(key, discriminator, label, cast(Kind, kind), cast(Role, role), entries)
    except TreeError as error:
        raise TreeError(f"{path}: {error}") from error


def _entry_from_json(value: Any, path: str) -> Entry:
    found = dict(_object(value, set(_ENTRY_KEYS), path))
    _string(found["text"], f"{path}.text")
    for name in found.keys() - {"text", "concept_id", "model"}:
        if found[name] is not None:
            _string(found[name], f"{path}.{name}")
    concept_id = found["concept_id"]
    if concept_id is not None and (not isinstance(concept_id, int) or isinstance(concept_id, bool)):
        raise TreeError(f"{path}.concept_id: {concept_id!r} is not an integer")
    if found["model"] is not None:
        model = _object(found["model"], set(_MODEL_KEYS), f"{path}.model")
        found["model"] = ModelOutput(**{name: _string(text, f"{path}.model.{name}") for name, text in model.items()})
    try:
        return Entry(**found)
    except TreeError as error:
        raise TreeError(f"{path}: {error}") from error


def _object(value: Any, keys: set[str], path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TreeError(f"{path}: an object is needed")
    if unknown := sorted(str(key) for key in value.keys() - keys):
        raise TreeError(f"{path}: unknown key {', '.join(unknown)}")
    if missing := sorted(keys - value.keys()):
        raise TreeError(f"{path}: missing key {', '.join(missing)}")
    return value


def _list(value: Any, path: str, read: Callable[[Any, str], _Value]) -> tuple[_Value, ...]:
    if not isinstance(value, list):
        raise TreeError(f"{path}: a list is needed")
    return tuple(read(item, f"{path}[{index}]") for index, item in enumerate(value))


def _string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise TreeError(f"{path}: a text is needed")
    return value
