"""Allocation by permuted blocks, as a pure function of rule, seed, strata, arrival numbers and case list.

Random numbers are HMAC-SHA-256 with the study's seed as key and (rule and version, phase, stratum, participant,
block, counter) as message, each field preceded by its length, reduced by rejection sampling, so every draw can be
made again on its own. Blocks hold every arm exactly in proportion to its weight; their sizes are multiples of the
sum of the weights, drawn from the allowed multiples, so that the next arm cannot be foretold from the count.

Method: permuted blocks of random size (Matts and Lachin, Control Clin Trials 1988, 9:327-344); shuffles after
Fisher and Yates in Durstenfeld's form (Commun ACM 1964, 7:420).
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import Literal, TypeVar

ARM_PER_PARTICIPANT = "arm_per_participant"
ARM_PER_PARTICIPANT_CASE = "arm_per_participant_case"
RULE_VERSIONS = {ARM_PER_PARTICIPANT: 1, ARM_PER_PARTICIPANT_CASE: 1}
CASE_ORDER_RULE = "case_order/1"
PERSON_ONCE_RULE = "person_once/1"
LARGEST_BLOCK = 100_000

_RANGE = 1 << 256
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class ArmWeight:
    """An arm's key and its integer weight, at least 1."""

    key: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """All that rules a draw, besides who arrived and which cases there are.

    `seed` is hexadecimal. The order of `arms` and of `block_multiples` means nothing. Blocks begin anew in each
    `phase` (for example a protocol version which changed the weights). ValueError when something cannot be.
    """

    rule: str
    version: int
    seed: str
    arms: tuple[ArmWeight, ...]
    block_multiples: tuple[int, ...] = (1, 2)
    case_order: Literal["random", "fixed"] = "random"
    person_once: bool = False
    phase: str = ""

    def __post_init__(self) -> None:
        if RULE_VERSIONS.get(self.rule) != self.version:
            raise ValueError(f"unknown allocation rule {self.rule!r} version {self.version}")
        if not self.key:
            raise ValueError("the seed is empty")
        if not self.arms or len({arm.key for arm in self.arms}) < len(self.arms):
            raise ValueError("a plan needs arms, each key once")
        if any(isinstance(arm.weight, bool) or arm.weight < 1 for arm in self.arms):
            raise ValueError("every weight is an integer of at least 1")
        if not self.block_multiples or min(self.block_multiples) < 1:
            raise ValueError("block multiples are integers of at least 1")
        if self.weight_sum * max(self.block_multiples) > LARGEST_BLOCK:
            raise ValueError(f"blocks would be larger than {LARGEST_BLOCK}")
        if self.case_order not in ("random", "fixed"):
            raise ValueError(f"unknown case order {self.case_order!r}")

    @property
    def key(self) -> bytes:
        return bytes.fromhex(self.seed)

    @property
    def weight_sum(self) -> int:
        return sum(arm.weight for arm in self.arms)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A real enrolment: its arrival number in the study, 1, 2, 3 ..., and its stratum."""

    number: int
    stratum: str = ""


@dataclass(frozen=True, slots=True)
class StudyCase:
    """A case of the study's list, and whose it is (None: nobody else's)."""

    case: int
    person: int | None = None


@dataclass(frozen=True, slots=True)
class Draw:
    """One arm drawn. `block` and `position_in_block` count from 1.

    `marginal_probability` holds before any draw; `conditional_probability` given the block's size and past draws.
    """

    arm: str
    block: int
    block_size: int
    position_in_block: int
    marginal_probability: Fraction
    conditional_probability: Fraction


@dataclass(frozen=True, slots=True)
class CaseDraw:
    """A case for a participant, its position in reading order (from 1), and the draw of its arm."""

    case: int
    position: int
    draw: Draw


def allocate(
    plan: Plan,
    arrivals: Sequence[Arrival],
    cases: Sequence[StudyCase],
    only: Collection[int] | None = None,
) -> dict[int, tuple[CaseDraw, ...]]:
    """Return the draws of every arrival, or of the arrival numbers in `only`, by arrival number.

    `arrivals` must hold all real enrolments of the phase up to the last one drawn, whatever became of them, as
    their order within a stratum decides.
    """
    _check(arrivals, cases)
    sequences: dict[str, Iterator[Draw]] = {}
    drawn: dict[int, tuple[CaseDraw, ...]] = {}
    for arrival in sorted(arrivals, key=lambda arrival: arrival.number):
        sequence = sequences.setdefault(arrival.stratum, draws(plan, arrival.stratum))
        arm = next(sequence) if plan.rule == ARM_PER_PARTICIPANT else None
        if only is None or arrival.number in only:
            drawn[arrival.number] = _case_draws(plan, arrival, cases, arm)
    if only is not None and (missing := set(only) - drawn.keys()):
        raise ValueError(f"no arrival has the number {min(missing)}")
    return drawn


def derive(plan: Plan, arrivals: Sequence[Arrival], cases: Sequence[StudyCase], number: int) -> tuple[CaseDraw, ...]:
    """Return the draws of one arrival, drawing nothing of others but the sizes of earlier blocks of its stratum."""
    _check(arrivals, cases)
    arrival = next((arrival for arrival in arrivals if arrival.number == number), None)
    if arrival is None:
        raise ValueError(f"no arrival has the number {number}")
    if plan.rule != ARM_PER_PARTICIPANT:
        return _case_draws(plan, arrival, cases, None)
    earlier = sum(other.stratum == arrival.stratum and other.number < number for other in arrivals)
    return _case_draws(plan, arrival, cases, draw_at(plan, arrival.stratum, earlier))


def draws(plan: Plan, stratum: str, participant: str = "") -> Iterator[Draw]:
    """Yield the endless sequence of draws of a stratum, or of one participant's case order within it."""
    for block in count(1):
        yield from block_draws(plan, stratum, block, participant)


def draw_at(plan: Plan, stratum: str, index: int, participant: str = "") -> Draw:
    """Return the draw at a place (from 0) of a sequence; of earlier blocks only the sizes are drawn."""
    start = 0
    for block in count(1):
        size = _block_size(plan, _Numbers.of_block(plan, stratum, participant, block))
        if index < start + size:
            return block_draws(plan, stratum, block, participant)[index - start]
        start += size
    raise AssertionError("unreachable")


def block_draws(plan: Plan, stratum: str, block: int, participant: str = "") -> tuple[Draw, ...]:
    """Return one whole block (numbered from 1): every arm exactly in proportion to its weight."""
    numbers = _Numbers.of_block(plan, stratum, participant, block)
    size = _block_size(plan, numbers)
    arms = sorted(plan.arms, key=lambda arm: arm.key)
    multiple = size // plan.weight_sum
    order = numbers.shuffled([arm.key for arm in arms for _ in range(arm.weight * multiple)])
    marginal = {arm.key: Fraction(arm.weight, plan.weight_sum) for arm in arms}
    left = Counter(order)
    made: list[Draw] = []
    for position, arm in enumerate(order, start=1):
        conditional = Fraction(left[arm], size - position + 1)
        made.append(Draw(arm, block, size, position, marginal[arm], conditional))
        left[arm] -= 1
    return tuple(made)


def ordered_cases(plan: Plan, arrival_number: int, cases: Sequence[StudyCase]) -> tuple[int, ...]:
    """Return the cases that one participant reads, in reading order.

    Cases keep the list's order, or are shuffled for this participant; with `person_once`, first thinned.
    """
    listed = persons_once(plan, arrival_number, cases) if plan.person_once else tuple(cases)
    if plan.case_order == "fixed":
        return tuple(item.case for item in listed)
    numbers = _Numbers(plan.key, CASE_ORDER_RULE, plan.phase, str(arrival_number))
    return tuple(numbers.shuffled([item.case for item in listed]))


def persons_once(plan: Plan, arrival_number: int, cases: Sequence[StudyCase]) -> tuple[StudyCase, ...]:
    """Return the list with one case of every person, chosen for this participant, in the list's order.

    Of a person with k cases each goes to exactly one of every k successive arrivals (1 to k, k+1 to 2k, ...), in
    random order, so the cases are read equally often.
    """
    by_person: dict[int, list[int]] = {}
    for item in cases:
        if item.person is not None:
            by_person.setdefault(item.person, []).append(item.case)
    chosen = {person: _case_of(plan, arrival_number, person, own) for person, own in by_person.items()}
    return tuple(item for item in cases if item.person is None or chosen[item.person] == item.case)


class _Numbers:
    """Random numbers of one purpose: an endless sequence, its place being the counter."""

    def __init__(self, key: bytes, *fields: str) -> None:
        self._key = key
        # Every field carries its length, so no two lists of fields give one message.
        encoded = [field.encode() for field in fields]
        self._message = b"".join(len(field).to_bytes(8) + field for field in encoded)
        self._counter = 0

    @classmethod
    def of_block(cls, plan: Plan, stratum: str, participant: str, block: int) -> "_Numbers":
        rule = f"{plan.rule}/{plan.version}"
        return cls(plan.key, rule, plan.phase, stratum, participant, str(block))

    def below(self, bound: int) -> int:
        """Return a number from 0 to bound - 1, all alike: what would favour the small ones is drawn again."""
        limit = _RANGE - _RANGE % bound
        while (number := self._next()) >= limit:
            pass
        return number % bound

    def shuffled(self, items: Sequence[_Item]) -> list[_Item]:
        """Return the items in random order, every permutation alike."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order

    def _next(self) -> int:
        message = self._message + self._counter.to_bytes(8)
        self._counter += 1
        return int.from_bytes(hmac.digest(self._key, message, hashlib.sha256))


def _block_size(plan: Plan, numbers: _Numbers) -> int:
    multiples = sorted(set(plan.block_multiples))
    return plan.weight_sum * multiples[numbers.below(len(multiples))]


def _case_of(plan: Plan, arrival_number: int, person: int, own: Sequence[int]) -> int:
    block, place = divmod(arrival_number - 1, len(own))
    numbers = _Numbers(plan.key, PERSON_ONCE_RULE, plan.phase, str(person), str(block))
    return numbers.shuffled(own)[place]


def _case_draws(plan: Plan, arrival: Arrival, cases: Sequence[StudyCase], arm: Draw | None) -> tuple[CaseDraw, ...]:
    order = ordered_cases(plan, arrival.number, cases)
    if arm is not None:
        return tuple(CaseDraw(case, position, arm) for position, case in enumerate(order, start=1))
    sequence = draws(plan, arrival.stratum, str(arrival.number))
    return tuple(
        CaseDraw(case, position, draw)
        for position, (case, draw) in enumerate(zip(order, sequence, strict=False), start=1)
    )


def _check(arrivals: Sequence[Arrival], cases: Sequence[StudyCase]) -> None:
    if len({arrival.number for arrival in arrivals}) < len(arrivals):
        raise ValueError("an arrival number occurs twice")
    if any(arrival.number < 1 for arrival in arrivals):
        raise ValueError("arrival numbers count from 1")
    if len({item.case for item in cases}) < len(cases):
        raise ValueError("a case occurs twice in the case list")
