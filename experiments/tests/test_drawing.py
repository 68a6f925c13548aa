"""A draw is a function of what it wrote down, and a first draw is the allocation rule itself."""

import json

from hypothesis import given
from hypothesis import strategies as st

from augmed.foundation.canonical import canonical_json
from experiments.drawing import ArmSequences, DrawInputs, PlacedArrival, draw
from experiments.randomization import RULE_VERSIONS, ArmWeight, Arrival, Plan, StudyCase, allocate

plans = st.builds(
    Plan,
    rule=st.just("arm_per_participant") | st.just("arm_per_participant_case"),
    version=st.just(1),
    seed=st.binary(min_size=8, max_size=32).map(bytes.hex),
    arms=st.lists(st.integers(1, 4), min_size=1, max_size=4).map(
        lambda weights: tuple(ArmWeight(f"arm-{at}", weight) for at, weight in enumerate(weights))
    ),
    block_multiples=st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple),
    case_order=st.sampled_from(["random", "fixed"]),
    person_once=st.booleans(),
    phase=st.sampled_from(["1", "2", "11"]),
)
case_lists = st.lists(st.none() | st.integers(1, 4), min_size=1, max_size=8).map(
    lambda persons: tuple(StudyCase(100 + at, person) for at, person in enumerate(persons))
)
strata = st.lists(st.sampled_from(["", "a", "b"]), min_size=1, max_size=12)


def placed(strata_in_order):
    """Arrivals 1, 2, 3 … with their places in their strata."""
    return tuple(
        PlacedArrival(at + 1, stratum, strata_in_order[:at].count(stratum))
        for at, stratum in enumerate(strata_in_order)
    )


def read_back(inputs):
    return DrawInputs.from_json(
        json.loads(canonical_json(inputs.to_json())),
        rule=inputs.plan.rule,
        version=inputs.plan.version,
        seed=inputs.plan.seed,
        weights=json.loads(canonical_json(inputs.weights)),
    )


def test_every_rule_is_drawn_here():
    assert set(RULE_VERSIONS) == {"arm_per_participant", "arm_per_participant_case"}


@given(plans, strata, case_lists)
def test_a_first_draw_is_the_rules_own(plan, strata_in_order, cases):
    arrivals = [Arrival(number, stratum) for number, stratum in enumerate(strata_in_order, start=1)]
    assert draw(DrawInputs(plan, 0, placed(strata_in_order), cases)) == allocate(plan, arrivals, cases)


@given(plans, strata, case_lists, st.integers(0, 5))
def test_what_was_written_down_draws_the_same(plan, strata_in_order, cases, after):
    inputs = DrawInputs(plan, after, placed(strata_in_order), cases)
    assert read_back(inputs) == inputs
    assert draw(read_back(inputs), ArmSequences()) == draw(inputs)


@given(plans, strata, case_lists)
def test_people_drawn_one_by_one_get_what_they_get_together(plan, strata_in_order, cases):
    together = draw(DrawInputs(plan, 0, placed(strata_in_order), cases))
    sequences = ArmSequences()
    for arrival in reversed(placed(strata_in_order)):
        alone = draw(DrawInputs(plan, 0, (arrival,), cases), sequences)
        assert alone == {arrival.number: together[arrival.number]}


@given(plans, strata, case_lists, st.integers(1, 5))
def test_a_later_draw_counts_positions_on_and_keeps_a_participants_arm(plan, strata_in_order, cases, after):
    first = draw(DrawInputs(plan, 0, placed(strata_in_order), cases))
    later = draw(DrawInputs(plan, after, placed(strata_in_order), cases))
    for number, drawn in later.items():
        assert [case.position for case in drawn] == list(range(after + 1, after + 1 + len(drawn)))
        assert len({case.case for case in drawn}) == len(drawn)
        if plan.rule == "arm_per_participant":
            assert {case.draw for case in drawn} == {case.draw for case in first[number]}
