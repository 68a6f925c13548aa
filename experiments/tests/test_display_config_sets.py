"""Sets that are put together from remembered texts are those which the engine's own functions make of the same rows."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from augmed.foundation.canonical import canonical_json, sha256_hex
from cases.disclosure import (
    AdviceNode,
    DisclosureContent,
    DisclosureError,
    FoundFeature,
    Heading,
    MatrixCell,
    MatrixNode,
    PathError,
    PathRules,
    Show,
    Style,
    Supply,
    match_augmed_path,
    merge_matches,
    resolve,
    style_to_json,
)
from cases.tree import SCHEMA_VERSION, Entry, Feature, Node, Tree, features, to_json
from experiments.display_configs.case_paths import SOURCE, LayoutPaths
from experiments.display_configs.sets import ConfigSet, SetMaker
from experiments.display_configs.written import PathRow, RowError

VISIBILITIES = (None, "when_disclosed", "always", "unless_restricted")
LABELS = ("Age", "B.M.I.", "Größe", 'say "ah"', "0")


def tree_of(labels: list[list[str]]) -> Tree:
    """Sections a, b, …, each with a category of one node's features."""
    sections = []
    for place, listed in enumerate(labels):
        name = "ab"[place]
        found = tuple(
            Feature(f"{name}-values", f"t:{label}", label, "text", "clinical", (Entry(f"{label} is 1.5"), Entry("0")))
            for label in listed
        )
        category = Node(f"{name}-category", "Category", "category", found)
        sections.append(Node(name, name.upper(), "section", (category,)))
    return Tree(SCHEMA_VERSION, tuple(sections))


def layout_of(visibilities: tuple[Any, Any]) -> LayoutPaths:
    nodes = [MatrixNode("advice-section"), MatrixNode("advice", "advice-section")]
    sections = {"advice-section": "advice-section", "advice": "advice-section"}
    for name, visibility in zip("ab", visibilities, strict=True):
        keys = (name, f"{name}-category", f"{name}-values")
        nodes += [MatrixNode(keys[0]), MatrixNode(keys[1], keys[0]), MatrixNode(keys[2], keys[1], visibility)]
        sections |= dict.fromkeys(keys, name)
    advice = AdviceNode("advice", "Score", (Heading("advice-section", "Advice", "section"),))
    return LayoutPaths(tuple(nodes), sections, (advice,), PathRules(advice_section="RISK"))


styles = st.builds(
    Style,
    st.sampled_from([None, True, False]),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, Decimal(0), Decimal("1.5"), Decimal(-3)]),
)
trees = st.lists(st.lists(st.sampled_from(LABELS), unique=True, max_size=4), min_size=2, max_size=2).map(tree_of)
layouts = st.tuples(st.sampled_from(VISIBILITIES), st.sampled_from(VISIBILITIES)).map(layout_of)
paths = st.one_of(
    st.builds(
        lambda section, label, end: f"{section}.Category.{label}{end}",
        st.sampled_from("AB"),
        st.sampled_from(LABELS),
        st.sampled_from(["", ".0", ": 0"]),
    ),
    st.sampled_from(["A.Category", "B.Category", "RISK.Score: 1", "RISK.Score: 1.5", "RISK.Score: 1 ", "A", "C.D"]),
)
rows = st.lists(st.builds(PathRow, st.integers(2, 99), paths, styles), min_size=1, max_size=8)


def by_the_engine(tree: Tree, layout: LayoutPaths, asked: list[PathRow]) -> DisclosureContent | None:
    """The set by the general functions, one after the other; None where it is refused."""
    listed = list(features(tree))
    matches = [match_augmed_path(row.path, listed, layout.rules, layout.advice, SOURCE) for row in asked]
    if any(isinstance(match, PathError) for match in matches):
        return None
    try:
        entries = merge_matches([(m, row.style) for m, row in zip(matches, asked, strict=True) if m is not None])  # type: ignore[misc]
    except DisclosureError:
        return None
    shows = [entry for entry in entries if isinstance(entry, Show)]
    if layout.shows_by_itself:
        cells = [MatrixCell(show.node_key, show.discriminator, True, show.style) for show in shows]
        found = [FoundFeature(feature.node_key, feature.discriminator) for feature, _ in listed]
        shows = list(resolve(cells, layout.nodes, found))
    return DisclosureContent.of([*shows, *(entry for entry in entries if isinstance(entry, Supply))])


@given(trees, layouts, st.lists(rows, min_size=1, max_size=3))
def test_a_set_is_that_of_the_engine(tree: Tree, layout: LayoutPaths, configs: list[list[PathRow]]) -> None:
    maker = SetMaker(layout, {1: canonical_json(to_json(tree))})
    for asked in [*configs, *configs]:  # the second time from memory
        made = maker.make(1, asked)
        expected = by_the_engine(tree, layout, asked)
        if expected is None:
            assert isinstance(made, list)
            assert all(isinstance(error, RowError) for error in made)
            assert {error.row for error in made} <= {row.row for row in asked}
            continue
        assert isinstance(made, ConfigSet)
        assert made.content == canonical_json(expected.to_json())
        assert made.sha256 == sha256_hex(made.content)
        assert made.supplies == expected.supplies
        assert made.case_id == (1 if expected.supplies else None)


@given(trees, rows)
def test_the_files_own_words_are_kept_in_their_canonical_form(tree: Tree, asked: list[PathRow]) -> None:
    made = SetMaker(layout_of((None, None)), {1: canonical_json(to_json(tree))}).make(1, asked)
    if isinstance(made, ConfigSet):
        said = [{k: v for k, v in style_to_json(row.style).items() if v is not None} for row in asked]
        words = [{"path": row.path, "style": style} for row, style in zip(asked, said, strict=True)]
        assert made.paths == canonical_json(words)
        assert json.loads(made.paths) == words


def test_equal_lists_of_one_case_are_made_once_and_errors_name_the_rows_of_each() -> None:
    maker = SetMaker(layout_of((None, None)), {1: canonical_json(to_json(tree_of([["Age"], []])))})
    first, second = (maker.make(1, [PathRow(row, "A.Category.Age", Style())]) for row in (2, 3))
    assert first is second
    wrong = [maker.make(1, [PathRow(row, "A.Category.Weight", Style())]) for row in (4, 5)]
    assert [error.row for errors in wrong if isinstance(errors, list) for error in errors] == [4, 5]
