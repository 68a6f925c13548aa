"""From rows to features: shapes, texts, labels, windows, order; and that it is quick and asks little."""

from __future__ import annotations

# ruff: noqa: DTZ001 - OMOP times are local and have no zone
import json
import time
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.actions import build_snapshots, put_forward
from cases.models import Case, LayoutVersion, SnapshotFeature
from cases.tests import omop_rows
from cases.tests.conftest import EVERYTHING, feature
from cases.tree import Feature, features, from_json
from omop.models import ConceptAncestor, ConceptRelationship

Make = Callable[..., LayoutVersion]


def built() -> list[Feature]:
    """Put the one visit forward and return the features of its snapshot."""
    put_forward(visit_ids=[omop_rows.VISIT], by=None)
    snapshot = Case.objects.get().snapshots.get()
    return [found for found, _ in features(from_json(json.loads(snapshot.content)))]


def texts() -> list[tuple[str, list[str]]]:
    return [(found.label, [entry.text for entry in found.entries]) for found in built()]


@pytest.fixture(autouse=True)
def _visit(one_visit: int) -> None:
    for concept_id, name in ((100, "Pulse"), (200, "History"), (8541, "per minute"), (4171756, "<"), (45877994, "Yes")):
        omop_rows.concept(concept_id, name)


def test_zero_is_a_value_and_one_row_or_many_have_one_shape(make_layout: Make) -> None:
    make_layout(feature("pulse", "measurement", concept_ids=[100]))
    omop_rows.event("measurement", value_as_number=Decimal("0"), unit_concept_id=8541)
    (one,) = built()
    assert one.kind == "series"
    assert [(e.text, e.number, e.unit) for e in one.entries] == [("0 per minute", "0", "per minute")]


def test_many_rows_come_newest_first_and_by_id_where_times_are_equal(make_layout: Make) -> None:
    make_layout(feature("pulse", "measurement", value_rules={"show_date": True}))
    for row_id, number, day in (
        (3, "60.50", date(2020, 5, 1)),
        (1, "61", date(2020, 5, 17)),
        (2, "62", date(2020, 5, 17)),
        (9, "63", datetime(2020, 5, 2, 8, 30)),
    ):
        omop_rows.event("measurement", row_id=row_id, day=day, value_as_number=Decimal(number))
    (pulse,) = built()
    assert [entry.number for entry in pulse.entries] == ["62", "61", "63", "60.5"]
    assert pulse.entries[2].date == "2020-05-02T08:30:00"
    assert pulse.entries[3].date == "2020-05-01"


def test_a_missing_concept_shows_its_source_value_else_its_id(make_layout: Make) -> None:
    make_layout(feature("conditions", "condition"), feature("by-concept", "drug", label_rule="concept"))
    omop_rows.event("condition", concept_id=999, condition_source_value="E11.9")
    omop_rows.event("condition", concept_id=998)
    omop_rows.event("condition", concept_id=0, condition_source_value="local 7")
    omop_rows.event("drug", concept_id=0, drug_source_value="Aspirin 100")
    omop_rows.event("drug", concept_id=0, drug_source_value="Insulin")
    omop_rows.event("drug", concept_id=0)
    found = built()
    assert sorted(entry.text for entry in found[0].entries) == ["Concept 998", "E11.9", "local 7"]
    assert [(f.discriminator, f.label) for f in found[1:]] == [
        ("t:aspirin 100", "Aspirin 100"),
        ("c:0", "Concept 0"),
        ("t:insulin", "Insulin"),
    ]


def test_an_operator_a_unit_and_a_range_are_shown_or_not_as_the_rules_say(make_layout: Make) -> None:
    make_layout(
        feature("plain", "measurement", value_rules={"show_operator": False, "show_unit": False, "show_range": False}),
        feature("full", "measurement", value_rules={"decimals": 1, "unit_map": [["per minute", "/min"]]}),
        feature("stated", "measurement", value_rules={"unit": "bpm", "low": "50", "high": 90, "show_date": False}),
    )
    omop_rows.event(
        "measurement",
        value_as_number=Decimal("60.25"),
        operator_concept_id=4171756,
        unit_concept_id=8541,
        range_low=Decimal("55.0"),
    )
    plain, full, stated = (found.entries[0] for found in built())
    assert (plain.text, plain.operator, plain.unit, plain.low) == ("60.25", None, None, None)
    assert (full.text, full.operator, full.unit, full.low, full.high) == ("< 60.3 /min", "<", "/min", "55", None)
    assert full.number == "60.3"
    assert (stated.text, stated.low, stated.high, stated.date) == ("< 60.25 bpm", "50", "90", None)


def test_words_of_a_value_map_stand_in_for_the_number_which_is_then_nowhere(make_layout: Make) -> None:
    rules = {"value_map": [["18.5", "normal"], ["25", "high"], [30, "very high"]]}
    make_layout(feature("bmi", "measurement", value_rules=rules))
    for row_id, number in enumerate(("17", "18.5", "29.9", "30"), start=1):
        omop_rows.event("measurement", row_id=row_id, value_as_number=Decimal(number), unit_concept_id=8541)
    (bmi,) = built()
    assert [entry.text for entry in bmi.entries] == ["very high", "high", "normal", "17 per minute"]
    assert [entry.number for entry in bmi.entries] == [None, None, None, "17"]


def test_the_value_comes_from_the_first_source_that_says_something(make_layout: Make) -> None:
    rules = {"text_from": ["value_as_string", "value_as_number", "value_as_concept", "unit_source_value"]}
    make_layout(feature("h", "observation", value_rules={**rules, "without_value": "drop", "order": "oldest"}))
    omop_rows.event("observation", value_as_string="text", value_as_number=Decimal("1"))
    omop_rows.event("observation", value_as_string="", value_as_number=Decimal("0"))
    omop_rows.event("observation", value_as_concept_id=45877994, qualifier_concept_id=100)
    omop_rows.event("observation", value_as_concept_id=0, unit_source_value="raw")
    omop_rows.event("observation")
    assert texts() == [("H", ["text", "0", "Pulse : Yes", "raw"])]


def test_labels_split_from_text_are_features_of_their_own_and_dots_are_harmless(make_layout: Make) -> None:
    make_layout(feature("history", "observation", concept_ids=[200], label_rule="split"))
    for text in ("Diabetes: Yes", "HbA1c: 6.5 e.g.", "diabetes : no", "10 per day", "Dose: a: b"):
        omop_rows.event("observation", 200, value_as_string=text)
    found = {f.discriminator: (f.label, [e.text for e in f.entries]) for f in built()}
    assert found == {
        "t:10 per day": ("10 per day", [""]),
        "t:diabetes": ("diabetes", ["no", "Yes"]),
        "t:dose": ("Dose", ["a: b"]),
        "t:hba1c": ("HbA1c", ["6.5 e.g."]),
    }


def test_windows_narrow_what_is_eligible(make_layout: Make) -> None:
    make_layout(
        feature("all", "drug"),
        feature("visit", "drug", window="visit"),
        feature("days", "drug", window="days", window_number=30),
        feature("latest", "drug", window="latest", window_number=2),
    )
    for row_id, day, visit_id in (
        (1, date(2019, 1, 1), 3),
        (2, date(2020, 4, 17), None),
        (3, date(2020, 4, 16), omop_rows.VISIT),
        (4, date(2020, 5, 17), omop_rows.VISIT),
        (5, date(2020, 5, 18), omop_rows.VISIT),
    ):
        omop_rows.event("drug", row_id=row_id, day=day, visit_id=visit_id)
    omop_rows.event("drug", row_id=6, person_id=8)
    built()
    rows = {s["key"]: s["rows"] for s in json.loads(Case.objects.get().snapshots.get().sources)}
    assert rows == {"all": [4, 2, 3, 1], "visit": [4, 3], "days": [4, 2], "latest": [4, 2]}


def test_descendants_types_and_related_concepts(make_layout: Make) -> None:
    for descendant in (100, 101):
        ConceptAncestor.objects.create(
            ancestor_concept_id=100,
            descendant_concept_id=descendant,
            min_levels_of_separation=0,
            max_levels_of_separation=1,
        )
    for second in (101, 102):
        ConceptRelationship.objects.create(
            concept_id_1=200,
            concept_id_2=second,
            relationship_id="Subsumes",
            valid_start_date=date(1970, 1, 1),
            valid_end_date=date(2099, 1, 1),
        )
    omop_rows.concept(101, "Radial pulse")
    make_layout(
        feature("narrow", "measurement", concept_ids=[100]),
        feature("wide", "measurement", concept_ids=[100], include_descendants=True),
        feature("typed", "measurement", type_concept_ids=[5]),
        feature("related", "measurement", concept_ids=[200], relationship_ids=["Subsumes"]),
    )
    omop_rows.event("measurement", 100, value_as_number=Decimal(1))
    omop_rows.event("measurement", 101, value_as_number=Decimal(2))
    omop_rows.event("measurement", 102, value_as_number=Decimal(3), type_id=5)
    assert texts() == [
        ("Narrow", ["1"]),
        ("Wide", ["2", "1"]),
        ("Typed", ["3"]),
        ("Concept 102", ["3"]),
        ("Radial pulse", ["2"]),
    ]


def test_related_concepts_stand_in_only_where_there_is_no_row_of_the_concept_itself(make_layout: Make) -> None:
    ConceptRelationship.objects.create(
        concept_id_1=200,
        concept_id_2=101,
        relationship_id="Subsumes",
        valid_start_date=date(1970, 1, 1),
        valid_end_date=date(2099, 1, 1),
    )
    make_layout(feature("card", "measurement", concept_ids=[200], relationship_ids=["Subsumes"]))
    omop_rows.event("measurement", 101, value_as_number=Decimal(2))
    omop_rows.event("measurement", 200, value_as_number=Decimal(1))
    assert texts() == [("Card", ["1"])]


def test_demographics_are_of_the_index_time(make_layout: Make) -> None:
    make_layout(
        feature("age", "demographics", demographic="age", value_rules={"unit": "years", "kind": "number"}),
        feature("sex", "demographics", demographic="gender", value_rules={"text_map": [["F", "female"]]}),
        feature("race", "demographics", demographic="race"),
    )
    found = built()
    assert [(f.label, f.kind, f.entries[0].text, f.entries[0].number) for f in found] == [
        ("Age", "number", "59 years", "59"),
        ("Sex", "text", "female", None),
    ]


def test_an_empty_feature_is_shown_where_its_node_says_so(make_layout: Make) -> None:
    make_layout(feature("a", "drug", value_rules={"show_when_empty": True}), feature("b", "drug"))
    assert texts() == [("A", [])]


def test_equal_texts_are_shown_once_where_asked_for(make_layout: Make) -> None:
    make_layout(feature("a", "condition", value_rules={"distinct": True}))
    omop_rows.event("condition", row_id=1, day=date(2019, 1, 1))
    omop_rows.event("condition", row_id=2, day=date(2020, 1, 1))
    (found,) = built()
    assert [(entry.text, entry.date) for entry in found.entries] == [("Pulse", "2020-01-01")]


def test_advice_names_its_model(make_layout: Make) -> None:
    model = {"name": "Risk", "version": "2", "caveat": "Adults only."}
    make_layout(
        feature("stated", "observation", role="advice", value_rules={"model": model}),
        feature("source", "observation", role="advice"),
    )
    omop_rows.event("observation", value_as_number=Decimal("3.5"), observation_source_value="Equation v1")
    stated, source = built()
    assert stated.role == "advice"
    assert stated.entries[0].model is not None
    assert tuple(getattr(stated.entries[0].model, name) for name in ("model", "version", "produced_at", "caveat")) == (
        "Risk",
        "2",
        "2020-05-17",
        "Adults only.",
    )
    assert source.entries[0].model is not None
    assert source.entries[0].model.model == "Equation v1"


def test_a_note_is_its_title_and_text(make_layout: Make) -> None:
    make_layout(feature("notes", "note", type_concept_ids=[44]))
    omop_rows.event("note", type_id=44, note_title="Visit", note_text=" Feels well.\nNo pain. ")
    omop_rows.event("note", type_id=45, note_text="other")
    (note,) = built()
    assert note.kind == "note"
    assert [entry.text for entry in note.entries] == ["Visit\n\nFeels well.\nNo pain."]


def test_equal_rows_have_this_hash_on_every_database(make_layout: Make) -> None:
    """Raise the schema or engine version with it: the same rows gave these bytes before."""
    make_layout(*EVERYTHING)
    omop_rows.event("measurement", row_id=-5, value_as_number=Decimal("7.250"), unit_concept_id=8541)
    omop_rows.event("measurement", row_id=6, day=datetime(2020, 5, 17, 7, 5), value_as_number=Decimal("1e3"))
    omop_rows.event("observation", 200, row_id=7, value_as_string="Cafe\u0301: tr\u00e8s")
    omop_rows.event("observation", 201, row_id=8, value_as_number=Decimal("-0.0"), qualifier_concept_id=100)
    omop_rows.event("condition", row_id=9, condition_end_date=date(2020, 5, 17), day=date(2020, 5, 2))
    omop_rows.event("drug", row_id=10, drug_source_value="x", day=date(2020, 1, 1))
    omop_rows.event("note", row_id=11, note_text="Line one.\nLine two.")
    put_forward(visit_ids=[omop_rows.VISIT], by=None)
    snapshot = Case.objects.get().snapshots.get()
    assert snapshot.sha256 == "2e00621053fa3f4c634cb49bfbee8a01282a0ee291d40f308ba2468617a6c10f", snapshot.content


def test_one_case_and_many_need_the_same_number_of_queries(everything: LayoutVersion) -> None:
    def queries(visit_ids: range) -> tuple[int, int]:
        for visit_id in visit_ids:
            omop_rows.person(visit_id)
            omop_rows.visit(visit_id, person_id=visit_id)
            for kind in ("observation", "measurement", "condition"):
                omop_rows.event(kind, concept_id=visit_id, person_id=visit_id, visit_id=visit_id)
        with CaptureQueriesContext(connection) as caught:
            put_forward(visit_ids=visit_ids, by=None)
        reads = sum(query["sql"].startswith("SELECT") for query in caught)
        return reads, len(caught) - reads

    queries(range(900, 901))  # the very first snapshot freezes the layout besides
    few, many = queries(range(1000, 1001)), queries(range(2000, 2040))
    assert many[0] == few[0] <= 20
    # SQLite takes rows in batches of some hundred values each.
    assert many[1] <= few[1] + 2 <= 15


def test_a_thousand_features_are_quick(make_layout: Make) -> None:
    nodes = [feature(f"n{i}", "measurement", concept_ids=[i], label=f"Node {i}") for i in range(1_000, 2_000)]
    version = make_layout(*nodes)
    for concept_id in range(1_000, 2_000):
        omop_rows.event("measurement", concept_id, value_as_number=Decimal(concept_id))
    put_forward(visit_ids=[omop_rows.VISIT], by=None)
    assert SnapshotFeature.objects.count() == 1_000
    for visit_id in range(71, 76):
        omop_rows.visit(visit_id)
    cases = [
        Case.objects.create(number=v, visit_occurrence_id=v, person_id=7, index_at=datetime(2020, 5, 17, 23, 59, 59))
        for v in range(71, 76)
    ]
    began = time.perf_counter()
    result = build_snapshots(cases=cases, layout_version=version, by=None)
    assert result.created == 5
    # Five cases of a thousand features, some 20 times what it takes.
    assert time.perf_counter() - began < 20
