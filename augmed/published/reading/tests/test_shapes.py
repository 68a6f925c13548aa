"""Laws of the shapes: whatever is disclosed, the client gets only what it can draw, and all that was disclosed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augmed.foundation.canonical import canonical_json
from augmed.published.envelope import data_body
from augmed.published.reading.case_detail import case_detail, listed_case
from augmed.published.reading.details import AI_KEY, shown_text
from augmed.published.reading.importants import is_score
from augmed.published.reading.tests import client_schema
from augmed.published.reading.tests.trees import disclosures, texts
from cases.augmed_paths import PathRules, ScoreNode
from cases.disclosure import Show, Style, disclose, disclosed_features, disclosed_to_json
from cases.tree import SCHEMA_VERSION, Entry, Feature, Node, Role, Tree, entry_to_json


def detail(disclosed: Any, rules: Any) -> dict[str, Any]:
    """As it travels."""
    made = case_detail(
        disclosed=canonical_json(disclosed_to_json(disclosed)), case_number=7, layout_rules=rules.to_json()
    )
    return json.loads(json.dumps(made, allow_nan=False))


def nodes(listed: Any) -> Iterator[dict[str, Any]]:
    for node in listed:
        yield node
        if isinstance(node["values"], list) and node["values"] and isinstance(node["values"][0], dict):
            yield from nodes(node["values"])


def words(listed: Any) -> Iterator[str]:
    """All texts that are drawn."""
    for node in nodes(listed):
        yield node["key"]
        values = node["values"]
        if isinstance(values, str):
            yield values
        elif isinstance(values, list):
            yield from (value for value in values if isinstance(value, str))


@given(disclosures())
def test_nothing_of_the_crash_list_is_ever_sent(found):
    made = detail(*found)
    client_schema.CASE_REVIEW.validate(data_body(made))
    assert Counter(node["key"] for node in made["importantInfos"])[AI_KEY] <= 1


@given(disclosures())
def test_all_that_is_disclosed_is_drawn_and_nothing_else(found):
    """Every value and label is there, advice above and the rest in the details; no heading is without something."""
    disclosed, rules = found
    made = detail(disclosed, rules)
    details, pinned = "\n".join(words(made["details"])), "\n".join(words(made["importantInfos"]))
    allowed = set()
    for feature, path in disclosed_features(disclosed):
        allowed |= {feature.label, *path, *(entry.text for entry in feature.entries)}
        place = pinned if feature.role == "advice" else details
        for entry in feature.entries:
            assert entry.text in place
        if feature.role == "advice":
            allowed |= {shown for score in rules.score_nodes for _, shown in score.labels}
            allowed |= {m.caveat for m in (entry.model for entry in feature.entries) if m}
        else:
            assert feature.label in details
    clinical = {path[0] for feature, path in disclosed_features(disclosed) if feature.role == "clinical"}
    assert {node["key"].rstrip() for node in made["details"]} == {label.rstrip() for label in clinical}
    for node in nodes(made["details"]):
        assert node["key"] in allowed or node["key"].rstrip() in {text.rstrip() for text in allowed}
        assert not isinstance(node["values"], str) or node["values"] in allowed


@given(disclosures())
def test_advice_is_above_and_never_in_the_details(found):
    disclosed, rules = found
    clinical_labels = {
        label for feature, path in disclosed_features(disclosed) if feature.role == "clinical" for label in path
    }
    advice = [feature for feature, _ in disclosed_features(disclosed) if feature.role == "advice"]
    made = detail(disclosed, rules)
    if advice:
        assert made["importantInfos"]
    assert {node["key"].rstrip() for node in nodes(made["details"])} <= {label.rstrip() for label in clinical_labels}
    assert ('"role":"advice"' in canonical_json(disclosed_to_json(disclosed))) is bool(advice)


def test_pinned_cards_come_by_weight_before_advice():
    """The heaviest of a card's features weighs for it; a card inside a card is one by itself."""

    def leaf(key: str, role: Role = "clinical") -> Feature:
        return Feature(key, "", key, "text", role, (Entry("1"),))

    inner = Node("inner", "Inner", "category", (leaf("i"),))
    children = (
        Node("heavy", "Heavy", "category", (leaf("h1"), leaf("h2"))),
        Node("light", "Light", "category", (leaf("l"), leaf("not pinned"), inner)),
        leaf("alone"),
        leaf("advice", "advice"),
    )
    tops = {"h1": "-5", "h2": "2", "l": "-1", "i": "2", "alone": "1.5", "advice": "-9", "not pinned": None}
    shows = [Show(key, style=Style(top=None if top is None else Decimal(top))) for key, top in tops.items()]
    disclosed = disclose(Tree(SCHEMA_VERSION, (Node("s", "S", "section", children),)), shows)
    made = [node["key"] for node in detail(disclosed, PathRules())["importantInfos"]]
    assert made == ["Light", "alone", "Heavy", "Inner", "advice"]


@given(disclosures())
def test_only_the_layout_calls_an_advice_a_score(found):
    made = detail(found[0], PathRules())["importantInfos"]
    assert AI_KEY not in {node["key"] for node in made}


@given(disclosures(), st.integers(1, 10**9))
def test_a_list_line_holds_texts_whatever_is_disclosed(found, number):
    disclosed, rules = found
    keys = [feature.node_key for feature, _ in disclosed_features(disclosed)] or ["none"]
    made = listed_case(
        config_id="0" * 32,
        case_number=number,
        disclosed=canonical_json(disclosed_to_json(disclosed)),
        layout_rules={**rules.to_json(), "complaint_nodes": keys[:1]},
        demographic_nodes={"age": keys[-1], "gender": None},
    )
    client_schema.CASES.validate(data_body([made]))
    assert made["gender"] == ""


@given(texts)
def test_a_score_is_a_number_after_the_first_colon(text):
    before, colon, after = text.partition(":")
    try:
        number = float(after.strip())
    except ValueError:
        number = None
    if is_score(text):
        assert colon
        assert number is not None
    if colon and after.strip().isascii() and after.strip().isdigit() and ":" not in before:
        assert is_score(text)


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        (Entry("134 mmHg"), "134 mmHg"),
        (Entry("134 mmHg", date="2005-01-10"), "134 mmHg (2005-01-10)"),
        (Entry("134 mmHg", low="90", high="140", date="2005-01-10"), "134 mmHg (90 to 140, 2005-01-10)"),
        (Entry("0", low="1"), "0 (at least 1)"),
        (Entry("", date="2005-01-10"), "2005-01-10"),
    ],
)
def test_a_value_stands_with_its_range_and_its_date(entry, shown):
    assert shown_text(entry_to_json(entry)) == shown


def test_a_score_stands_without_its_date_which_the_client_would_stumble_over():
    score = Feature("score", "t:risk", "Risk", "text", "advice", (Entry("7", date="2005-01-10"),))
    tree = Tree(SCHEMA_VERSION, (Node("advice", "Advice", "section", (score,)),))
    rules = PathRules(score_nodes=(ScoreNode("score", ()),))
    [pinned] = detail(disclose(tree, [Show("score", "t:risk")]), rules)["importantInfos"]
    assert pinned == {"key": AI_KEY, "values": ["Risk: 7"], "style": None}
