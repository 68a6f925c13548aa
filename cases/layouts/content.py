"""A layout as plain values: a flat list of nodes, each naming its parent by key, in order of display."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

SECTION, CATEGORY, FEATURE = "section", "category", "feature"
LEVELS = (SECTION, CATEGORY, FEATURE)
SOURCES = (
    "observation",
    "measurement",
    "condition",
    "drug",
    "procedure",
    "device",
    "note",
    "demographics",
)
DEMOGRAPHICS = ("age", "gender", "race", "ethnicity")
WINDOWS = ("all", "visit", "days", "latest")
LABEL_RULES = ("node", "concept", "split")
ROLES = ("clinical", "advice")
VISIBILITIES = ("when_disclosed", "always", "unless_restricted")


@dataclass(frozen=True, slots=True)
class NodeProblem:
    """What is wrong with one node; `key` is '' where it is about the layout as a whole."""

    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.key}: {self.message}" if self.key else self.message


class LayoutError(ValueError):
    """A layout's JSON cannot be read, or the layout is not valid; `problems` says where, all at once."""

    def __init__(self, problems: Iterable[NodeProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))

    def by_key(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for problem in self.problems:
            found.setdefault(problem.key or "layout", []).append(problem.message)
        return found


@dataclass(frozen=True, slots=True)
class NodeData:
    """One node. The fields are those of the LayoutNode model, except that the parent is named by its key."""

    key: str
    label: str
    level: str
    parent: str | None = None
    source: str = ""
    demographic: str = ""
    concept_ids: tuple[int, ...] = ()
    include_descendants: bool = False
    relationship_ids: tuple[str, ...] = ()
    type_concept_ids: tuple[int, ...] = ()
    window: str = "all"
    window_number: int | None = None
    label_rule: str = "node"
    value_rules: Mapping[str, Any] = field(default_factory=dict)
    role: str = "clinical"
    takes_supplied_values: bool = False
    discloses_new_values: bool = False
    visibility: str = "when_disclosed"


NODE_FIELDS = tuple(name for name in NodeData.__dataclass_fields__ if name != "parent")


@dataclass(frozen=True, slots=True)
class LayoutContent:
    """A whole layout. `nodes` stand depth first: every parent before what is below it."""

    name: str
    nodes: tuple[NodeData, ...]
    description: str = ""
    path_rules: Mapping[str, Any] = field(default_factory=dict)


def depth_first(nodes: Iterable[NodeData]) -> tuple[NodeData, ...]:
    """The nodes with each one's children right below it, siblings in the order given.

    A node that no section can be reached from (its parent is missing, or stands below it) is put at the end.
    """
    listed = list(nodes)
    children: dict[str | None, list[NodeData]] = {}
    for node in listed:
        children.setdefault(node.parent, []).append(node)
    ordered: list[NodeData] = []
    pending = list(reversed(children.get(None, [])))
    placed: set[int] = set()
    while pending:
        node = pending.pop()
        if id(node) in placed:
            continue
        placed.add(id(node))
        ordered.append(node)
        pending += reversed(children.get(node.key, []))
    return (*ordered, *(node for node in listed if id(node) not in placed))
