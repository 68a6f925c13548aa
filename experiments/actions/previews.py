"""Reading a study as its participants do: enrolments of kind preview, which no count and no export contains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from augmed.foundation import audit
from augmed.foundation.errors import Conflict, Invalid
from cases.models import Case
from experiments.actions.allocation import add_assignments
from experiments.actions.common import locked
from experiments.actions.enrolment import enrol
from experiments.models import Arm, Assignment, AssignmentDisclosure, Enrolment, Experiment, ProtocolStage, Stage

MOST_CASES = 50
Kind = Enrolment.Kind


def preview_as_arm(
    *, experiment: Experiment, arm: Arm, by: Any, cases: Sequence[Case] | None = None, working_design: bool = False
) -> Enrolment:
    """A new preview of some of the study's cases (default: the first 50) as an arm shows them, in their order.

    It shows the protocol in force; the working design where there is none, or where that is asked for. Constant number
    of statements."""
    with transaction.atomic():
        study = locked(experiment)
        if arm.experiment_id != study.pk:
            raise Invalid("This arm belongs to another study.", errors={"arm": ["This arm belongs to another study."]})
        listed = _listed(study, cases)
        preview = enrol(experiment=study, user=by, by=by, kind=Kind.PREVIEW)
        if study.protocol_id is None or working_design:
            made = _of_working_design(preview, arm, listed, by)
        else:
            made = _of_protocol(preview, study, arm, listed)
        _record(preview, by, arm=arm.key, working_design=made[0].arm_id is None, cases=len(made))
    return preview


def preview_as_participant(*, enrolment: Enrolment, by: Any) -> Enrolment:
    """A new preview of what a participant reads: the same cases in the same order and arms. What they have opened it
    shows as they opened it. Constant number of statements."""
    with transaction.atomic():
        study = locked(enrolment.experiment)
        if enrolment.kind != Kind.REAL:
            raise Invalid("Only a participant can be previewed.", errors={"enrolment": ["This is no participant."]})
        theirs = list(
            enrolment.assignments.exclude(drawn_by=Assignment.DrawnBy.AUGMED)
            .prefetch_related("reviews", "disclosures")
            .order_by("position")
        )
        if not theirs:
            raise Conflict("No case has been assigned to this participant yet.", code="nothing_assigned")
        preview = enrol(experiment=study, user=by, by=by, kind=Kind.PREVIEW)
        Enrolment.objects.filter(pk=preview.pk).update(preview_of=enrolment)
        preview.preview_of = enrolment
        _copy(preview, theirs, by)
        _record(preview, by, preview_of=enrolment.pk, cases=len(theirs))
    return preview


def preview_again(*, preview: Enrolment, by: Any) -> Enrolment:
    """The same preview from its beginning; the one before stays as it is. As the arm: with the design as it is now."""
    if preview.preview_of is not None:
        return preview_as_participant(enrolment=preview.preview_of, by=by)
    cases = [assignment.case for assignment in preview.assignments.select_related("case").order_by("position")]
    arm, working_design = _arm_of(preview)
    return preview_as_arm(experiment=preview.experiment, arm=arm, by=by, cases=cases, working_design=working_design)


def _arm_of(preview: Enrolment) -> tuple[Arm, bool]:
    """The arm that a preview shows, and whether by the working design."""
    first = preview.assignments.select_related("arm").order_by("position")[0]
    if first.arm is not None:
        return first.arm, False
    key = first.disclosures.values_list("policy", flat=True)[0]
    arm = preview.experiment.arms.filter(key=key).first()
    if arm is None:
        raise Conflict("The arm of this preview was removed.", code="arm_removed")
    return arm, True


def _listed(study: Experiment, cases: Sequence[Case] | None) -> list[int]:
    """Primary keys of the cases to be read; Invalid where one is not the study's."""
    wanted = None if cases is None else [case.pk for case in cases]
    entries = study.study_cases.order_by("position").values_list("case_id", flat=True)
    listed = list(entries[:MOST_CASES] if wanted is None else entries.filter(case__in=wanted))
    training = study.training_cases.values_list("case_id", flat=True)
    known = {*listed, *(training.filter(case__in=wanted) if wanted else ())}
    if wanted is not None and not (wanted and known.issuperset(wanted)):
        raise Invalid("A case is not in the study.", errors={"cases": ["This case is not in the study."]})
    found = wanted or listed
    if not found:
        raise Conflict("The study has no cases yet: choose some first.", code="no_cases")
    return found


def _of_protocol(preview: Enrolment, study: Experiment, arm: Arm, cases: list[int]) -> list[Assignment]:
    assert study.protocol is not None
    stages = ProtocolStage.objects.filter(protocol=study.protocol_id, arm=arm).count()
    if not stages:
        raise Conflict(
            "The protocol does not know this arm yet. Preview the working design.", code="arm_not_in_protocol"
        )
    return _assign(preview, cases, arm, stages)


def _of_working_design(preview: Enrolment, arm: Arm, cases: list[int], by: Any) -> list[Assignment]:
    """Facts cannot be undone, and an arm of a draft can be removed: so the assignments name it only in words."""
    stages = list(Stage.objects.filter(arm=arm).order_by("position"))
    sets = {stage.position: stage.disclosure_set_id for stage in stages if stage.disclosure_set_id is not None}
    if not stages or len(sets) < len(stages):
        raise Conflict("This arm has no stages yet, or no layout that says what they show.", code="not_prepared")
    made = _assign(preview, cases, None, len(stages))
    AssignmentDisclosure.objects.bulk_create(
        AssignmentDisclosure(
            assignment=assignment,
            stage_position=position,
            disclosure_set_id=disclosure_set,
            policy=arm.key,
            created_by=by,
        )
        for assignment in made
        for position, disclosure_set in sets.items()
    )
    return made


def _assign(preview: Enrolment, cases: list[int], arm: Arm | None, stages: int) -> list[Assignment]:
    assignments = [
        Assignment(enrolment=preview, case_id=case, arm=arm, position=at, drawn_by=Assignment.DrawnBy.STAFF)
        for at, case in enumerate(cases, start=1)
    ]
    return add_assignments(assignments, dict.fromkeys(range(len(assignments)), stages))


def _copy(preview: Enrolment, theirs: list[Assignment], by: Any) -> None:
    """By the protocol it is staff who assign them; where a CSV says what is shown, it is the CSV that does."""
    csv, staff = Assignment.DrawnBy.CSV, Assignment.DrawnBy.STAFF
    copies = [
        Assignment(
            enrolment=preview,
            case_id=one.case_id,
            arm_id=one.arm_id,
            period=one.period,
            replicate=one.replicate,
            position=one.position,
            drawn_by=csv if one.drawn_by == csv else staff,
        )
        for one in theirs
    ]
    made = add_assignments(copies, {at: len(one.reviews.all()) for at, one in enumerate(theirs)})
    AssignmentDisclosure.objects.bulk_create(
        AssignmentDisclosure(
            assignment=copy,
            stage_position=row.stage_position,
            disclosure_set_id=row.disclosure_set_id,
            policy=row.policy,
            paths=row.paths,
            created_by=by,
        )
        for copy, one in zip(made, theirs, strict=True)
        for row in sorted(one.disclosures.all(), key=lambda row: row.pk)
    )


def _record(preview: Enrolment, by: Any, **data: Any) -> None:
    audit.record(action="preview_begun", by=by, target=preview, data=data, experiment_id=preview.experiment_id)
