"""What was disclosed, written as paths: whoever reads them back finds exactly what was disclosed."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augmed.foundation.canonical import canonical_json
from cases.disclosure import (
    AdviceNode,
    DisclosureContent,
    Heading,
    PathMatch,
    Show,
    Style,
    Supply,
    disclose,
    disclosed_to_json,
    match_augmed_path,
)
from cases.tree import Entry, Feature, Node, Tree, features, to_json
from experiments.exports.shown import CaseFeatures, advice_recorded, as_written, shown_in
from experiments.tests import factories

words = st.text("abc .:-|", min_size=1, max_size=6).map(str.strip).filter(bool)


@st.composite
def trees(draw) -> Tree:
    labels = draw(st.lists(words, min_size=1, max_size=4, unique=True))
    made = [
        Feature(
            f"f{at}", "", label, "text", "clinical", tuple(Entry(text) for text in draw(st.lists(words, max_size=2)))
        )
        for at, label in enumerate(labels)
    ]
    return Tree(1, (Node("s", draw(words), "section", (Node("c", draw(words), "category", tuple(made)),)),))


@given(trees(), st.data())
def test_paths_read_back_name_what_was_shown(tree, data):
    case = CaseFeatures.of(canonical_json(to_json(tree)), {})
    listed = [feature for feature, _ in features(tree)]
    shown = data.draw(st.lists(st.sampled_from(listed), unique_by=lambda feature: feature.identity))
    content = DisclosureContent.of([Show(*feature.identity) for feature in shown])
    configuration = shown_in(case, content).configuration
    named: set[str] = set()
    for entry in configuration:
        match = match_augmed_path(entry["path"], features(tree))
        assert isinstance(match, PathMatch)
        named |= {identity.node_key for identity in match.identities}
    assert {feature.node_key for feature in shown} <= named
    assert bool(configuration) == bool(shown)


def case_of(tree: Tree, **rules) -> CaseFeatures:
    return CaseFeatures.of(canonical_json(to_json(tree)), rules)


def test_styles_say_only_what_was_said():
    content = DisclosureContent.of(
        [Show("age", "", Style(collapse=False, top=Decimal("2.50"))), Show("lab", "c:3000963")]
    )
    assert shown_in(case_of(factories.make_tree()), content).configuration == [
        {"path": "Patient.Age: 60", "style": {"collapse": False, "top": 2.5}},
        {"path": "Findings.Laboratory.Hemoglobin: 13.2 u"},
    ]


def test_advice_is_told_as_it_was_disclosed_and_only_then():
    case = case_of(factories.make_tree())
    assert shown_in(case, DisclosureContent.of([Show("age")])).advice == ()
    assert shown_in(case, DisclosureContent.of([Show("advice")])).advice_text == "Risk estimate: 12 %"
    supplied = DisclosureContent.of([Supply("risk", "Colorectal Cancer Score", "7")])
    assert shown_in(case, supplied).advice_text == "Colorectal Cancer Score: 7"


@given(st.booleans(), st.booleans(), st.booleans())
def test_advice_is_told_exactly_where_what_was_served_holds_advice(age, advice, supplied):
    tree = factories.make_tree(advice='"role":"advice"')
    entries = [Show(key) for key, shown in (("age", age), ("advice", advice)) if shown]
    entries += [Supply("risk", "Score", "7")] if supplied else []
    node = AdviceNode("risk", "Risk assessment", (Heading("advice-section", "Advice", "section"),))
    served = canonical_json(disclosed_to_json(disclose(tree, entries, [node])))
    told = shown_in(case_of(tree), DisclosureContent.of(entries)).advice
    assert bool(told) == ('"role":"advice"' in served) == (advice or supplied)


def test_the_layouts_preferred_advice_comes_first():
    advice = tuple(
        Feature("score", f"t:{label.lower()}", label, "text", "advice", (Entry(text),))
        for label, text in (("Adjusted CRC Risk", "12"), ("Colorectal Cancer Score", "7"))
    )
    tree = Tree(1, (Node("s", "RISK", "section", advice),))
    prefer = ["t:colorectal cancer score", "t:adjusted crc risk"]
    names = [{"name": "scores", "node_key": "score", "supply_label": "", "prefer": prefer}]
    content = DisclosureContent.of([Show(*feature.identity) for feature in advice])
    assert shown_in(case_of(tree, advice_names=names), content).advice == (
        "Colorectal Cancer Score: 7",
        "Adjusted CRC Risk: 12",
    )


def test_a_withdrawn_case_has_no_configuration_any_more():
    assert CaseFeatures.of("", {}) is None
    assert shown_in(None, DisclosureContent.of([Show("age")])).configuration is None


def test_what_augmed_recorded_is_taken_as_it_was_written():
    written = as_written(
        '[{"path": "RISK ASSESSMENT.Colorectal Cancer Score: 8", "style": {"top": "1", "collapse": null}},'
        ' {"path": "BACKGROUND.CRC risk assessments.Colorectal Cancer Score: 9"}, "odd"]'
    )
    assert written[0] == {"path": "RISK ASSESSMENT.Colorectal Cancer Score: 8", "style": {"top": 1}}
    # AugMed's client hid the card of that name, so the second was never seen.
    assert advice_recorded(written) == ("Colorectal Cancer Score: 8",)
    assert as_written("{}") == []


@pytest.mark.parametrize(
    ("top", "told"), [('"1"', 1), ("2.50", 2.5), ('"first"', "first"), ("true", True), ("[1]", [1]), ("1e999", 10**999)]
)
def test_whatever_augmed_recorded_can_be_told_as_json(top, told):
    [entry] = as_written(f'[{{"path": "a.b", "style": {{"top": {top}, "collapse": null}}}}]')
    assert entry == {"path": "a.b", "style": {"top": told}}
    assert json.dumps(entry, allow_nan=False)
