"""What a disclosure set lets through, and how two arms compare."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augmed.foundation.canonical import canonical_json
from cases.disclosure import (
    AdviceNode,
    DisclosureContent,
    DisclosureError,
    Heading,
    Show,
    Style,
    Supply,
    compare,
    disclose,
    disclosed_features,
    disclosed_sha256,
    disclosed_to_json,
)
from cases.tests.paths_case import CASE, CRC, styles
from cases.tests.test_tree import trees
from cases.tree import Entry, Feature, Node, Tree, features

ADVICE = AdviceNode("score", "AI score", (Heading("risk", "Risk", "section"), Heading("ai", "AI")))


@st.composite
def trees_with_entries(draw):
    tree = draw(trees())
    identities = [feature.identity for feature, _ in features(tree)]
    chosen = draw(st.lists(st.sampled_from(identities), unique=True)) if identities else []
    entries = [Show(*identity, style=draw(styles)) for identity in chosen]
    for label in draw(st.lists(st.sampled_from(["AI score", "Second"]), unique=True)):
        entries.append(Supply("score", label, draw(st.text("abc17", min_size=1)), draw(styles), "row 3"))
    return tree, draw(st.permutations(entries))


def give(tree, entries):
    return disclose(tree, entries, [ADVICE], ["n0", "risk", "ai", "score"])


def shown(disclosed):
    return {feature.identity: feature for feature, _ in disclosed_features(disclosed)}


def strings_of(value):
    """Every string among the values of a JSON value (keys are the schema's, not the case's)."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings_of(item)


def headings_above(node, identities):
    """The headings of the original tree that have one of these features below, with the features."""
    below = []
    for child in node.children:
        if isinstance(child, Feature):
            below += [child] if child.identity in identities else []
        else:
            below += headings_above(child, identities)
    return [node, *below] if below else []


@given(trees_with_entries())
def test_every_string_comes_from_a_shown_feature_a_heading_above_one_or_a_supply(case):
    tree, entries = case
    shows = {entry.identity: entry for entry in entries if isinstance(entry, Show)}
    supplies = [entry for entry in entries if isinstance(entry, Supply)]
    allowed = {"section", "category", "feature"}
    for item in [item for section in tree.sections for item in headings_above(section, shows)]:
        if isinstance(item, Node):
            allowed |= {item.key, item.label}
        else:
            allowed |= {item.node_key, item.discriminator, item.label, item.kind, item.role}
            for entry in item.entries:
                allowed |= {entry.text, entry.number, entry.unit, entry.low, entry.high, entry.operator}
                allowed |= {entry.date, entry.blob}
                if entry.model:
                    allowed |= {entry.model.model, entry.model.version, entry.model.produced_at, entry.model.caveat}
    for supply in supplies:
        allowed |= {"text", "advice", supply.label, supply.value, *supply.identity}
        allowed |= {text for heading in ADVICE.headings for text in (heading.key, heading.label)}
    disclosed = json.loads(canonical_json(disclosed_to_json(give(tree, entries))))
    tops = {str(entry.style.top.normalize() + 0) for entry in entries if entry.style.top is not None}
    for text in strings_of(disclosed):
        assert text in allowed or Decimal(text) in {Decimal(top) for top in tops}


@given(trees_with_entries(), st.data())
def test_features_that_are_not_shown_never_change_a_byte(case, data):
    tree, entries = case
    named = {entry.identity for entry in entries}
    counter = iter(range(1000))

    def hidden():
        number = next(counter)
        feature = Feature(f"h{number}", "", "secret", "note", "advice", (Entry("secret text"),))
        headings = [feature, Node(f"x{number}", "secret heading", "category", (feature,))]
        return data.draw(st.sampled_from(headings))

    def grow(node):
        children = []
        for child in node.children:
            if isinstance(child, Node):
                child = grow(child)
            elif child.identity not in named:
                change = data.draw(st.sampled_from(["keep", "drop", "relabel"]))
                if change == "drop":
                    continue
                child = child if change == "keep" else replace(child, label="other", entries=())
            children += [hidden(), child] if data.draw(st.booleans()) else [child]
        return replace(node, children=(*children, hidden()))

    sections = [grow(section) for section in tree.sections]
    extra = Node("risk-hidden", "Hidden section", "section", (hidden(),))
    grown = Tree(1, (extra, *sections) if data.draw(st.booleans()) else (*sections, extra))
    assert canonical_json(disclosed_to_json(give(grown, entries))) == canonical_json(
        disclosed_to_json(give(tree, entries))
    )


@given(trees_with_entries(), st.data())
def test_more_shows_never_disclose_less(case, data):
    tree, entries = case
    fewer = data.draw(st.lists(st.sampled_from(entries), unique=True)) if entries else []
    few, many = shown(give(tree, fewer)), shown(give(tree, entries))
    assert few.items() <= many.items()


@given(trees_with_entries())
def test_exactly_what_is_named_is_disclosed_in_tree_order_with_its_path(case):
    tree, entries = case
    disclosed = give(tree, entries)
    assert set(shown(disclosed)) == {entry.identity for entry in entries}
    from_tree = [(feature.identity, path) for feature, path in disclosed_features(disclosed) if not feature.supplied]
    named = {entry.identity for entry in entries}
    assert from_tree == [(f.identity, path) for f, path in features(tree) if f.identity in named]


@given(trees_with_entries(), st.randoms(use_true_random=False))
def test_order_of_shows_is_irrelevant(case, random):
    tree, entries = case
    shows = [entry for entry in entries if isinstance(entry, Show)]
    again = [*shows]
    random.shuffle(again)
    assert DisclosureContent.of(shows).sha256 == DisclosureContent.of(again).sha256
    assert disclosed_sha256(disclose(tree, shows)) == disclosed_sha256(disclose(tree, again))


@given(trees_with_entries())
def test_importants_come_by_top_then_tree_order(case):
    tree, entries = case
    disclosed = give(tree, entries)
    order = list(shown(disclosed))
    pinned = {entry.identity: entry.style.top for entry in entries if entry.style.top is not None}
    expected = sorted(pinned, key=lambda identity: (pinned[identity], order.index(identity)))
    assert [important.identity for important in disclosed.importants] == expected


@given(trees())
def test_the_empty_set_discloses_nothing_at_all(tree):
    assert disclosed_to_json(disclose(tree, [])) == {"schema_version": 1, "sections": [], "importants": []}


@given(trees_with_entries())
def test_content_survives_json(case):
    content = DisclosureContent.of(case[1])
    assert DisclosureContent.from_json(json.loads(canonical_json(content.to_json()))).sha256 == content.sha256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extra": 1}, "extra"),
        ({"schema_version": 2}, "schema_version"),
        ({"shows": {}}, r"\$\.shows"),
        ({"shows": [{"node_key": "a", "discriminator": "", "style": {}}]}, r"\$\.shows\[0\]\.style"),
        ({"supplies": [{"node_key": "a"}]}, r"\$\.supplies\[0\]"),
    ],
)
def test_malformed_content_is_refused_with_its_place(change, message):
    with pytest.raises(DisclosureError, match=message):
        DisclosureContent.from_json(DisclosureContent().to_json() | change)


def test_one_feature_named_twice_is_refused():
    with pytest.raises(DisclosureError, match="twice"):
        DisclosureContent.of([Show("a"), Show("a", style=Style(collapse=True))])


@pytest.mark.parametrize("value", ["", "  ", "a\nb", "a\u202eb", "x" * 501])
def test_a_supplied_value_is_limited_plain_text(value):
    with pytest.raises(DisclosureError, match="supplied value"):
        Supply("score", "AI score", value)


def test_a_supply_at_a_node_that_takes_none_is_refused():
    for nodes in ([], [replace(ADVICE, accepts_supplies=False)]):
        with pytest.raises(DisclosureError, match="takes no supplied values"):
            disclose(Tree(1, ()), [Supply("score", "AI score", "7")], nodes)


def test_a_supply_finds_its_place_in_the_layout_whatever_is_hidden():
    order = ["background", "risk", "crc", "exam"]
    entries = [Show("smoke"), Show("pulse"), Supply("crc", "Score", "7")]
    assert [s.label for s in disclose(CASE, entries, [CRC], order).sections] == [
        "BACKGROUND",
        "MODEL",
        "PHYSICAL EXAMINATION",
    ]
    assert disclose(CASE, entries, [CRC]).sections[-1].label == "MODEL"


def test_comparison_of_two_arms_by_identity():
    first = disclose(CASE, [Show("mh", "t:fatigue"), Show("pulse"), Show("smoke"), Supply("crc", "S", "7")], [CRC])
    second = disclose(
        CASE,
        [Show("mh", "t:fatigue"), Show("pulse", style=Style(highlight=True)), Show("rash"), Supply("crc", "S", "8")],
        [CRC],
    )
    assert {(d.identity.node_key, d.kind) for d in compare(first, second)} == {
        ("mh", "same"),
        ("pulse", "style_differs"),
        ("smoke", "only_a"),
        ("rash", "only_b"),
        ("crc", "entries_differ"),
    }


@given(trees_with_entries(), st.data())
def test_comparing_the_other_way_round_mirrors(case, data):
    tree, entries = case
    first = give(tree, entries)
    second = give(tree, data.draw(st.lists(st.sampled_from(entries), unique=True)) if entries else [])
    mirror = {"only_a": "only_b", "only_b": "only_a"}
    forward = {d.identity: d.kind for d in compare(first, second)}
    backward = {d.identity: mirror.get(d.kind, d.kind) for d in compare(second, first)}
    assert forward == backward
    assert all(d.kind == "same" for d in compare(first, first))
