"""AugMed's paths and styles: what of a case they mean."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.disclosure import (
    AdviceName,
    DisclosureError,
    PathError,
    PathMatch,
    PathRules,
    Show,
    Style,
    Supply,
    disclose,
    match_augmed_path,
    merge_matches,
    merge_styles,
    path_index,
    said_style,
    style_as_said,
)
from cases.tests.paths_case import CASE, CRC, PULSE, styles
from cases.tests.test_tree import trees
from cases.tree import Node, Tree, features

RULES = PathRules(
    last_label_sections=("PHYSICAL EXAMINATION",),
    label_aliases=(("Heart rate", "Pulse"),),
    advice_section="RISK ASSESSMENT",
    advice_names=(
        AdviceName("Colorectal Cancer Score", "crc", "Predicted Colorectal Cancer Score"),
        AdviceName("Colorectal", "crc"),
        AdviceName("first of them", "crc", prefer=("t:none", "t:adjusted crc", "t:crc score")),
    ),
)


def match(path):
    return match_augmed_path(path, features(CASE), RULES, [CRC], "row 7")


@pytest.mark.parametrize(
    ("path", "identities"),
    [
        ("BACKGROUND.Medical History.Fatigue: Yes", [("mh", "t:fatigue")]),
        (" BACKGROUND.Medical History.Fatigue ", [("mh", "t:fatigue")]),
        ("BACKGROUND.Medical History.B.M.I. class: 22.5 kg", [("mh", "t:b.m.i. class")]),
        ("BACKGROUND.Medical History.Smoke.10 per day", [("smoke", "")]),
        ("BACKGROUND.Medical History", [("mh", "t:fatigue"), ("mh", "t:b.m.i. class"), ("smoke", "")]),
        ("PHYSICAL EXAMINATION.Pulse", [("pulse", "")]),
        ("PHYSICAL EXAMINATION.Pulse: 72.5", [("pulse", "")]),
        ("PHYSICAL EXAMINATION.Vital signs.Pulse", [("pulse", "")]),
        ("PHYSICAL EXAMINATION.Vital signs.Pulse: 72.5", [("pulse", "")]),
        ("PHYSICAL EXAMINATION.Vital signs.Heart rate", [("pulse", "")]),
        ("PHYSICAL EXAMINATION.Anything.Skin", [("rash", "")]),
        ("PHYSICAL EXAMINATION.Anything.Rash", [("rash", "")]),
        ("RISK ASSESSMENT.CRC risk assessments", [("crc", "t:crc score"), ("crc", "t:adjusted crc")]),
        ("RISK ASSESSMENT.first of them", [("crc", "t:adjusted crc")]),
        ("MODEL.CRC Score: 7", [("crc", "t:crc score")]),
    ],
)
def test_paths_that_name_features(path, identities):
    found = match(path)
    assert isinstance(found, PathMatch)
    assert [tuple(identity) for identity in found.identities] == identities
    assert found.supply is None


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "a section"),
        ("BACKGROUND", "a section"),
        ("BACKGROUND.", "a section"),
        ("BACKGROUND.Medical History.fatigue", "called so"),
        ("BACKGROUND.Medical History.Fatigue: No", "called so"),
        ("BACKGROUND.Anything.Fatigue", "called so"),
        ("PHYSICAL EXAMINATION.Vital signs.Pulse: 80", "called so"),
        ("RISK ASSESSMENT.Unknown", "no advice node"),
        ("RISK ASSESSMENT.Colorectal Cancer Score: ", "empty"),
    ],
)
def test_paths_that_name_nothing_say_why(path, reason):
    found = match(path)
    assert isinstance(found, PathError)
    assert reason in found.reason


def test_a_value_given_in_the_path_is_supplied_to_the_advice_node():
    found = match("RISK ASSESSMENT.Colorectal Cancer Score: 7.5")
    assert found.supply == Supply("crc", "Predicted Colorectal Cancer Score", "7.5", source="row 7")
    assert disclose(CASE, [found.supply], [CRC]).sections[0].label == "MODEL"


def test_a_value_for_a_node_that_takes_none_is_an_error():
    found = match_augmed_path(
        "RISK ASSESSMENT.Colorectal: 1", features(CASE), RULES, [replace(CRC, accepts_supplies=False)]
    )
    assert "takes no values" in found.reason


def test_advice_that_the_case_has_not_is_an_error():
    found = match_augmed_path("RISK ASSESSMENT.Colorectal", [], RULES, [CRC])
    assert "has no advice" in found.reason


def test_the_special_sections_are_data_not_code():
    assert isinstance(match_augmed_path("PHYSICAL EXAMINATION.x.Pulse", features(CASE)), PathError)
    assert isinstance(match_augmed_path("RISK ASSESSMENT.Colorectal", features(CASE)), PathError)
    assert PathRules.from_json(json.loads(json.dumps(RULES.to_json()))) == RULES
    with pytest.raises(DisclosureError, match="unknown key"):
        PathRules.from_json({"sections": []})


def test_other_values_shown_beside_the_one_spelled_out_are_reported():
    assert match("BACKGROUND.Medical History.Smoke.10 per day").also_discloses == ("Former",)
    assert match("BACKGROUND.Medical History.Smoke").also_discloses == ()


@given(trees())
def test_every_feature_is_found_by_its_own_path(tree):
    index = path_index(features(tree))
    for found, labels in features(tree):
        path = ".".join(labels)
        if path.strip().partition(".")[2].strip():
            assert found.identity in match_augmed_path(path, index).identities


@given(st.lists(styles, max_size=6))
def test_styles_merge_as_in_augmed(listed):
    merged = merge_styles(listed)
    for name in ("collapse", "highlight"):
        said = [getattr(style, name) for style in listed if getattr(style, name) is not None]
        assert getattr(merged, name) == (said[-1] if said else None)
    assert merged.top == max((style.top for style in listed if style.top is not None), default=None)


@given(styles)
def test_a_style_comes_back_as_it_was_said(style):
    said = json.loads(json.dumps(said_style(style)))
    assert style_as_said(said) == style
    assert None not in said.values()


@pytest.mark.parametrize(
    "value", [1, "", [], {"collapse": "TRUE"}, {"highlight": 1}, {"top": "secret"}, {"top": True}, {"top": [1]}]
)
def test_what_is_no_style_is_refused_without_its_words(value):
    with pytest.raises(DisclosureError) as refused:
        style_as_said(value)
    assert "secret" not in str(refused.value)


def test_rows_of_one_case_are_merged_by_heading():
    first, second = Style(collapse=True, top=Decimal(2)), Style(collapse=False, highlight=True, top=Decimal(1))
    entries = merge_matches(
        [
            (match("BACKGROUND.Medical History.Fatigue"), first),
            (match("BACKGROUND.Medical History.Smoke"), second),
            (match("PHYSICAL EXAMINATION.Pulse"), Style()),
            (match("RISK ASSESSMENT.Colorectal: 7"), Style()),
            (match("RISK ASSESSMENT.Colorectal: 7"), Style(top=Decimal(3))),
        ]
    )
    merged = Style(collapse=False, highlight=True, top=Decimal(2))
    assert entries == (
        Show("mh", "t:fatigue", merged),
        Show("smoke", "", merged),
        Show("pulse"),
        Supply("crc", "Colorectal", "7", Style(top=Decimal(3)), "row 7"),
    )


def test_two_values_for_one_supply_are_refused():
    with pytest.raises(DisclosureError, match="two values"):
        merge_matches([(match(f"RISK ASSESSMENT.Colorectal: {n}"), Style()) for n in (7, 8)])


def test_a_section_alone_is_too_much_even_when_its_label_has_a_dot():
    tree = Tree(1, (Node("s", "SEC. A", "section", (PULSE,)),))
    assert isinstance(match_augmed_path("SEC. A", features(tree)), PathError)
    assert match_augmed_path("SEC. A.Pulse", features(tree)).identities == (PULSE.identity,)


def test_of_two_advice_names_the_longer_one_is_meant():
    rules = replace(RULES, advice_names=(AdviceName("Score", "crc"), AdviceName("Score: adjusted", "crc")))
    found = match_augmed_path("RISK ASSESSMENT.Score: adjusted: 5", features(CASE), rules, [CRC])
    assert (found.supply.label, found.supply.value) == ("Score: adjusted", "5")
