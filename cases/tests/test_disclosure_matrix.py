"""From the cells of a matrix to what is shown."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.disclosure import (
    DisclosureError,
    FoundFeature,
    MatrixCell,
    MatrixNode,
    Style,
    resolve,
    resolve_with_report,
    shown_by_visibility,
)
from cases.tree import Identity

NODES = (
    MatrixNode("s"),
    MatrixNode("c", "s"),
    MatrixNode("f", "c"),
    MatrixNode("g", "c", discloses_new_values=True),
    MatrixNode("age", "s", visibility="always"),
    MatrixNode("e"),
    MatrixNode("pulse", "e", visibility="unless_restricted"),
    MatrixNode("rash", "e", visibility="unless_restricted"),
)
FOUND = (
    FoundFeature("f", "t:a"),
    FoundFeature("f", "t:b"),
    FoundFeature("g", "c:1"),
    FoundFeature("age"),
    FoundFeature("pulse"),
    FoundFeature("rash"),
)


def resolved(*cells, found=FOUND):
    return {tuple(show.identity) for show in resolve(cells, NODES, found)}


ALWAYS, EXAM = ("age", ""), {("pulse", ""), ("rash", "")}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([], {ALWAYS} | EXAM),
        ([MatrixCell("f", None, True)], {("f", "t:a"), ("f", "t:b"), ALWAYS} | EXAM),
        ([MatrixCell("f", None, True), MatrixCell("f", "t:a", False)], {("f", "t:b"), ALWAYS} | EXAM),
        ([MatrixCell("f", None, False), MatrixCell("f", "t:a", True)], {("f", "t:a"), ALWAYS} | EXAM),
        ([MatrixCell("c", None, True), MatrixCell("g", None, False)], {("f", "t:a"), ("f", "t:b"), ALWAYS} | EXAM),
        ([MatrixCell("s", None, False), MatrixCell("g", None, True)], {("g", "c:1")} | EXAM),
        ([MatrixCell("age", None, False)], EXAM),
        ([MatrixCell("pulse", None, True)], {("pulse", ""), ALWAYS}),
        ([MatrixCell("e", None, False)], {ALWAYS}),
        ([MatrixCell("pulse", None, None, Style(highlight=True))], {ALWAYS} | EXAM),
    ],
)
def test_cells_are_inherited_and_what_none_decides_is_hidden(cells, expected):
    assert resolved(*cells) == expected


@given(st.sets(st.sampled_from(FOUND)))
def test_cells_that_each_show_a_feature_replace_and_complete_what_visibilities_show(shown):
    style = Style(highlight=True)
    cells = [MatrixCell(one.node_key, one.discriminator, True, style) for one in shown]
    sections = {"f": "s", "g": "s", "age": "s", "pulse": "e", "rash": "e"}
    by_itself = shown_by_visibility(NODES, FOUND, {sections[one.node_key] for one in shown})
    expected = {show.identity: show.style for show in by_itself} | {
        one.identity: Style(highlight=True) for one in shown
    }
    assert {show.identity: show.style for show in resolve(cells, NODES, FOUND)} == expected


def test_styles_are_inherited_field_by_field():
    cells = [
        MatrixCell("c", None, True, Style(collapse=True, top=Decimal(2))),
        MatrixCell("f", "t:a", None, Style(collapse=False, highlight=True)),
    ]
    shows = {show.identity: show.style for show in resolve(cells, NODES, FOUND)}
    assert shows[Identity("f", "t:a")] == Style(False, True, Decimal(2))
    assert shows[Identity("f", "t:b")] == Style(True, None, Decimal(2))


def test_new_values_are_hidden_and_reported_unless_their_node_discloses_them():
    found = [
        FoundFeature("f", "t:new", new=True),
        FoundFeature("f", "t:named", new=True),
        FoundFeature("g", "c:9", new=True),
        FoundFeature("pulse", "", new=True),
    ]
    cells = [MatrixCell("c", None, True), MatrixCell("f", "t:named", True), MatrixCell("pulse", None, True)]
    result = resolve_with_report(cells, NODES, found)
    assert {tuple(show.identity) for show in result.shows} == {("f", "t:named"), ("g", "c:9"), ("pulse", "")}
    assert result.hidden_new == (Identity("f", "t:new"),)


@pytest.mark.parametrize(
    ("cells", "nodes", "found", "message"),
    [
        ([MatrixCell("zz")], NODES, (), "no such node"),
        ([MatrixCell("f"), MatrixCell("f")], NODES, (), "twice"),
        ([], NODES, [FoundFeature("zz")], "no such node"),
        ([], [MatrixNode("a", "b")], (), "no parent"),
        ([], [MatrixNode("a", "b"), MatrixNode("b", "a")], (), "below itself"),
    ],
)
def test_an_inconsistent_matrix_is_refused(cells, nodes, found, message):
    with pytest.raises(DisclosureError, match=message):
        resolve(cells, nodes, found)


cells_of_clinical_nodes = st.lists(
    st.builds(
        MatrixCell,
        st.sampled_from(["s", "c", "f", "g"]),
        st.sampled_from([None, "t:a", "c:1"]),
        st.none() | st.booleans(),
    ),
    unique_by=lambda cell: (cell.node_key, cell.discriminator),
)


@given(cells_of_clinical_nodes)
def test_nothing_is_shown_that_no_cell_shows(cells):
    clinical = [feature for feature in FOUND if feature.node_key in ("f", "g")]
    asked = {cell.node_key for cell in cells if cell.shown}
    for node_key, _ in resolved(*cells, found=clinical):
        assert asked & {node_key, "c", "s"}


@given(cells_of_clinical_nodes)
def test_an_explicit_hide_of_a_feature_always_holds(cells):
    cells = [cell for cell in cells if (cell.node_key, cell.discriminator) != ("f", "t:a")]
    assert ("f", "t:a") not in resolved(*cells, MatrixCell("f", "t:a", False))
