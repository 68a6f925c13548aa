"""What is stored of a layout, as plain values for exports, the disclosure matrix and the disclosure engine."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from cases.disclosure import AdviceNode, Heading, MatrixNode, PathRules
from cases.layouts.content import NODE_FIELDS, LayoutContent, NodeData
from cases.layouts.own_format import content_to_json
from cases.models import LayoutNode, LayoutVersion


@dataclass(frozen=True, slots=True)
class LayoutNodeDescription:
    """A node as disclosure needs it. `path`: the labels from the section down to its own; `depth` counts from 0."""

    key: str
    parent: str | None
    label: str
    level: str
    source: str
    demographic: str
    role: str
    visibility: str
    discloses_new_values: bool
    takes_supplied_values: bool
    path: tuple[str, ...]
    headings: tuple[Heading, ...]

    @property
    def depth(self) -> int:
        return len(self.path) - 1

    @property
    def is_feature(self) -> bool:
        return self.level == LayoutNode.Level.FEATURE

    @property
    def matrix_node(self) -> MatrixNode:
        """For `cases.disclosure.resolve`. A heading's visibility is left to its features."""
        visibility = cast(Any, self.visibility) if self.is_feature else None
        return MatrixNode(self.key, self.parent, visibility, self.discloses_new_values)

    @property
    def advice_node(self) -> AdviceNode | None:
        """For `cases.disclosure.disclose` and paths; None where the node is no advice."""
        if self.role != LayoutNode.Role.ADVICE:
            return None
        return AdviceNode(self.key, self.label, self.headings, self.takes_supplied_values)


def layout_nodes(version: LayoutVersion) -> list[LayoutNodeDescription]:
    """All nodes in order of display, depth first. One query."""
    described: dict[int, LayoutNodeDescription] = {}
    for node in version.nodes.order_by("position"):
        above = described[node.parent_id] if node.parent_id is not None else None
        headings: tuple[Heading, ...] = ()
        if above is not None:
            headings = (*above.headings, Heading(above.key, above.label, cast(Any, above.level)))
        described[node.pk] = LayoutNodeDescription(
            key=node.key,
            parent=above.key if above else None,
            label=node.label,
            level=node.level,
            source=node.source,
            demographic=node.demographic,
            role=node.role,
            visibility=node.visibility,
            discloses_new_values=node.discloses_new_values,
            takes_supplied_values=node.takes_supplied_values,
            path=(*(above.path if above else ()), node.label),
            headings=headings,
        )
    return list(described.values())


def matrix_nodes(nodes: Iterable[LayoutNodeDescription]) -> list[MatrixNode]:
    return [node.matrix_node for node in nodes]


def advice_nodes(nodes: Iterable[LayoutNodeDescription]) -> list[AdviceNode]:
    return [advice for node in nodes if (advice := node.advice_node) is not None]


def node_order(nodes: Iterable[LayoutNodeDescription]) -> list[str]:
    return [node.key for node in nodes]


def path_rules(version: LayoutVersion) -> PathRules:
    """How text paths are matched under this version; the plain rules where it says nothing."""
    return PathRules.from_json(version.path_rules)


def layout_content(version: LayoutVersion) -> LayoutContent:
    """The version as plain values. Two queries."""
    keys: dict[int, str] = {}
    nodes: list[NodeData] = []
    for node in version.nodes.order_by("position"):
        keys[node.pk] = node.key
        nodes.append(node_data(node, keys[node.parent_id] if node.parent_id is not None else None))
    layout = version.layout
    return LayoutContent(layout.name, tuple(nodes), layout.description, version.path_rules)


def node_data(node: LayoutNode, parent: str | None) -> NodeData:
    fields: dict[str, Any] = {}
    for name in NODE_FIELDS:
        value = getattr(node, name)
        fields[name] = tuple(value) if isinstance(value, list) else value
    return NodeData(parent=parent, **fields)


def export_layout(version: LayoutVersion) -> dict[str, Any]:
    """The version in this project's own JSON; importing it gives the same layout. Two queries."""
    return content_to_json(layout_content(version))
