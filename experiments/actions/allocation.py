"""Draw arms and case orders for those who are to read, under the study's lock, with everything written down."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from augmed.foundation import audit
from augmed.foundation.canonical import canonical_json
from cases.models import Case
from experiments.actions.common import locked
from experiments.design.protocol import FrozenProtocol
from experiments.drawing import DrawInputs, PlacedArrival, draw
from experiments.models import AllocationRequest, AllocationRun, Assignment, Enrolment, Experiment, Review
from experiments.randomization import ArmWeight, Plan, StudyCase

_BATCH = 1000


def allocate_pending(
    *, experiment: Experiment, by: Any, triggered_by: str = "joining", request: AllocationRequest | None = None
) -> list[AllocationRun]:
    """Draw for every real, active enrolment that has cases of the protocol's list still to be assigned.

    Nothing happens unless the study is active. Running it again draws nothing twice. `request`: who asked for it."""
    with transaction.atomic():
        study = locked(experiment)
        runs = draw_pending(study, by=by, triggered_by=triggered_by, request=request)
        if runs:
            audit.record(
                action="allocation_drawn",
                by=by,
                target=study,
                data=runs_for_audit(runs) | {"triggered_by": triggered_by},
                experiment_id=study.pk,
            )
    return runs


def runs_for_audit(runs: Sequence[AllocationRun]) -> dict[str, Any]:
    """What the audit trail holds of draws: their ids and sizes, never an arm."""
    return {"runs": [run.pk for run in runs], "assignments": sum(run.assignment_count for run in runs)}


def draw_pending(
    study: Experiment,
    *,
    by: Any,
    triggered_by: str,
    only: Enrolment | None = None,
    request: AllocationRequest | None = None,
) -> list[AllocationRun]:
    """As `allocate_pending`, for actions that hold the study's lock and record their own audit event."""
    if study.status != Experiment.Status.ACTIVE or study.kind != Experiment.Kind.PROTOCOL or study.protocol is None:
        return []
    protocol = FrozenProtocol.of(study.protocol)
    enrolments = _may_be_drawn(study, protocol)
    if only is not None:
        enrolments = enrolments.filter(pk=only.pk)
    pending = _pending(protocol, list(enrolments))
    if not pending:
        return []
    groups: dict[DrawInputs, list[_Pending]] = defaultdict(list)
    for person, inputs in zip(pending, _inputs(study, protocol, pending), strict=True):
        groups[inputs].append(person)
    arms = {arm.key: arm for arm in study.arms.all()}
    return [
        _run(study, protocol, inputs, people, arms=arms, by=by, triggered_by=triggered_by, request=request)
        for inputs, people in groups.items()
    ]


def left_to_draw(study: Experiment) -> int:
    """How many assignments a draw for everybody would make, at most. Two statements."""
    if study.kind != Experiment.Kind.PROTOCOL or study.protocol is None:
        return 0
    protocol = FrozenProtocol.of(study.protocol)
    waiting = _may_be_drawn(study, protocol).order_by()
    drawn = Assignment.objects.filter(enrolment__in=waiting, case__in=protocol.cases).count()
    return waiting.count() * len(protocol.cases) - drawn


def add_assignments(assignments: Iterable[Assignment], stage_counts: Mapping[int, int]) -> list[Assignment]:
    """Store assignments with a review for each stage; `stage_counts` by index in the list, 1 where absent.

    Two statements per thousand rows, however many stages there are."""
    made = Assignment.objects.bulk_create(assignments, batch_size=_BATCH)
    Review.objects.bulk_create(
        [
            Review(assignment=assignment, stage_position=position)
            for index, assignment in enumerate(made)
            for position in range(1, stage_counts.get(index, 1) + 1)
        ],
        batch_size=_BATCH,
    )
    return made


@dataclass(frozen=True)
class Held:
    """A case that somebody has already, whose it is, where in their order, and the run that drew it."""

    case: int
    person: int | None
    position: int
    run: int | None


@dataclass(frozen=True)
class _Pending:
    """An enrolment with cases to be drawn, the number of those it has, and the run that drew its first ones."""

    enrolment: Enrolment
    cases: tuple[StudyCase, ...]
    after: int
    first_run: int | None


def _may_be_drawn(study: Experiment, protocol: FrozenProtocol) -> QuerySet[Enrolment]:
    """In the order of arrival; without those whose stratum is not known yet: what it needs is asked on the screens."""
    enrolments = Enrolment.objects.real().active().filter(experiment=study).order_by("arrival")
    return enrolments.exclude(stratum="") if protocol.strata else enrolments


def _pending(protocol: FrozenProtocol, enrolments: list[Enrolment]) -> list[_Pending]:
    """Who has something to be drawn. Two queries."""
    persons = dict(Case.objects.filter(pk__in=protocol.cases).values_list("pk", "person_id"))
    listed = tuple(StudyCase(case, persons[case]) for case in protocol.cases)
    has: dict[int, list[Held]] = defaultdict(list)
    held = Assignment.objects.filter(enrolment__in=enrolments)
    for assignment in held.select_related("case").only("enrolment", "case", "position", "run", "case__person_id"):
        has[assignment.enrolment_id].append(held_case(assignment))
    pending = []
    for enrolment in enrolments:
        mine = has[enrolment.pk]
        cases = remaining_cases(listed, mine, protocol.person_once)
        if cases:
            after = max((one.position for one in mine), default=0)
            first_run = min((one.run for one in mine if one.run is not None), default=None)
            pending.append(_Pending(enrolment, cases, after, first_run))
    return pending


def held_case(assignment: Assignment) -> Held:
    return Held(assignment.case_id, assignment.case.person_id, assignment.position, assignment.run_id)


def remaining_cases(listed: tuple[StudyCase, ...], held: Sequence[Held], person_once: bool) -> tuple[StudyCase, ...]:
    """The cases not assigned yet; with `person_once`, without those of persons already met."""
    if not held:
        return listed
    cases = {one.case for one in held}
    met = {one.person for one in held if one.person is not None} if person_once else set()
    return tuple(item for item in listed if item.case not in cases and item.person not in met)


def _inputs(study: Experiment, protocol: FrozenProtocol, pending: list[_Pending]) -> list[DrawInputs]:
    """The inputs of each person's draw, without the arrival itself, so that equal ones can be drawn in one run."""
    plan = plan_of(study, protocol)
    first_runs = AllocationRun.objects.in_bulk({person.first_run for person in pending if person.first_run})
    return [
        DrawInputs(
            plan=_plan_for(plan, first_runs.get(person.first_run or 0)),
            after=person.after,
            arrivals=(),
            cases=person.cases,
        )
        for person in pending
    ]


def plan_of(study: Experiment, protocol: FrozenProtocol) -> Plan:
    """What a protocol version says of drawing, with the study's seed."""
    return Plan(
        rule=protocol.rule,
        version=protocol.rule_version,
        seed=study.seed,
        arms=tuple(ArmWeight(arm.key, arm.weight) for arm in protocol.arms),
        block_multiples=protocol.block_multiples,
        case_order=protocol.case_order,  # type: ignore[arg-type]  # the field's choices are the literals
        person_once=protocol.person_once,
        phase=str(protocol.phase),
    )


def _plan_for(plan: Plan, first_run: AllocationRun | None) -> Plan:
    """With one arm per participant, whoever has an arm keeps it: its blocks are those of the phase that drew it."""
    if first_run is None or plan.rule != Experiment.AllocationRule.PARTICIPANT:
        return plan
    first = run_inputs(first_run).plan
    return replace(plan, arms=first.arms, block_multiples=first.block_multiples, phase=first.phase)


def run_inputs(run: AllocationRun) -> DrawInputs:
    """The inputs that a run wrote down."""
    return DrawInputs.from_json(
        json.loads(run.inputs),
        rule=run.rule,
        version=run.rule_version,
        seed=run.seed,
        weights=json.loads(run.weights),
    )


def places(experiment: Experiment, phase: int, strata: Iterable[str] | None = None) -> dict[int, int]:
    """The place (from 0) of every arrival of a phase within its stratum, by arrival number (of these strata, default
    all). One query.

    Whoever was drawn in an earlier phase has no place; everybody else has one, whatever became of them, so that it
    never moves."""
    earlier = Assignment.objects.filter(
        enrolment=OuterRef("pk"), drawn_by=Assignment.DrawnBy.RULE, run__protocol__number__lt=phase
    )
    arrivals = Enrolment.objects.real().filter(experiment=experiment).order_by("arrival")
    if strata is not None:
        arrivals = arrivals.filter(stratum__in=set(strata))
    if phase > 1:
        arrivals = arrivals.filter(~Exists(earlier))
    found: dict[int, int] = {}
    counted: Counter[str] = Counter()
    for arrival, stratum in arrivals.values_list("arrival", "stratum"):
        assert arrival is not None
        found[arrival] = counted[stratum]
        counted[stratum] += 1
    return found


def _run(
    study: Experiment,
    protocol: FrozenProtocol,
    inputs: DrawInputs,
    people: list[_Pending],
    *,
    arms: Mapping[str, Any],
    by: Any,
    triggered_by: str,
    request: AllocationRequest | None,
) -> AllocationRun:
    inputs = replace(inputs, arrivals=_placed(study, inputs.plan, [person.enrolment for person in people]))
    drawn = draw(inputs)
    assert study.protocol is not None
    run = AllocationRun.objects.create(
        experiment=study,
        protocol=study.protocol,
        rule=inputs.plan.rule,
        rule_version=inputs.plan.version,
        seed=inputs.plan.seed,
        inputs=canonical_json(inputs.to_json()),
        weights=canonical_json(inputs.weights),
        assignment_count=sum(len(cases) for cases in drawn.values()),
        request=request,
        triggered_by=triggered_by,
        created_by=by,
    )
    assignments = [
        Assignment(
            enrolment=person.enrolment,
            case_id=case.case,
            arm=arms[case.draw.arm],
            position=case.position,
            drawn_by=Assignment.DrawnBy.RULE,
            run=run,
            marginal_probability=float(case.draw.marginal_probability),
            conditional_probability=float(case.draw.conditional_probability),
        )
        for person in people
        for case in drawn[_arrival(person.enrolment)]
    ]
    stages = protocol.stage_counts
    add_assignments(assignments, {index: stages[made.arm.key] for index, made in enumerate(assignments) if made.arm})
    return run


def _placed(study: Experiment, plan: Plan, enrolments: list[Enrolment]) -> tuple[PlacedArrival, ...]:
    """Only one arm per participant goes by places; elsewhere the arrival number alone decides."""
    by_place: dict[int, int] = {}
    if plan.rule == Experiment.AllocationRule.PARTICIPANT:
        by_place = places(study, int(plan.phase), {enrolment.stratum for enrolment in enrolments})
    numbers = [(_arrival(enrolment), enrolment.stratum) for enrolment in enrolments]
    return tuple(PlacedArrival(number, stratum, by_place.get(number, 0)) for number, stratum in numbers)


def _arrival(enrolment: Enrolment) -> int:
    assert enrolment.arrival is not None  # a real enrolment has arrived, by constraint
    return enrolment.arrival
