"""What the case page takes of a disclosed tree: pure."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.disclosure import Show, Style, disclose, disclosed_to_json
from cases.tree import SCHEMA_VERSION, Entry, Feature, Node, Tree, features
from experiments.screens.reading.entries import flag, reference, shown_entry
from experiments.screens.reading.page import CasePage, Run, ShownNode, case_page
from experiments.screens.reading.tests.charts_of_cases import everyday_tree


def disclosed(tree: Tree, **styles: Style) -> dict[str, Any]:
    shows = [
        Show(*feature.identity, styles.get(feature.label.replace(" ", "_"), Style())) for feature, _ in features(tree)
    ]
    return json.loads(json.dumps(disclosed_to_json(disclose(tree, shows))))


def one(*entries: Entry, kind: str = "coded", role: str = "clinical") -> Tree:
    feature = Feature("lab", "c:1", "Sodium", kind, role, entries)  # type: ignore[arg-type]
    return Tree(SCHEMA_VERSION, (Node("labs", "Laboratory", "section", (feature,)),))


def number(value: str, day: str | None = "2020-01-01", **more: Any) -> Entry:
    return Entry(f"{value} u", number=value, unit="u", date=day, **more)


def test_features_are_numbered_in_order_and_found_by_number_and_key():
    page = case_page(disclosed(everyday_tree()))
    assert [feature.number for feature in page.features] == list(range(1, len(page.features) + 1))
    assert page.by_number(1) is page.features[0]
    assert page.by_number(0) is None
    assert page.by_number(len(page.features) + 1) is None
    assert page.by_key("lab|c:12") is not None
    assert page.by_key("lab|c:99") is None


def test_pinned_features_come_on_top_in_the_order_of_their_place_and_stay_where_they_were():
    page = case_page(disclosed(everyday_tree(), Heart_rate=Style(top=Decimal(2)), Age=Style(top=Decimal(1))))
    assert [feature.label for run in page.pinned for feature in run.features] == ["Age", "Heart rate"]
    assert page.by_key("age").label == "Age"
    assert page.pinned[0].features[1].above == ("Examination", "Vital signs")


@pytest.mark.parametrize(
    ("number", "low", "high", "operator", "said"),
    [
        ("5", "1", "9", "", ""),
        ("9", "1", "9", "", ""),
        ("9.01", "1", "9", "", "high"),
        ("0", "1", "9", "", "low"),
        ("0", "0", None, "", ""),
        ("5", None, None, "", ""),
        ("9", "1", "9", ">", "high"),
        ("10", "1", "9", "<", ""),  # less than ten: perhaps inside
        ("1", "1", "9", "<", "low"),
        ("0", "1", "9", ">", ""),
        ("10", "1", "9", ">=", "high"),
    ],
)
def test_a_value_is_outside_its_range_only_for_certain(number, low, high, operator, said):
    bounds = [None if bound is None else Decimal(bound) for bound in (low, high)]
    assert flag(Decimal(number), *bounds, operator) == said


def test_ranges_are_written_in_figures():
    assert [reference("3.5", "5"), reference("3.5", None), reference(None, "5"), reference(None, None)] == [
        "3.5–5",
        "≥\u00a03.5",
        "≤\u00a05",
        "",
    ]


def test_a_dash_is_not_taken_for_a_minus():
    assert [reference("-2", "2"), reference("-5", "-2")] == ["-2\u00a0–\u00a02", "-5\u00a0–\u00a0-2"]


@pytest.mark.parametrize(
    ("text", "is_so"),
    [("FEMALE", True), ("CHRONIC COUGH", True), ("HIV", False), ("HIV, COPD", True), ("Female", False), ("5", False)],
)
def test_words_in_capitals_are_set_smaller_and_stay_as_they_are(text, is_so):
    shown = shown_entry({"text": text})
    assert (shown.text, shown.is_capitals) == (text, is_so)


def test_a_value_is_told_from_its_unit_and_has_its_date_with_the_time_where_known():
    entries = (number("5", "2020-01-01T08:30:00"),)
    [feature] = case_page(disclosed(one(*entries, kind="number"))).features
    assert (feature.shape, feature.first.value, feature.first.unit) == ("value", "5", "u")
    assert feature.first.date == datetime(2020, 1, 1, 8, 30)  # noqa: DTZ001
    assert feature.first.has_time
    [feature] = case_page(disclosed(one(number("0")))).features
    assert (feature.first.value, feature.first.date, feature.first.has_time) == ("0", date(2020, 1, 1), False)


@pytest.mark.parametrize(
    ("entries", "kind", "shape", "is_course"),
    [
        ((number("1"), number("2", "2020-02-01")), "series", "value", True),
        ((number("1"), number("2", None)), "series", "list", False),
        ((number("1"), number("2"), number("3")), "series", "list", False),  # of one day: none is the latest
        ((number("1"), number("2"), number("3", "2020-02-01")), "series", "value", True),
        ((number("1"), Entry("2 mg", number="2", unit="mg", date="2020-02-01")), "series", "list", False),
        ((Entry("Anaemia"), Entry("Asthma")), "coded", "list", False),
        ((Entry("Anaemia"),), "coded", "text", False),
        ((Entry("One line"),), "note", "note", False),
        ((Entry("Two\nlines"),), "text", "note", False),
        ((), "coded", "none", False),
        ((Entry(""),), "coded", "none", False),
    ],
)
def test_each_kind_of_feature_has_its_form(entries, kind, shape, is_course):
    [feature] = case_page(disclosed(one(*entries, kind=kind))).features
    assert (feature.shape, feature.is_course) == (shape, is_course)


def test_of_a_course_the_latest_value_is_the_one_shown_whatever_the_order():
    [feature] = case_page(disclosed(one(number("1", "2020-03-01"), number("2", "2021-01-01"), number("3")))).features
    assert feature.first.value == "2"


def test_long_lists_are_folded_but_not_for_one_entry():
    [feature] = case_page(disclosed(one(*(Entry(str(at)) for at in range(6))))).features
    assert (len(feature.at_once), len(feature.more)) == (6, 0)
    [feature] = case_page(disclosed(one(*(Entry(str(at)) for at in range(60))))).features
    assert (len(feature.at_once), len(feature.more)) == (5, 55)


def test_advice_is_a_run_of_its_own_and_its_source_is_told_once():
    [section] = [node for node in case_page(disclosed(everyday_tree())).sections if node.key == "advice-section"]
    [run] = section.children
    assert isinstance(run, Run)
    assert run.advice
    first, second = run.features
    assert first.sources == ()
    assert [source.model for source in second.sources] == ["Framingham general risk"]
    assert second.sources[0].has_day


def test_advice_without_a_model_says_so():
    [feature] = case_page(disclosed(one(Entry("12 %"), role="advice"))).features
    assert [source.model for source in feature.sources] == [""]


def test_a_hidden_feature_carries_its_label_alone():
    tree = everyday_tree()
    found = disclosed(tree, HDL_cholesterol=Style(highlight=True, collapse=True))
    hidden = case_page(found, hidden=frozenset({"lab|c:12"})).by_key("lab|c:12")
    assert (hidden.shape, hidden.label) == ("hidden", "HDL cholesterol")
    assert (hidden.entries, hidden.first, hidden.sources, hidden.marked, hidden.folded) == ((), None, (), False, False)
    shown = case_page(found).by_key("lab|c:12")
    assert (shown.marked, shown.folded, len(shown.entries)) == (True, True, 3)


def test_labels_are_shown_in_the_readers_language_and_values_as_they_are():
    page = case_page(disclosed(everyday_tree()), texts=str.upper)
    assert page.sections[0].label == "PATIENT"
    assert page.by_key("sex").label == "SEX"
    assert page.by_key("problem").first.text == "Anemia"


def test_two_cases_on_one_page_have_ids_of_their_own():
    found = disclosed(everyday_tree())
    first, second = (case_page(found, prefix=prefix) for prefix in ("a", "b"))
    assert {node.anchor for node in first.sections}.isdisjoint(node.anchor for node in second.sections)


def texts_of(page: CasePage) -> set[str]:
    def below(node: ShownNode) -> set[str]:
        found = {node.label, node.key}
        for child in node.children:
            if isinstance(child, ShownNode):
                found |= below(child)
        return found

    found = set().union(*(below(section) for section in page.sections))
    for feature in page.features:
        found |= {feature.label, *(entry.text for entry in feature.entries), *feature.above}
    return found


@given(st.sets(st.integers(0, 30)))
def test_nothing_is_on_the_page_that_is_not_in_the_disclosed_tree(shown):
    tree = everyday_tree()
    listed = [feature.identity for feature, _ in features(tree)]
    shows = [Show(*identity) for at, identity in enumerate(listed) if at in shown]
    found = disclosed_to_json(disclose(tree, shows))
    page = case_page(found)
    written = json.dumps(found, ensure_ascii=False)
    assert all(json.dumps(text, ensure_ascii=False)[1:-1] in written for text in texts_of(page))
    assert len(page.features) == len(shows)
