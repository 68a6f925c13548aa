"""From what a person uploads to a checked layout, whichever of the two formats it is in."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cases.layouts import own_format, page_config
from cases.layouts.checks import concept_ids, problems_of
from cases.layouts.content import FEATURE, LayoutContent, LayoutError, NodeData, NodeProblem
from omop.vocabulary import concept_names

PAGE_CONFIG_NAME = "AugMed page_config"


def parse_layout(
    content: Mapping[str, Any] | str,
    *,
    name: str | None = None,
    advice_labels: Sequence[str] = (),
    allow_unknown_concepts: bool = False,
) -> LayoutContent:
    """Return the checked layout; LayoutError names every node, or place, that is wrong.

    `advice_labels`: the features so labelled, or under a category so labelled, are advice that takes supplied
    values. At most three queries.
    """
    value = _unwrapped(_read(content) if isinstance(content, str) else content)
    if own_format.is_own_format(value):
        layout = own_format.content_from_json(value)
        layout = replace(layout, name=name) if name else layout
    elif page_config.is_page_config(value):
        layout = page_config.content_from_page_config(value, name or PAGE_CONFIG_NAME, concept_names)
    else:
        keys = ", ".join(sorted(str(key) for key in value)[:8]) or "nothing"
        raise LayoutError(
            [
                NodeProblem(
                    "",
                    f'neither a layout (format "{own_format.FORMAT}") nor a page_config of AugMed (sections '
                    f"{', '.join(page_config.SECTIONS)}): its keys are {keys}",
                )
            ]
        )
    layout = _with_advice(layout, advice_labels)
    check_layout(layout, allow_unknown_concepts=allow_unknown_concepts)
    return layout


def check_layout(layout: LayoutContent, *, allow_unknown_concepts: bool = False) -> None:
    """Raise LayoutError with everything that is wrong, concepts that are not in the vocabulary among it."""
    problems = problems_of(layout)
    if not allow_unknown_concepts:
        problems += unknown_concepts(layout.nodes)
    if problems:
        raise LayoutError(problems)


def unknown_concepts(nodes: Sequence[NodeData]) -> list[NodeProblem]:
    """A problem for every concept that the database does not have; one query for each 900 concepts."""
    wanted = concept_ids(nodes)
    known = concept_names(wanted)
    return [
        NodeProblem(key, f"concept {concept_id} is not in the vocabulary")
        for concept_id, keys in wanted.items()
        if concept_id not in known
        for key in keys
    ]


def _read(text: str) -> Any:
    try:
        return json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_without_double_keys)
    except LayoutError:
        raise
    except (ValueError, RecursionError) as error:
        raise LayoutError([NodeProblem("", f"not valid JSON: {error}")]) from error


def _without_double_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise LayoutError([NodeProblem(key, "this key occurs twice in one object")])
        found[key] = value
    return found


def _unwrapped(value: Any) -> Mapping[str, Any]:
    """The page_config inside a row of AugMed's system_config, or inside an object that names it."""
    if isinstance(value, Mapping):
        for wrapper in ("page_config", "json_config"):
            if isinstance(value.get(wrapper), Mapping):
                return _unwrapped(value[wrapper])
        return value
    raise LayoutError([NodeProblem("", "a layout is a JSON object")])


def _with_advice(layout: LayoutContent, labels: Sequence[str]) -> LayoutContent:
    if not labels:
        return layout
    nodes = {node.key: node for node in layout.nodes}
    wanted = {label.strip().casefold(): label for label in labels}
    met: set[str] = set()
    changed: list[NodeData] = []
    for node in layout.nodes:
        above = {n.label.strip().casefold() for n in _chain(node, nodes)} & wanted.keys()
        met |= above
        if node.level == FEATURE and above:
            node = replace(node, role="advice", takes_supplied_values=True, visibility="when_disclosed")
        changed.append(node)
    if missing := [label for folded, label in wanted.items() if folded not in met]:
        raise LayoutError([NodeProblem("", f"no node is labelled {label!r}, to be advice") for label in missing])
    return replace(layout, nodes=tuple(changed))


def _chain(node: NodeData, nodes: Mapping[str, NodeData]) -> list[NodeData]:
    """The node and its headings, without the section: that would be far too much."""
    chain = [node]
    while chain[-1].parent is not None and chain[-1].parent in nodes and len(chain) <= len(nodes):
        chain.append(nodes[chain[-1].parent])
    return chain[:-1] if len(chain) > 1 else chain
