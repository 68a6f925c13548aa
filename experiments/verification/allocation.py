"""Is every assignment the one that its rule, seed, stratum, arrival and case list give? Draws all of them again."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Count

from augmed.foundation.canonical import sha256_hex
from cases.models import Case
from experiments.actions.allocation import held_case, places, remaining_cases, run_inputs
from experiments.design.protocol import FrozenProtocol
from experiments.drawing import ArmSequences, DrawInputs, PlacedArrival, draw
from experiments.models import AllocationRun, Assignment, Enrolment, Experiment
from experiments.randomization import ARM_PER_PARTICIPANT, StudyCase

_CHUNK = 200

Drawn = tuple[int, int, str, int, float, float]
"""Arrival number, case, arm key, position, marginal and conditional probability."""


@dataclass(frozen=True)
class AllocationMismatch:
    """One thing that does not hold. `run` is None where it concerns no draw."""

    run: int | None
    what: str


@dataclass
class AllocationReport:
    """What was drawn again, and what did not come out the same."""

    runs: int = 0
    assignments: int = 0
    not_drawn: int = 0
    mismatches: list[AllocationMismatch] = field(default_factory=list)


def verify_allocation(experiment: Experiment) -> AllocationReport:
    """Draw every run of the study again, from what it wrote down, and compare; check what it wrote down against the
    protocol, the seed, the enrolments and the case list. Reads only; queries grow with runs / 200."""
    experiment = Experiment.objects.get(pk=experiment.pk)  # what is stored, not what the caller holds
    study = _Study(experiment)
    report = AllocationReport(mismatches=[AllocationMismatch(None, what) for what in study.problems()])
    assignments = Assignment.objects.filter(enrolment__in=Enrolment.objects.real().filter(experiment=experiment))
    report.not_drawn = assignments.exclude(drawn_by=Assignment.DrawnBy.RULE).count()
    runs = AllocationRun.objects.filter(experiment=experiment).order_by("pk")
    chunk: list[AllocationRun] = []
    for run in runs.iterator(chunk_size=_CHUNK):
        chunk.append(run)
        if len(chunk) == _CHUNK:
            _verify_chunk(study, chunk, report)
            chunk = []
    _verify_chunk(study, chunk, report)
    return report


class _Study:
    """What the facts say, besides the runs: seed, protocol versions, arrivals and strata."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.versions = {version.pk: version for version in experiment.protocol_versions.all()}
        self.protocols = {pk: FrozenProtocol.of(version) for pk, version in self.versions.items()}
        self.by_number = {protocol.number: protocol for protocol in self.protocols.values()}
        listed = {case for protocol in self.protocols.values() for case in protocol.cases}
        self.persons = dict(Case.objects.filter(pk__in=listed).values_list("pk", "person_id"))
        real = Enrolment.objects.real().filter(experiment=experiment)
        self.arrivals = {number: (pk, stratum) for number, pk, stratum in real.values_list("arrival", "pk", "stratum")}
        self.sequences = ArmSequences()
        self._places: dict[int, dict[int, int]] = {}

    def places(self, phase: int) -> dict[int, int]:
        if phase not in self._places:
            self._places[phase] = places(self.experiment, phase)
        return self._places[phase]

    def problems(self) -> Iterator[str]:
        """What does not hold of the study as a whole."""
        for version in self.versions.values():
            content = json.loads(version.content)
            if sha256_hex(version.content) != version.sha256:
                yield f"Protocol {version.number}: its content does not match its hash."
            if content["allocation"]["seed_sha256"] != sha256_hex(self.experiment.seed):
                yield f"Protocol {version.number}: it was frozen with another seed."
        foreign = Assignment.objects.filter(
            enrolment__experiment=self.experiment, drawn_by=Assignment.DrawnBy.RULE
        ).exclude(run__experiment=self.experiment)
        for pk in foreign.values_list("pk", flat=True):
            yield f"Assignment {pk} names a draw of another study."
        not_real = Assignment.objects.filter(
            enrolment__experiment=self.experiment, drawn_by=Assignment.DrawnBy.RULE
        ).exclude(enrolment__kind=Enrolment.Kind.REAL)
        for pk in not_real.values_list("pk", flat=True):
            yield f"Assignment {pk} was drawn for an enrolment that is not real."


def _verify_chunk(study: _Study, runs: list[AllocationRun], report: AllocationReport) -> None:
    stored: dict[int, set[Drawn]] = defaultdict(set)
    reviews: list[tuple[int, str, int]] = []
    rows = Assignment.objects.filter(run__in=runs).annotate(review_count=Count("reviews"))
    for run_id, arrival, case, arm, position, marginal, conditional, review_count in rows.values_list(
        "run",
        "enrolment__arrival",
        "case",
        "arm__key",
        "position",
        "marginal_probability",
        "conditional_probability",
        "review_count",
    ):
        # A drawn assignment has an arrival and its probabilities: a constraint says so.
        stored[run_id].add((arrival, case, arm, position, marginal, conditional))  # type: ignore[arg-type]
        reviews.append((run_id, arm, review_count))
    protocols = {run.pk: study.protocols.get(run.protocol_id) for run in runs}
    for run_id, arm, review_count in reviews:
        protocol = protocols[run_id]
        if protocol is not None and review_count != protocol.stage_counts.get(arm):
            report.mismatches.append(
                AllocationMismatch(run_id, f"An assignment to '{arm}' has {review_count} reviews, not one a stage.")
            )
    for run in runs:
        report.runs += 1
        report.assignments += len(stored[run.pk])
        report.mismatches += [AllocationMismatch(run.pk, what) for what in _run_problems(study, run, stored[run.pk])]


def _run_problems(study: _Study, run: AllocationRun, stored: set[Drawn]) -> Iterator[str]:
    """What does not hold of one run: its inputs against the facts, its assignments against its inputs."""
    try:
        inputs = run_inputs(run)
        drawn = draw(inputs, study.sequences)
    except (KeyError, TypeError, ValueError) as error:
        yield f"It cannot be drawn again from what it wrote down: {type(error).__name__}: {error}"
        return
    yield from _input_problems(study, run, inputs)
    if run.assignment_count != len(stored):
        yield f"It says {run.assignment_count} assignments and there are {len(stored)}."
    expected: set[Drawn] = {
        (
            number,
            case.case,
            case.draw.arm,
            case.position,
            float(case.draw.marginal_probability),
            float(case.draw.conditional_probability),
        )
        for number, cases in drawn.items()
        for case in cases
    }
    for number, case, arm, position, *_ in sorted(expected - stored):
        yield f"Arrival {number}: case {case} in arm '{arm}' at position {position} is drawn, but not so assigned."
    for number, case, arm, position, *_ in sorted(stored - expected, key=str):
        yield f"Arrival {number}: case {case} in arm '{arm}' at position {position} is assigned, but not so drawn."


def _input_problems(study: _Study, run: AllocationRun, inputs: DrawInputs) -> Iterator[str]:
    plan, protocol = inputs.plan, study.protocols.get(run.protocol_id)
    if protocol is None:
        yield "Its protocol version belongs to another study."
        return
    phase = study.by_number.get(int(plan.phase)) if plan.phase.isdigit() else None
    if plan.seed != study.experiment.seed:
        yield "It was drawn with another seed than the study's."
    if phase is None or phase.phase != phase.number:
        yield f"There is no phase {plan.phase!r}."
        return
    if (plan.rule, plan.version, plan.case_order, plan.person_once) != (
        protocol.rule,
        protocol.rule_version,
        protocol.case_order,
        protocol.person_once,
    ):
        yield f"It was not drawn by the rule of protocol {protocol.number}."
    if (inputs.after == 0 or plan.rule != ARM_PER_PARTICIPANT) and phase.number != protocol.phase:
        yield f"It was drawn in phase {phase.number}, its protocol {protocol.number} is in phase {protocol.phase}."
    if [[arm.key, arm.weight] for arm in phase.arms] != inputs.weights:
        yield f"Its arms and weights are not those of protocol {phase.number}."
    if phase.block_multiples != plan.block_multiples:
        yield f"Its blocks are not those of protocol {phase.number}."
    for arrival in inputs.arrivals:
        yield from _arrival_problems(study, inputs, arrival)
        yield from _case_problems(study, protocol, inputs, arrival)


def _arrival_problems(study: _Study, inputs: DrawInputs, arrival: PlacedArrival) -> Iterator[str]:
    if arrival.number not in study.arrivals:
        yield f"Nobody arrived as number {arrival.number}."
        return
    _, stratum = study.arrivals[arrival.number]
    if stratum != arrival.stratum:
        yield f"Arrival {arrival.number} was drawn in another stratum than it belongs to."
    if inputs.plan.rule == ARM_PER_PARTICIPANT:
        place = study.places(int(inputs.plan.phase)).get(arrival.number)
        if place != arrival.place:
            yield f"Arrival {arrival.number} was drawn at place {arrival.place} of its stratum and is at {place}."


def _case_problems(
    study: _Study, protocol: FrozenProtocol, inputs: DrawInputs, arrival: PlacedArrival
) -> Iterator[str]:
    """The cases drawn for must be those of the protocol's list which the person did not have yet."""
    listed = tuple(StudyCase(case, study.persons.get(case)) for case in protocol.cases)
    if inputs.after and arrival.number in study.arrivals:
        pk, _ = study.arrivals[arrival.number]
        earlier = Assignment.objects.filter(enrolment=pk, position__lte=inputs.after)
        held = [held_case(assignment) for assignment in earlier.select_related("case")]
        listed = remaining_cases(listed, held, protocol.person_once)
    if listed != inputs.cases:
        yield f"Arrival {arrival.number}: its cases are not those which protocol {protocol.number} left to draw."
