"""One draw with all its inputs, as plain values: made once, written down, and made again to verify it. No Django.

`experiments.randomization` holds the method; here is what a study adds to it: people who are drawn one by one as they
arrive, and later draws for cases that an amendment put into the list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from experiments.randomization import (
    ARM_PER_PARTICIPANT,
    ArmWeight,
    Arrival,
    CaseDraw,
    Draw,
    Plan,
    StudyCase,
    allocate,
    draws,
    ordered_cases,
)


@dataclass(frozen=True, slots=True)
class PlacedArrival:
    """Who is drawn: the arrival number, its stratum, and its place (from 0) in the phase's arrivals of that stratum."""

    number: int
    stratum: str
    place: int


@dataclass(frozen=True, slots=True)
class DrawInputs:
    """Everything that one draw is a function of.

    `plan.phase` names the phase in which the arms were or are drawn. `after` is the number of cases that these people
    have already: 0 for a first draw; later draws have case orders and blocks of their own, and positions go on."""

    plan: Plan
    after: int
    arrivals: tuple[PlacedArrival, ...]
    cases: tuple[StudyCase, ...]

    def to_json(self) -> dict[str, Any]:
        """Everything but rule, seed and weights, which an AllocationRun has columns for."""
        return {
            "phase": self.plan.phase,
            "block_multiples": list(self.plan.block_multiples),
            "case_order": self.plan.case_order,
            "person_once": self.plan.person_once,
            "after": self.after,
            "arrivals": [[arrival.number, arrival.stratum, arrival.place] for arrival in self.arrivals],
            "cases": [[case.case, case.person] for case in self.cases],
        }

    @classmethod
    def from_json(
        cls, value: Mapping[str, Any], *, rule: str, version: int, seed: str, weights: list[list[Any]]
    ) -> DrawInputs:
        """Read what `to_json` and the columns of an AllocationRun keep; ValueError or KeyError when it is not that."""
        plan = Plan(
            rule=rule,
            version=version,
            seed=seed,
            arms=tuple(ArmWeight(key, weight) for key, weight in weights),
            block_multiples=tuple(value["block_multiples"]),
            case_order=value["case_order"],
            person_once=value["person_once"],
            phase=value["phase"],
        )
        arrivals = tuple(PlacedArrival(number, stratum, place) for number, stratum, place in value["arrivals"])
        cases = tuple(StudyCase(case, person) for case, person in value["cases"])
        return cls(plan, value["after"], arrivals, cases)

    @property
    def weights(self) -> list[list[Any]]:
        return [[arm.key, arm.weight] for arm in self.plan.arms]


@dataclass(slots=True)
class ArmSequences:
    """The sequences of arms by plan and stratum, kept as far as they were needed: verifying all draws stays linear."""

    _begun: dict[tuple[Plan, str], tuple[Iterator[Draw], list[Draw]]] = field(default_factory=dict)

    def at(self, plan: Plan, stratum: str, place: int) -> Draw:
        coming, come = self._begun.setdefault((plan, stratum), (draws(plan, stratum), []))
        while len(come) <= place:
            come.append(next(coming))
        return come[place]


def draw(inputs: DrawInputs, sequences: ArmSequences | None = None) -> dict[int, tuple[CaseDraw, ...]]:
    """Return the draws by arrival number, positions counted from `after` + 1.

    A first draw is `randomization.allocate`. In a later one a participant keeps the arm (arm per participant), or
    the cases get blocks of their own (arm per participant x case)."""
    if sequences is None:
        sequences = ArmSequences()
    plan = inputs.plan if not inputs.after else replace(inputs.plan, phase=f"{inputs.plan.phase}+{inputs.after}")
    if plan.rule == ARM_PER_PARTICIPANT:
        drawn = {
            arrival.number: _one_arm(
                sequences.at(inputs.plan, arrival.stratum, arrival.place),
                ordered_cases(plan, arrival.number, inputs.cases),
            )
            for arrival in inputs.arrivals
        }
    else:
        arrivals = [Arrival(arrival.number, arrival.stratum) for arrival in inputs.arrivals]
        drawn = allocate(plan, arrivals, inputs.cases)
    return {
        number: tuple(replace(case, position=case.position + inputs.after) for case in cases)
        for number, cases in drawn.items()
    }


def _one_arm(arm: Draw, cases: tuple[int, ...]) -> tuple[CaseDraw, ...]:
    return tuple(CaseDraw(case, position, arm) for position, case in enumerate(cases, start=1))
