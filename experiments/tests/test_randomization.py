import hashlib
import hmac
import math
from collections import Counter
from fractions import Fraction
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import randomization
from experiments.randomization import (
    ARM_PER_PARTICIPANT,
    ARM_PER_PARTICIPANT_CASE,
    ArmWeight,
    Arrival,
    Plan,
    StudyCase,
    allocate,
    block_draws,
    derive,
    draw_at,
    draws,
    ordered_cases,
    persons_once,
)

seeds = st.binary(min_size=1, max_size=40).map(bytes.hex)
arm_lists = st.lists(st.integers(1, 3), min_size=1, max_size=4).map(
    lambda weights: tuple(ArmWeight(f"arm{index}", weight) for index, weight in enumerate(weights))
)
rules = st.sampled_from([ARM_PER_PARTICIPANT, ARM_PER_PARTICIPANT_CASE])
plans = st.builds(
    Plan,
    rules,
    st.just(1),
    seeds,
    arm_lists,
    st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple),
    st.sampled_from(["random", "fixed"]),
    st.booleans(),
    st.sampled_from(["", "2"]),
)
case_lists = st.lists(st.none() | st.integers(1, 4), max_size=8).map(
    lambda persons: [StudyCase(100 + index, person) for index, person in enumerate(persons)]
)
arrival_lists = st.lists(st.sampled_from(["", "junior", "senior"]), min_size=1, max_size=10).map(
    lambda strata: [Arrival(number, stratum) for number, stratum in enumerate(strata, start=1)]
)


def plan_of(seed, rule=ARM_PER_PARTICIPANT, weights=(1, 1), **fields):
    arms = tuple(ArmWeight("abcdef"[index], weight) for index, weight in enumerate(weights))
    return Plan(rule, 1, hashlib.sha256(str(seed).encode()).hexdigest(), arms, **fields)


def chi_square(observed, expected):
    return sum((observed[key] - wanted) ** 2 / wanted for key, wanted in expected.items())


def critical(freedom):
    """Chi-square at about p = 1e-6 (Wilson and Hilferty 1931); the seeds are fixed, so tests cannot flicker."""
    return freedom * (1 - 2 / (9 * freedom) + 4.753 * math.sqrt(2 / (9 * freedom))) ** 3


@given(plans, arrival_lists, case_lists)
def test_same_input_same_draws_and_order_of_arms_and_arrivals_means_nothing(plan, arrivals, cases):
    first = allocate(plan, arrivals, cases)
    shuffled = Plan(
        plan.rule,
        1,
        plan.seed,
        plan.arms[::-1],
        plan.block_multiples[::-1],
        plan.case_order,
        plan.person_once,
        plan.phase,
    )
    assert allocate(shuffled, arrivals[::-1], cases) == first


@given(plans, arrival_lists, case_lists, st.data())
def test_every_participant_can_be_derived_alone_and_later_arrivals_change_nothing(plan, arrivals, cases, data):
    whole = allocate(plan, arrivals, cases)
    number = data.draw(st.integers(1, len(arrivals)))
    assert derive(plan, arrivals, cases, number) == whole[number]
    assert derive(plan, arrivals[:number], cases, number) == whole[number]
    assert allocate(plan, arrivals, cases, only=[number]) == {number: whole[number]}


@given(plans, arrival_lists, case_lists)
def test_arrivals_of_other_strata_change_nothing(plan, arrivals, cases):
    whole = allocate(plan, arrivals, cases)
    alone = allocate(plan, [arrival for arrival in arrivals if arrival.stratum == "junior"], cases)
    assert alone.items() <= whole.items()


@given(plans, st.text(max_size=5), st.text(max_size=5), st.integers(1, 5))
def test_a_whole_block_holds_every_arm_in_proportion_to_its_weight(plan, stratum, participant, block):
    made = block_draws(plan, stratum, block, participant)
    multiple, rest = divmod(len(made), plan.weight_sum)
    assert rest == 0
    assert multiple in plan.block_multiples
    assert Counter(draw.arm for draw in made) == {arm.key: arm.weight * multiple for arm in plan.arms}
    assert [draw.position_in_block for draw in made] == list(range(1, len(made) + 1))
    assert {(draw.block, draw.block_size) for draw in made} == {(block, len(made))}


@given(plans, st.integers(0, 60))
def test_imbalance_is_bounded_by_the_open_block(plan, length):
    drawn = Counter(draw.arm for draw in islice(draws(plan, ""), length))
    largest = max(plan.block_multiples)
    for arm in plan.arms:
        fair = Fraction(length * arm.weight, plan.weight_sum)
        assert abs(drawn[arm.key] - fair) <= arm.weight * largest


@given(plans, st.text(max_size=5), st.integers(1, 4))
def test_conditional_probabilities_multiply_to_that_of_the_permutation(plan, stratum, block):
    made = block_draws(plan, stratum, block)
    permutations = math.factorial(len(made))
    for number in Counter(draw.arm for draw in made).values():
        permutations //= math.factorial(number)
    assert math.prod((draw.conditional_probability for draw in made), start=Fraction(1)) == Fraction(1, permutations)
    weights = {arm.key: arm.weight for arm in plan.arms}
    assert all(draw.marginal_probability == Fraction(weights[draw.arm], plan.weight_sum) for draw in made)
    assert made[0].conditional_probability == made[0].marginal_probability


@given(plans, st.integers(0, 40))
def test_a_draw_at_a_place_is_that_of_the_sequence(plan, index):
    assert draw_at(plan, "x", index, "7") == next(islice(draws(plan, "x", "7"), index, None))


@given(plans, arrival_lists, case_lists)
def test_everyone_reads_every_listed_case_once_in_consecutive_positions(plan, arrivals, cases):
    for drawn in allocate(plan, arrivals, cases).values():
        assert [draw.position for draw in drawn] == list(range(1, len(drawn) + 1))
        read = [draw.case for draw in drawn]
        assert len(set(read)) == len(read)
        if not plan.person_once:
            assert sorted(read) == [item.case for item in cases]


@given(plans, case_lists, st.integers(1, 30))
def test_fixed_order_is_the_lists_and_random_order_a_permutation_of_it(plan, cases, number):
    listed = persons_once(plan, number, cases) if plan.person_once else cases
    order = ordered_cases(plan, number, cases)
    assert sorted(order) == [item.case for item in listed]
    if plan.case_order == "fixed":
        assert list(order) == sorted(order)


@given(plans, case_lists, st.integers(1, 50))
def test_no_person_twice_and_no_person_left_out(plan, cases, number):
    kept = persons_once(plan, number, cases)
    persons = [item.person for item in kept if item.person is not None]
    assert len(set(persons)) == len(persons)
    assert set(persons) == {item.person for item in cases if item.person is not None}
    assert [item for item in cases if item.person is None] == [item for item in kept if item.person is None]


@given(plans, st.integers(1, 5), st.integers(0, 5))
def test_a_persons_cases_are_spread_evenly_over_readers(plan, k, block):
    cases = [StudyCase(case, 1) for case in range(k)]
    readers = range(block * k + 1, (block + 1) * k + 1)
    assert sorted(persons_once(plan, number, cases)[0].case for number in readers) == list(range(k))


@given(plans, arrival_lists, case_lists)
def test_the_rule_decides_whether_the_arm_changes_within_a_participant(plan, arrivals, cases):
    for number, drawn in allocate(plan, arrivals, cases).items():
        if plan.rule == ARM_PER_PARTICIPANT:
            assert len({draw.draw for draw in drawn}) <= 1
        else:
            stratum = next(arrival.stratum for arrival in arrivals if arrival.number == number)
            expected = islice(draws(plan, stratum, str(number)), len(drawn))
            assert [draw.draw for draw in drawn] == list(expected)


def test_arm_per_participant_follows_arrivals_within_the_stratum():
    plan = plan_of(1)
    arrivals = [Arrival(number, "x" if number % 3 else "y") for number in range(1, 31)]
    drawn = allocate(plan, arrivals, [StudyCase(1)])
    for stratum in "xy":
        members = [arrival.number for arrival in arrivals if arrival.stratum == stratum]
        sequence = islice(draws(plan, stratum), len(members))
        assert [drawn[number][0].draw for number in members] == list(sequence)


def test_each_place_in_a_block_falls_to_each_arm_by_its_weight():
    for weights in ((1, 1), (1, 2, 3)):
        plans = [plan_of(seed, weights=weights) for seed in range(2000)]
        for place in (0, 1, sum(weights)):
            observed = Counter(draw_at(plan, "", place).arm for plan in plans)
            expected = {"abcdef"[index]: 2000 * weight / sum(weights) for index, weight in enumerate(weights)}
            assert chi_square(observed, expected) < critical(len(weights) - 1)


def test_all_permutations_of_a_block_are_alike():
    made = [block_draws(plan_of(seed, weights=(1, 1, 1), block_multiples=(1,)), "", 1) for seed in range(3000)]
    observed = Counter("".join(draw.arm for draw in block) for block in made)
    assert len(observed) == 6
    assert chi_square(observed, dict.fromkeys(observed, 500)) < critical(5)


def test_all_case_orders_are_alike():
    cases = [StudyCase(case) for case in (1, 2, 3)]
    observed = Counter(ordered_cases(plan_of(1), number, cases) for number in range(1, 3001))
    assert len(observed) == 6
    assert chi_square(observed, dict.fromkeys(observed, 500)) < critical(5)


def test_block_sizes_are_drawn_from_the_multiples_alike():
    plan = plan_of(1, block_multiples=(1, 2, 3))
    observed = Counter(len(block_draws(plan, "", block)) for block in range(1, 3001))
    assert chi_square(observed, {2: 1000, 4: 1000, 6: 1000}) < critical(2)


@pytest.mark.parametrize(
    "pair",
    [
        lambda plan: (draw_at(plan, "x", 0).arm, draw_at(plan, "y", 0).arm),
        lambda plan: (draw_at(plan, "", 0, "1").arm, draw_at(plan, "", 0, "2").arm),
        lambda plan: (draw_at(plan, "1", 0, "").arm, draw_at(plan, "", 0, "1").arm),
        lambda plan: (block_draws(plan, "", 1)[0].arm, block_draws(plan, "", 2)[0].arm),
        lambda plan: (
            draw_at(plan, "", 0).arm,
            "ab"[ordered_cases(plan, 1, [StudyCase(0), StudyCase(1)])[0]],
        ),
        lambda plan: (
            "ab"[persons_once(plan, 1, [StudyCase(0, 1), StudyCase(1, 1)])[0].case],
            "ab"[persons_once(plan, 1, [StudyCase(0, 2), StudyCase(1, 2)])[0].case],
        ),
    ],
    ids=["strata", "participants", "fields", "blocks", "arm and order", "persons"],
)
def test_draws_of_different_purposes_are_independent(pair):
    observed = Counter(pair(plan_of(seed)) for seed in range(2000))
    expected = {(first, second): 500 for first in "ab" for second in "ab"}
    assert chi_square(observed, expected) < critical(3)


def test_the_first_number_is_the_documented_hmac():
    plan = plan_of(3, block_multiples=(1, 2, 3))
    fields = [b"arm_per_participant/1", b"", "Ärzte".encode(), b"", b"1"]
    message = b"".join(len(field).to_bytes(8, "big") + field for field in fields) + (0).to_bytes(8, "big")
    number = int.from_bytes(hmac.new(bytes.fromhex(plan.seed), message, "sha256").digest(), "big")
    assert number < 2**256 - 2**256 % 3
    assert len(block_draws(plan, "Ärzte", 1)) == 2 * (number % 3 + 1)


def test_numbers_that_would_favour_the_small_ones_are_drawn_again(monkeypatch):
    numbers = randomization._Numbers(b"key", "purpose")
    answers = iter([2**256 - 1, 2**256 - 2**256 % 3, 7])
    monkeypatch.setattr(numbers, "_next", lambda: next(answers))
    assert numbers.below(3) == 1


def test_deriving_one_participant_draws_nothing_of_others_but_block_sizes(monkeypatch):
    made = []
    original = randomization._Numbers._next
    monkeypatch.setattr(randomization._Numbers, "_next", lambda self: made.append(1) or original(self))
    arrivals = [Arrival(number) for number in range(1, 1001)]
    cases = [StudyCase(case) for case in range(100)]
    derive(plan_of(1, block_multiples=(2,)), arrivals, cases, 1000)
    assert len(made) <= 250 + 4 + 100
    made.clear()
    derive(plan_of(1, rule=ARM_PER_PARTICIPANT_CASE), arrivals, cases, 1000)
    assert len(made) <= 300


def test_a_thousand_participants_of_a_hundred_cases():
    plan = plan_of(1, rule=ARM_PER_PARTICIPANT_CASE, weights=(1, 1, 1))
    arrivals = [Arrival(number) for number in range(1, 1001)]
    drawn = allocate(plan, arrivals, [StudyCase(case) for case in range(100)])
    assert sum(map(len, drawn.values())) == 100_000
    arms = Counter(draw.draw.arm for one in drawn.values() for draw in one)
    assert max(arms.values()) - min(arms.values()) < 2000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": "coin"}, "unknown allocation rule"),
        ({"version": 2}, "version 2"),
        ({"seed": ""}, "seed is empty"),
        ({"seed": "xyz"}, "hexadecimal"),
        ({"arms": ()}, "needs arms"),
        ({"arms": (ArmWeight("a"), ArmWeight("a"))}, "each key once"),
        ({"arms": (ArmWeight("a", 0),)}, "weight"),
        ({"block_multiples": ()}, "multiples"),
        ({"block_multiples": (0,)}, "multiples"),
        ({"block_multiples": (10**6,)}, "larger"),
        ({"case_order": "by age"}, "case order"),
    ],
)
def test_an_impossible_plan_is_refused(change, message):
    fields = {"rule": ARM_PER_PARTICIPANT, "version": 1, "seed": "00ff", "arms": (ArmWeight("a"),)}
    with pytest.raises(ValueError, match=message):
        Plan(**(fields | change))


@pytest.mark.parametrize(
    ("arrivals", "cases", "message"),
    [
        ([Arrival(1), Arrival(1)], [], "arrival number occurs twice"),
        ([Arrival(0)], [], "count from 1"),
        ([Arrival(1)], [StudyCase(1), StudyCase(1)], "case occurs twice"),
        ([Arrival(2)], [], "no arrival has the number 1"),
    ],
)
def test_impossible_lists_are_refused(arrivals, cases, message):
    with pytest.raises(ValueError, match=message):
        allocate(plan_of(1), arrivals, cases, only=[1])
    with pytest.raises(ValueError, match=message):
        derive(plan_of(1), arrivals, cases, 1)


@settings(max_examples=20)
@given(seeds, seeds)
def test_another_seed_gives_other_draws(first, second):
    def order(seed):
        plan = Plan(ARM_PER_PARTICIPANT, 1, seed, (ArmWeight("a"), ArmWeight("b")))
        return [draw.arm for draw in islice(draws(plan, ""), 200)]

    # HMAC pads its key with zero bytes, so seeds that differ only in trailing zeros are one key.
    same = first.rstrip("0") == second.rstrip("0")
    assert same or order(first) != order(second)
