"""The checks of a layout that need no database. Every problem names its node; all are reported at once."""

from collections.abc import Iterable, Iterator, Mapping

from cases.building.rules import RulesError, ValueRules
from cases.disclosure import DisclosureError, PathRules
from cases.layouts.content import (
    CATEGORY,
    DEMOGRAPHICS,
    FEATURE,
    LABEL_RULES,
    LEVELS,
    ROLES,
    SECTION,
    SOURCES,
    VISIBILITIES,
    WINDOWS,
    LayoutContent,
    NodeData,
    NodeProblem,
)
from cases.models.layout import key_validator

LONGEST_LABEL = 255


def problems_of(content: LayoutContent) -> list[NodeProblem]:
    """Everything that is wrong with the layout, in the order of its nodes."""
    nodes: dict[str, NodeData] = {}
    found: list[NodeProblem] = []
    if not content.name.strip() or len(content.name) > 200:
        found.append(NodeProblem("", "the layout needs a name of at most 200 characters"))
    if not content.nodes:
        found.append(NodeProblem("", "the layout has no section"))
    for node in content.nodes:
        if node.key in nodes:
            found.append(NodeProblem(node.key, "this key is used twice"))
        nodes.setdefault(node.key, node)
    parents = {node.parent for node in content.nodes}
    for node in content.nodes:
        messages = (*_naming(node), *_place(node, nodes, parents), *_reading(node), *_disclosing(node))
        found += [NodeProblem(node.key or "(no key)", message) for message in messages]
    return found + list(_path_rules(content, nodes))


def concept_ids(nodes: Iterable[NodeData]) -> dict[int, list[str]]:
    """Every concept that the layout names (0 aside), and the keys of the nodes that name it."""
    found: dict[int, list[str]] = {}
    for node in nodes:
        for concept_id in dict.fromkeys((*node.concept_ids, *node.type_concept_ids)):
            if concept_id:
                found.setdefault(concept_id, []).append(node.key)
    return found


def _naming(node: NodeData) -> Iterator[str]:
    if not key_validator.regex.fullmatch(node.key):  # type: ignore[union-attr]
        yield "a key has lower-case letters, digits, '-' and '_' (at most 80), and begins with a letter or digit"
    if not node.label.strip():
        yield "the label is empty"
    if len(node.label) > LONGEST_LABEL:
        yield f"the label is longer than {LONGEST_LABEL} characters"


def _place(node: NodeData, nodes: Mapping[str, NodeData], parents: set[str | None]) -> Iterator[str]:
    if node.level not in LEVELS:
        yield f"level {node.level!r} is none of {', '.join(LEVELS)}"
        return
    if node.level == FEATURE and node.key in parents:
        yield "a feature cannot have nodes below it"
    if node.level == SECTION:
        if node.parent is not None:
            yield "a section stands at the top, it has no parent"
        return
    if node.parent is None:
        yield f"a {node.level} stands below a section or a category"
        return
    if node.parent not in nodes:
        yield f"its parent {node.parent!r} is not in the layout"
    elif _circles(node, nodes):
        yield "it stands below itself"


def _circles(node: NodeData, nodes: Mapping[str, NodeData]) -> bool:
    seen = {node.key}
    above = node.parent
    while above is not None and above in nodes:
        if above in seen:
            return above == node.key
        seen.add(above)
        above = nodes[above].parent
    return False


def _reading(node: NodeData) -> Iterator[str]:
    if node.level != FEATURE:
        if node.source or node.demographic or node.concept_ids or node.type_concept_ids or node.value_rules:
            yield f"a {node.level} is a heading and reads nothing: take away source, concepts and value rules"
        return
    if node.source not in SOURCES:
        yield f"unknown table {node.source!r}; a feature reads one of {', '.join(SOURCES)}"
    if node.source == "demographics":
        if node.demographic not in DEMOGRAPHICS:
            yield f"demographic {node.demographic!r} is none of {', '.join(DEMOGRAPHICS)}"
        if node.concept_ids or node.type_concept_ids or node.relationship_ids or node.window != "all":
            yield "demographics have no concepts and no window"
        if node.label_rule != "node":
            yield "demographics have the node's label"
    elif node.demographic:
        yield f"demographic {node.demographic!r} belongs to the source demographics only"
    if node.label_rule not in LABEL_RULES:
        yield f"label rule {node.label_rule!r} is none of {', '.join(LABEL_RULES)}"
    if (node.include_descendants or node.relationship_ids) and not node.concept_ids:
        yield "descendants and relationships start from concepts, and there are none"
    yield from _window(node)
    try:
        rules = ValueRules.from_json(node.value_rules)
    except RulesError as error:
        yield f"value rule {error}"
        return
    if rules.model is not None and node.role != "advice":
        yield "value rule model: only advice names a model"


def _window(node: NodeData) -> Iterator[str]:
    if node.window not in WINDOWS:
        yield f"window {node.window!r} is none of {', '.join(WINDOWS)}"
    elif node.window in ("days", "latest"):
        if not node.window_number or node.window_number < 1:
            yield f"the window {node.window!r} needs a number of at least 1"
    elif node.window_number is not None:
        yield f"the window {node.window!r} has no number"


def _disclosing(node: NodeData) -> Iterator[str]:
    if node.role not in ROLES:
        yield f"role {node.role!r} is none of {', '.join(ROLES)}"
    if node.visibility not in VISIBILITIES:
        yield f"visibility {node.visibility!r} is none of {', '.join(VISIBILITIES)}"
    if node.level != FEATURE and (node.role != "clinical" or node.takes_supplied_values):
        yield f"a {node.level} is a heading: advice and supplied values belong to features"
    if node.level != FEATURE and node.visibility != "when_disclosed":
        yield f"a {node.level} is a heading: it is shown with what is shown below it, visibility belongs to features"
    if node.level == FEATURE and node.takes_supplied_values and node.role != "advice":
        yield "only advice takes supplied values"
    if node.visibility != "when_disclosed" and node.role == "advice":
        yield "advice is only ever shown when disclosed"


def _path_rules(content: LayoutContent, nodes: Mapping[str, NodeData]) -> Iterator[NodeProblem]:
    try:
        rules = PathRules.from_json(content.path_rules)
    except DisclosureError as error:
        yield NodeProblem("", str(error))
        return
    for name in rules.advice_names:
        node = nodes.get(name.node_key)
        if node is None or node.role != "advice":
            yield NodeProblem("", f"path rules: {name.node_key!r} ({name.name}) is not an advice node of the layout")
    for score in rules.score_nodes:
        if score.node_key not in nodes or nodes[score.node_key].role != "advice":
            yield NodeProblem("", f"path rules: {score.node_key!r} (score) is not an advice node of the layout")
    for key in rules.complaint_nodes:
        if key not in nodes or nodes[key].level != FEATURE:
            yield NodeProblem("", f"path rules: {key!r} (complaint) is not a feature of the layout")


__all__ = ["CATEGORY", "concept_ids", "problems_of"]
