"""The law: whatever lies after the index time changes no byte of a snapshot."""

# ruff: noqa: DTZ001 - OMOP times are local and have no zone

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.actions import build_snapshot, put_forward, rebuild_snapshot
from cases.building.assemble import assemble, select_rows
from cases.building.rows import CaseFacts, PersonFacts, SourceRow, age_at, known_at, not_after
from cases.building.rules import ValueRules
from cases.building.spec import FeatureSpec, HeadingSpec, Plan
from cases.models import Case
from cases.tests import omop_rows
from cases.tree import tree_sha256
from omop.events import EVENT_TABLES
from omop.models import Death, VisitOccurrence

INDEX = datetime(2020, 5, 17, 12, 30)
CASE = CaseFacts(person_id=1, visit_id=10, index_at=INDEX)
SHOW_ALL = ValueRules(show_end=True, show_stop_reason=True)
KINDS = sorted(EVENT_TABLES)

specs = st.builds(
    FeatureSpec,
    key=st.sampled_from([f"n{i}" for i in range(30)]),
    label=st.just("Label"),
    source=st.sampled_from(KINDS),
    concepts=st.frozensets(st.integers(1, 4), max_size=3),
    window=st.sampled_from(["all", "visit", "days", "latest"]),
    window_number=st.integers(1, 4),
    label_rule=st.sampled_from(["node", "concept", "split"]),
    rules=st.builds(
        ValueRules,
        show_end=st.booleans(),
        show_stop_reason=st.booleans(),
        distinct=st.booleans(),
        order=st.sampled_from(["newest", "oldest"]),
        without_value=st.sampled_from(["concept_name", "blank", "drop"]),
        show_when_empty=st.booleans(),
    ),
)
plans = st.lists(specs, min_size=1, max_size=8, unique_by=lambda spec: spec.key).map(
    lambda found: Plan((HeadingSpec("s", "Section", "section", tuple(found)),))
)
days = st.dates(date(2019, 1, 1), date(2022, 1, 1))
moments = st.none() | st.datetimes(datetime(2019, 1, 1), datetime(2022, 1, 1))
texts = st.sampled_from(["", "Yes", "Fatigue: Yes", "a.b: 1.5", "x"])


@st.composite
def rows(draw: Any, row_ids: st.SearchStrategy[int]) -> SourceRow:
    kind = draw(st.sampled_from(KINDS))
    moment = draw(moments)
    ended = draw(st.none() | days)
    return SourceRow(
        source=kind,
        table=kind,
        row_id=draw(row_ids),
        person_id=1,
        visit_id=draw(st.sampled_from([None, 10, 11])),
        concept_id=draw(st.integers(0, 5)),
        type_concept_id=1,
        start_date=moment.date() if moment else draw(days),
        start_datetime=moment,
        end_date=ended,
        later={"stop_reason": draw(texts), "days_supply": draw(st.none() | st.integers(0, 9))},
        values={"value_as_string": draw(texts), "note_text": draw(texts)},
        source_value=draw(texts),
    )


past_rows = st.lists(rows(st.integers(-50, 50)), max_size=12, unique_by=lambda row: (row.source, row.row_id))
future_rows = st.lists(rows(st.integers(100, 200)), max_size=8).map(
    lambda found: [row for row in found if not not_after(row.start_date, row.start_datetime, INDEX)]
)


def built(plan: Plan, found: list[SourceRow]) -> Any:
    selected = select_rows(plan, CASE, PersonFacts(1, 1960), found)
    return assemble(plan, selected, {1: "One", 2: "Two", 3: "Three: more", 5: ""})


@given(plans, past_rows, future_rows)
def test_rows_from_the_future_change_nothing(plan: Plan, past: list[SourceRow], future: list[SourceRow]) -> None:
    assert built(plan, past + future) == built(plan, past)


@given(plans, past_rows, st.dates(date(2020, 5, 18), date(2200, 1, 1)), texts, st.randoms())
def test_ends_from_the_future_change_nothing_and_order_of_rows_neither(
    plan: Plan, past: list[SourceRow], end: date, reason: str, random: Any
) -> None:
    from dataclasses import replace

    open_ended = [replace(row, end_date=None, end_datetime=None, later={}) for row in past]
    ending_later = [replace(row, end_date=end, later={"stop_reason": reason, "days_supply": 9}) for row in past]
    random.shuffle(ending_later)
    assert tree_sha256(built(plan, ending_later).tree) == tree_sha256(built(plan, open_ended).tree)
    assert built(plan, ending_later) == built(plan, open_ended)


@given(rows(st.integers(0, 9)))
def test_a_known_row_tells_nothing_later_than_the_index_time(row: SourceRow) -> None:
    known = known_at(row, INDEX)
    if known is None:
        assert row.start_date >= INDEX.date()
        return
    assert known.start_date <= INDEX.date()
    assert known.end_date is None or known.end_date <= INDEX.date()
    assert known.end_date is not None or not known.later


@pytest.mark.parametrize(
    ("day", "moment", "known"),
    [
        (date(2020, 5, 17), None, True),
        (date(2020, 5, 18), None, False),
        (date(2020, 5, 17), datetime(2020, 5, 17, 12, 30), True),
        (date(2020, 5, 17), datetime(2020, 5, 17, 12, 30, 1), False),
        (date(2020, 5, 17), datetime(2020, 5, 17, 0, 0), True),
        (date(2020, 5, 18), datetime(2020, 5, 17, 8, 0), False),
        (date(2020, 5, 16), datetime(2020, 5, 18, 0, 0), False),
    ],
)
def test_by_time_where_the_time_is_known_else_by_date(day: date, moment: datetime | None, known: bool) -> None:
    assert not_after(day, moment, INDEX) is known


@pytest.mark.parametrize(
    ("person", "age"),
    [
        (PersonFacts(1, 1960, 5, 17), 60),
        (PersonFacts(1, 1960, 5, 18), 59),
        (PersonFacts(1, 1960, 6), 59),
        (PersonFacts(1, 1960, 5), 60),
        (PersonFacts(1, 1960), 60),
        (PersonFacts(1, 1960, birth_datetime=datetime(1960, 12, 24)), 59),
        (PersonFacts(1, 1960, 5, birth_datetime=datetime(1960, 5, 30)), 59),
        (PersonFacts(1, 2020), 0),
        (PersonFacts(1, 2021), None),
    ],
)
def test_age_at_the_index_time_from_what_is_known_of_the_birthday(person: PersonFacts, age: int | None) -> None:
    assert age_at(person, INDEX) == age


def test_in_the_database_no_table_lets_the_future_in(one_visit: int, everything: Any) -> None:
    """A row after the index time, and an end after it on a row from before, in every event table; the visit's end
    and the person's death."""
    yesterday = omop_rows.VISIT_DATE - timedelta(days=1)
    for kind in EVENT_TABLES:
        omop_rows.event(kind, day=yesterday)
    put_forward(visit_ids=[one_visit], by=None)
    case = Case.objects.get()
    before = build_snapshot(case=case, layout_version=everything, by=None)
    assert all(f'"key":"{key}"' in before.content for key in ("observations", "labs", "conditions", "devices", "notes"))

    ends = 0
    for kind, table in EVENT_TABLES.items():
        for day in (omop_rows.VISIT_DATE + timedelta(days=1), datetime(2020, 5, 18, 0, 0), date(2031, 1, 1)):
            omop_rows.event(kind, concept_id=100, day=day)
            omop_rows.event(kind, concept_id=300, day=day)
        planted: dict[str, Any] = {}
        for column in table.later_columns:
            if column.endswith("_datetime"):
                planted[column] = datetime(2020, 5, 18, 1, 0)
            elif column.endswith("_date"):
                planted[column] = date(2020, 5, 18)
            else:
                planted[column] = 30 if column == "days_supply" else "died"
        if planted:
            ends += table.model._default_manager.filter(**{table.start_date: yesterday}).update(**planted)
    assert ends == 4
    Death.objects.create(person_id=omop_rows.PERSON, death_date=date(2020, 5, 18), cause_source_value="stroke")
    VisitOccurrence.objects.update(visit_end_date=date(2020, 6, 1), discharged_to_source_value="mortuary")

    after = rebuild_snapshot(case=case, layout_version=everything, by=None)
    assert after.pk == before.pk
    assert after.sha256 == before.sha256


def test_an_end_before_the_index_time_is_shown_with_its_reason(one_visit: int, everything: Any) -> None:
    omop_rows.concept(100, "Asthma")
    omop_rows.event("condition", day=date(2019, 1, 1), condition_end_date=date(2019, 3, 1), stop_reason="resolved")
    put_forward(visit_ids=[one_visit], by=None)
    content = build_snapshot(case=Case.objects.get(), layout_version=everything, by=None).content
    assert '"text":"Asthma (until 2019-03-01) (stopped: resolved)"' in content
