"""What events say of a reading: sums that neither order of arrival nor a second sending can change."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from experiments.exports.tracing import Event, traced

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def told(sequence, kind, feature="", page="a", question_key="", **data):
    return Event(kind, page, sequence, feature, question_key, AT, data)


def test_a_reading_in_two_loads_of_the_page():
    found = traced(
        [
            told(1, "case_opened", active=0),
            told(2, "feature_shown", "age", active=1000),
            told(3, "feature_shown", "lab", active=1500),
            told(4, "feature_visible", "age", active=4000, ms=3000, visit=1),
            told(5, "question_changed", question_key="risk", active=5000),
            told(6, "feature_visible", "age", active=9000, ms=2000, visit=2),
            told(1, "case_opened", page="b", active=0),
            told(2, "feature_opened", "note", page="b", active=500),
            told(4, "question_changed", page="b", question_key="risk", active=800),
            Event("feature_revealed", feature="sodium", server_at=AT, data={"cost": "0.5", "unit": "points"}),
        ]
    )
    age, lab, note, sodium = found.looks
    assert (age.feature, age.order, age.visible_ms, age.visits, age.first_ms) == ("age", 1, 5000, 2, 1000)
    assert (lab.shown, lab.visible_ms, lab.visits, lab.order) == (True, 0, 0, 2)
    assert (note.shown, note.opened, note.first_ms) == (False, 1, 9500)
    assert (sodium.order, sodium.revealed_at, sodium.cost, sodium.unit) == (None, AT, "0.5", "points")
    (risk,) = found.changes
    assert (risk.changes, risk.first_ms, risk.last_ms) == (2, 5000, 9800)
    assert [(page.active_ms, page.events, page.lost) for page in found.pages] == [(9000, 6, 0), (800, 3, 1)]
    assert found.active_ms == 9800


def test_what_a_client_made_up_is_no_time():
    data = {"ms": "many", "visit": None, "active": -5}
    found = traced([told(1, "feature_visible", "age", **data), told(2, "idle", active=True)])
    assert found.looks[0].visible_ms == 0
    assert found.active_ms == 0


def test_nothing_happened():
    found = traced([Event("opened"), Event("submitted")])
    assert (found.pages, found.looks, found.changes, found.active_ms) == ((), (), (), 0)


KINDS = st.sampled_from(["feature_shown", "feature_visible", "feature_opened", "question_changed", "idle", "blur"])
EVENTS = st.lists(
    st.builds(
        lambda page, sequence, kind, feature, ms, visit, active: told(
            sequence, kind, feature, page, "risk", ms=ms, visit=visit, active=active
        ),
        st.sampled_from("ab"),
        st.integers(1, 30),
        KINDS,
        st.sampled_from(["age", "lab", ""]),
        st.integers(0, 20_000),
        st.integers(1, 3),
        st.integers(0, 10**6),
    ),
    unique_by=lambda event: (event.page_session, event.sequence),
    max_size=25,
)


@given(EVENTS, st.randoms(use_true_random=False))
def test_batches_may_come_in_any_order_and_twice(events, random):
    by_page = {page: [event for event in events if event.page_session == page] for page in "ab"}
    mixed = []
    for told_ in by_page.values():
        late = list(told_)
        random.shuffle(late)
        mixed += late + late
    assert traced(mixed) == traced([*by_page["a"], *by_page["b"]])


@given(EVENTS)
def test_nothing_is_lost_in_the_sums(events):
    found = traced(events)
    visible = [event for event in events if event.kind == "feature_visible" and event.feature]
    assert sum(look.visible_ms for look in found.looks) == sum(event.number("ms") for event in visible)
    assert sum(change.changes for change in found.changes) == sum(event.kind == "question_changed" for event in events)
    assert sorted(look.order for look in found.looks) == list(range(1, len(found.looks) + 1))
    for page in found.pages:
        mine = [event.sequence for event in events if event.page_session == page.page_session]
        assert page.lost == max(mine) - len(mine)
    for look in found.looks:
        assert look.visits <= len(visible)
        assert 0 <= look.first_ms <= found.active_ms
    for change in found.changes:
        assert 0 <= change.first_ms <= change.last_ms or change.changes > 1
        assert change.last_ms <= found.active_ms
