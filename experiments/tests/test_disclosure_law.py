"""The law, through the whole path: whatever the tree and the set, every byte that a review serves comes from a shown
feature of its snapshot or a supplied entry of its set, and nothing that is stored later changes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases.disclosure import Show, Style, Supply
from cases.models import LayoutNode
from cases.tree import SCHEMA_VERSION, Entry, Feature, Node, Tree, features
from experiments.actions.disclosure_sets import disclosure_set_for
from experiments.actions.reviews import open_review, read_review
from experiments.models import Assignment, AssignmentDisclosure, Enrolment, Experiment, Review, ReviewOpening
from experiments.reviewing.disclosed_text import kept
from experiments.tests import factories
from experiments.verification.disclosure import verify_disclosure

words = st.text(alphabet="abcxyz.: é0", min_size=1, max_size=8).map(lambda text: text.strip() or "w")


@st.composite
def cases(draw: Any) -> tuple[Tree, list[Show], list[Supply]]:
    """A tree of sections, categories and features, which of the features are shown, and what is supplied."""
    sections, shows = [], []
    number = 0
    for s in range(draw(st.integers(1, 3))):
        below: list[Node | Feature] = []
        for c in range(draw(st.integers(0, 2))):
            inner = []
            for _ in range(draw(st.integers(0, 3))):
                number += 1
                inner.append(_feature(draw, number, shows))
            below.append(Node(f"c{s}-{c}", f"{draw(words)} heading{s}{c}", "category", tuple(inner)))
        for _ in range(draw(st.integers(0, 2))):
            number += 1
            below.append(_feature(draw, number, shows))
        sections.append(Node(f"s{s}", f"{draw(words)} section{s}", "section", tuple(below)))
    supplies = [
        Supply("risk", f"{draw(words)} label{n}", f"{draw(words)} supplied{n}") for n in range(draw(st.integers(0, 2)))
    ]
    return Tree(SCHEMA_VERSION, tuple(sections)), shows, supplies


def _feature(draw: Any, number: int, shows: list[Show]) -> Feature:
    entries = tuple(Entry(f"{draw(words)} value{number}", date="2020-01-02") for _ in range(draw(st.integers(0, 2))))
    feature = Feature(
        f"n{number}",
        draw(st.sampled_from(["", f"c:{number}", f"t:t{number}"])),
        f"{draw(words)} label-{number}",
        "text",
        "clinical",
        entries,
    )
    if draw(st.booleans()):
        shows.append(Show(*feature.identity, style=Style(collapse=draw(st.booleans()))))
    return feature


def strings(value: Any) -> set[str]:
    """Every text in JSON values that says something of the case."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, list):
        return set().union(*map(strings, value))
    if isinstance(value, dict):
        return set().union(*(strings(item) for item in value.values()))
    return set()


def allowed_texts(tree: Tree, shows: list[Show], supplies: list[Supply]) -> set[str]:
    """All texts that may be served, derived without the engine: shown features, headings above them, supplies."""
    shown = {show.identity for show in shows}
    texts: set[str] = {"section", "category", "feature", "text", "clinical"}
    for feature, labels in features(tree):
        if feature.identity in shown:
            texts |= {*labels, *feature.identity}
            for entry in feature.entries:
                texts |= {entry.text, entry.date or ""}
            texts |= _keys_above(tree.sections, feature)
    for supply in supplies:
        texts |= {supply.label, supply.value, supply.node_key, *supply.identity, "advice"}
        texts |= {"advice-section", "Advice"}
    return texts


def _keys_above(nodes: Any, feature: Feature) -> set[str]:
    for node in nodes:
        if isinstance(node, Node) and any(found is feature for found in _all(node)):
            return {node.key} | _keys_above(node.children, feature)
    return set()


def _all(node: Node) -> list[Feature]:
    return [found for child in node.children for found in (_all(child) if isinstance(child, Node) else [child])]


@pytest.fixture
def reader(layout_version, clinician):
    experiment = Experiment.objects.create(
        name="Display configs", kind="configs", status="active", layout=layout_version.layout
    )
    factories.make_questionnaire(experiment)
    return Enrolment.objects.create(experiment=experiment, user=clinician, status="active", arrival=1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=cases(), second=cases())
def test_every_byte_served_is_shown_or_supplied_and_stays(reader, layout_version, first, second):
    tree, shows, supplies = first
    case = factories.make_case(tree=tree, layout_version=layout_version)
    assignment = Assignment.objects.create(
        enrolment=reader, case=case, position=Assignment.objects.count() + 1, drawn_by="csv"
    )
    review = Review.objects.create(assignment=assignment)
    _disclose(assignment, shows, supplies)

    opened = open_review(public_id=review.public_id, by=reader.user)
    served = strings(json.loads(opened.disclosed))
    assert served <= allowed_texts(tree, shows, supplies)
    in_tree = {feature.identity for feature, _ in features(tree)}
    for show in shows:
        assert show.identity in in_tree
    shown_values = {
        entry.text
        for feature, _ in features(tree)
        if feature.identity in {show.identity for show in shows}
        for entry in feature.entries
    }
    assert shown_values | {supply.value for supply in supplies} <= served

    # Later and back-dated facts: another snapshot, another set, other labels of the layout.
    factories.add_snapshot(case, second[0], layout_version, number=2)
    _disclose(assignment, second[1], second[2])
    LayoutNode.objects.filter(version=layout_version, key="age").update(label="Renamed")
    kept.clear()
    again = read_review(public_id=review.public_id, by=reader.user)
    assert again == opened
    assert ReviewOpening.objects.get(review=review).disclosed_sha256 == opened.disclosed_sha256
    assert verify_disclosure(reader.experiment).different == 0


def _disclose(assignment: Assignment, shows: list[Show], supplies: list[Supply]) -> None:
    found = disclosure_set_for([*shows, *supplies], assignment.case if supplies else None)
    AssignmentDisclosure.objects.create(assignment=assignment, disclosure_set=found)
