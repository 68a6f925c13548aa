"""From the cells of a disclosure matrix to a resolved allow list: default deny, inheritance, new values."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from cases.disclosure_content import PLAIN, DisclosureError, Show, Style
from cases.tree import Identity

Visibility = Literal["when_disclosed", "always", "unless_restricted"]


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """What an author said of a node (`discriminator` None) or of one feature found under it.

    `shown` None means that only the style is said. A cell of a section or category holds for all below it.
    """

    node_key: str
    discriminator: str | None = None
    shown: bool | None = None
    style: Style = PLAIN


@dataclass(frozen=True, slots=True)
class MatrixNode:
    """A node of the layout as the matrix needs it.

    `always` and `unless_restricted` are there for layouts imported from AugMed; None takes the parent's.
    """

    key: str
    parent: str | None = None
    visibility: Visibility | None = None
    discloses_new_values: bool = False


@dataclass(frozen=True, slots=True)
class FoundFeature:
    """A feature found in the study's snapshots; `new` when first seen after activation."""

    node_key: str
    discriminator: str = ""
    new: bool = False

    @property
    def identity(self) -> Identity:
        return Identity(self.node_key, self.discriminator)


@dataclass(frozen=True, slots=True)
class Resolution:
    """The shows, and the new features which stay hidden because their node does not disclose new values."""

    shows: tuple[Show, ...]
    hidden_new: tuple[Identity, ...]


def resolve(
    matrix_cells: Iterable[MatrixCell], nodes: Iterable[MatrixNode], found_features: Iterable[FoundFeature]
) -> tuple[Show, ...]:
    """Return the complete allow list, in the order of the found features."""
    return resolve_with_report(matrix_cells, nodes, found_features).shows


def resolve_with_report(
    matrix_cells: Iterable[MatrixCell], nodes: Iterable[MatrixNode], found_features: Iterable[FoundFeature]
) -> Resolution:
    """Resolve as `resolve`, and report which new features stay hidden.

    A feature's own cell goes before its node's, a node's before its parent's, field by field. What no cell decides
    is hidden, unless its node's visibility is `always`, or is `unless_restricted` and no cell that shows or hides
    something stands in its section. DisclosureError names a cell, feature or parent that the layout does not know.
    """
    matrix = _Matrix.of(matrix_cells, nodes)
    shows: list[Show] = []
    hidden_new: list[Identity] = []
    for feature in dict.fromkeys(found_features):
        if matrix.stays_hidden_as_new(feature):
            hidden_new.append(feature.identity)
            continue
        shown, style = matrix.decide(feature)
        if shown:
            shows.append(Show(feature.node_key, feature.discriminator, style))
    return Resolution(tuple(shows), tuple(hidden_new))


def shown_by_visibility(
    nodes: Iterable[MatrixNode], found_features: Iterable[FoundFeature], named_sections: Collection[str]
) -> tuple[Show, ...]:
    """Return what the nodes' visibilities alone show, where cells of just these sections show or hide something.

    Features with a cell of their own go by that instead, so what `resolve` returns for cells that each show one feature
    is these shows, replaced and completed by the cells' own."""
    matrix = replace(_Matrix.of((), nodes), named_sections=frozenset(named_sections))
    identities = dict.fromkeys(
        feature.identity for feature in found_features if matrix.shown_by_visibility(matrix.chains[feature.node_key])
    )
    return tuple(Show(*identity) for identity in identities)


@dataclass(frozen=True, slots=True)
class _Matrix:
    cells: Mapping[tuple[str, str | None], MatrixCell]
    nodes: Mapping[str, MatrixNode]
    chains: Mapping[str, tuple[MatrixNode, ...]]
    named_sections: frozenset[str]

    @classmethod
    def of(cls, matrix_cells: Iterable[MatrixCell], layout_nodes: Iterable[MatrixNode]) -> "_Matrix":
        nodes = {node.key: node for node in layout_nodes}
        chains = {key: _chain(node, nodes) for key, node in nodes.items()}
        cells: dict[tuple[str, str | None], MatrixCell] = {}
        for cell in matrix_cells:
            place = (cell.node_key, cell.discriminator)
            if cell.node_key not in nodes:
                raise DisclosureError(f"cell {place}: the layout has no such node")
            if place in cells:
                raise DisclosureError(f"cell {place} occurs twice")
            cells[place] = cell
        named = frozenset(chains[cell.node_key][-1].key for cell in cells.values() if cell.shown is not None)
        return cls(cells, nodes, chains, named)

    def own(self, feature: FoundFeature) -> list[MatrixCell]:
        """The cells that name just this feature; without discriminator the node *is* the feature."""
        places: list[tuple[str, str | None]] = [(feature.node_key, feature.discriminator)]
        if not feature.discriminator:
            places.append((feature.node_key, None))
        return [self.cells[place] for place in places if place in self.cells]

    def stays_hidden_as_new(self, feature: FoundFeature) -> bool:
        if feature.node_key not in self.nodes:
            raise DisclosureError(f"feature {tuple(feature.identity)}: the layout has no such node")
        if not feature.new or self.nodes[feature.node_key].discloses_new_values:
            return False
        return all(cell.shown is None for cell in self.own(feature))

    def decide(self, feature: FoundFeature) -> tuple[bool, Style]:
        chain = self.chains[feature.node_key]
        above = [self.cells[node.key, None] for node in chain if (node.key, None) in self.cells]
        cells = [*self.own(feature), *above]
        style = Style(
            next((cell.style.collapse for cell in cells if cell.style.collapse is not None), None),
            next((cell.style.highlight for cell in cells if cell.style.highlight is not None), None),
            next((cell.style.top for cell in cells if cell.style.top is not None), None),
        )
        shown = next((cell.shown for cell in cells if cell.shown is not None), None)
        return (self.shown_by_visibility(chain) if shown is None else shown), style

    def shown_by_visibility(self, chain: tuple[MatrixNode, ...]) -> bool:
        visibility = next((node.visibility for node in chain if node.visibility is not None), "when_disclosed")
        if visibility == "unless_restricted":
            return chain[-1].key not in self.named_sections
        return visibility == "always"


def _chain(node: MatrixNode, nodes: Mapping[str, MatrixNode]) -> tuple[MatrixNode, ...]:
    """The node and its parents up to the section."""
    chain = [node]
    while chain[-1].parent is not None:
        above = nodes.get(chain[-1].parent)
        if above is None:
            raise DisclosureError(f"node {chain[-1].key}: the layout has no parent {chain[-1].parent}")
        if above in chain:
            raise DisclosureError(f"node {above.key} stands below itself")
        chain.append(above)
    return tuple(chain)
