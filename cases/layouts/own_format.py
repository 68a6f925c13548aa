"""This project's own JSON of a layout (docs/layout-format.md): strict in, and out again without loss."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cases.layouts.content import (
    CATEGORY,
    FEATURE,
    NODE_FIELDS,
    SECTION,
    LayoutContent,
    LayoutError,
    NodeData,
    NodeProblem,
)

FORMAT = "augmed-layout"
FORMAT_VERSION = 1
_TOP_KEYS = {"format", "version", "name", "description", "path_rules", "sections"}
_NODE_KEYS = {*NODE_FIELDS, "children"}
_DEFAULTS = NodeData("", "", "")


def is_own_format(value: Any) -> bool:
    return isinstance(value, Mapping) and ("format" in value or "sections" in value)


def content_from_json(value: Mapping[str, Any]) -> LayoutContent:
    """Return the layout of such JSON; LayoutError names every node, or place, that cannot be read."""
    problems: list[NodeProblem] = []
    if value.get("format") != FORMAT or value.get("version") != FORMAT_VERSION:
        said = f"format {value.get('format')!r} version {value.get('version')!r}"
        problems.append(NodeProblem("", f'{said}: this reads format "{FORMAT}" version {FORMAT_VERSION}'))
    if unknown := sorted(str(key) for key in value.keys() - _TOP_KEYS):
        problems.append(NodeProblem("", f"unknown key {', '.join(unknown)}"))
    texts = {}
    for name in ("name", "description"):
        texts[name] = value.get(name, "")
        if not isinstance(texts[name], str):
            problems.append(NodeProblem("", f"{name}: a text is needed"))
    path_rules = value.get("path_rules", {})
    if not isinstance(path_rules, Mapping):
        problems.append(NodeProblem("", "path_rules: an object is needed"))
    sections = value.get("sections")
    if not isinstance(sections, list):
        problems.append(NodeProblem("", "sections: a list is needed"))
        sections = []
    nodes = [n for i, s in enumerate(sections) for n in _nodes(s, None, f"sections[{i}]", problems)]
    if problems:
        raise LayoutError(problems)
    return LayoutContent(texts["name"], tuple(nodes), texts["description"], path_rules)


def content_to_json(content: LayoutContent) -> dict[str, Any]:
    """Return the layout as JSON; what is as by default is left out."""
    children: dict[str | None, list[NodeData]] = {}
    for node in content.nodes:
        children.setdefault(node.parent, []).append(node)
    value: dict[str, Any] = {"format": FORMAT, "version": FORMAT_VERSION, "name": content.name}
    if content.description:
        value["description"] = content.description
    if content.path_rules:
        value["path_rules"] = dict(content.path_rules)
    value["sections"] = [_node_to_json(section, children) for section in children.get(None, [])]
    return value


def _node_to_json(node: NodeData, children: Mapping[str | None, list[NodeData]]) -> dict[str, Any]:
    value: dict[str, Any] = {"key": node.key, "label": node.label}
    for name in NODE_FIELDS:
        held = getattr(node, name)
        if name not in ("key", "label", "level") and held != getattr(_DEFAULTS, name):
            value[name] = list(held) if isinstance(held, tuple) else held
    if node.level != FEATURE:
        value["children"] = [_node_to_json(child, children) for child in children.get(node.key, [])]
    return value


def _nodes(value: Any, parent: str | None, path: str, problems: list[NodeProblem]) -> Iterator[NodeData]:
    """One node and all below it. What has `children` is a heading, everything else a feature."""
    if not isinstance(value, Mapping):
        problems.append(NodeProblem(path, "an object is needed"))
        return
    key = value.get("key")
    place = key if isinstance(key, str) and key else path
    if unknown := sorted(str(name) for name in value.keys() - _NODE_KEYS):
        problems.append(NodeProblem(place, f"unknown key {', '.join(unknown)}"))
    children = value.get("children")
    if children is not None and not isinstance(children, list):
        problems.append(NodeProblem(place, "children: a list is needed"))
        children = []
    if children is not None and value.get("source"):
        problems.append(NodeProblem(place, "a feature (it has a source) cannot have nodes below it"))
    level = value.get("level") or (SECTION if parent is None else FEATURE if children is None else CATEGORY)
    fields: dict[str, Any] = {"level": level, "parent": parent}
    for name in NODE_FIELDS:
        if name in value and name != "level":
            try:
                fields[name] = _READERS[name](value[name])
            except ValueError as error:
                problems.append(NodeProblem(place, f"{name}: {error}"))
    for name in ("key", "label"):
        if name not in value:
            problems.append(NodeProblem(place, f"{name} is missing"))
            fields[name] = ""
        fields.setdefault(name, "")
    yield NodeData(**fields)
    for index, child in enumerate(children or []):
        yield from _nodes(child, fields["key"], f"{path}.children[{index}]", problems)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r} is not a whole number")
    return value


def _optional_whole(value: Any) -> int | None:
    return None if value is None else _whole(value)


def _whole_numbers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise ValueError("a list is needed")
    return tuple(_whole(item) for item in value)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("a list is needed")
    return tuple(_text(item) for item in value)


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("an object is needed")
    return value


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "key": _text,
    "label": _text,
    "source": _text,
    "demographic": _text,
    "concept_ids": _whole_numbers,
    "include_descendants": _boolean,
    "relationship_ids": _texts,
    "type_concept_ids": _whole_numbers,
    "window": _text,
    "window_number": _optional_whole,
    "label_rule": _text,
    "value_rules": _object,
    "role": _text,
    "takes_supplied_values": _boolean,
    "discloses_new_values": _boolean,
    "visibility": _text,
}
