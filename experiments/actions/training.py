"""Cases to practise on: which they are, and a reader's way through them, kept apart from all data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from augmed.foundation import audit
from augmed.foundation.errors import Conflict, Invalid
from cases.models import Case, CaseSnapshot
from experiments.actions.allocation import add_assignments
from experiments.actions.common import locked, refuse_when_over
from experiments.design.joining import stages_at_once, training_case_listed
from experiments.models import Arm, Assignment, Enrolment, EnrolmentEvent, Experiment, ProtocolStage, TrainingCase

LONGEST_FEEDBACK = 20_000
MOST_CASES = 20


@dataclass(frozen=True, slots=True)
class TrainingEntry:
    """A case to practise on, and what its readers are told when they have answered."""

    case: Case
    feedback: str = ""


def set_training_cases(*, experiment: Experiment, entries: Sequence[TrainingEntry], by: Any) -> list[TrainingCase]:
    """The study's training cases, in this order, in place of those before. In force at once, for whoever has not begun
    to practise; in a running study each must be prepared already."""
    _check_entries(entries)
    with transaction.atomic():
        study = locked(experiment)
        refuse_when_over(study)
        if study.kind != Experiment.Kind.PROTOCOL:
            raise Conflict("Training cases are shown as an arm: this study has none.", code="no_arms")
        _refuse_unprepared(study, entries)
        _refuse_listed(study, entries)
        study.training_cases.all().delete()
        made = TrainingCase.objects.bulk_create(
            TrainingCase(experiment=study, case=entry.case, position=at, feedback=entry.feedback.strip())
            for at, entry in enumerate(entries, start=1)
        )
        audit.record(
            action="training_cases_changed",
            by=by,
            target=study,
            data={"cases": [entry.case.number for entry in entries]},
            experiment_id=study.pk,
        )
    return made


def begin_training(*, enrolment: Enrolment, by: Any) -> Enrolment:
    """The training enrolment of a reader who takes part, with every training case assigned and a review for each stage
    that needs no wait. Doing it again adds what is missing."""
    with transaction.atomic():
        study = locked(enrolment.experiment)
        if study.status != Experiment.Status.ACTIVE or study.protocol_id is None:
            raise Conflict(_("The study is not running at the moment."), code="study_not_running")
        enrolment.refresh_from_db(from_queryset=Enrolment.objects.select_for_update())
        if enrolment.status != Enrolment.Status.ACTIVE:
            raise Conflict(_("You do not take part in this study now."), code="not_taking_part")
        training = _training(enrolment, by)
        if training.status == Enrolment.Status.ACTIVE:
            _assign(study, training)
    return training


def _check_entries(entries: Sequence[TrainingEntry]) -> None:
    numbers = [entry.case.number for entry in entries]
    if len(set(numbers)) < len(numbers):
        raise Invalid("A case is named twice.", errors={"cases": ["Each case at most once."]})
    if len(numbers) > MOST_CASES:
        raise Invalid(f"At most {MOST_CASES} training cases.", errors={"cases": [f"At most {MOST_CASES}."]})
    if any(len(entry.feedback) > LONGEST_FEEDBACK for entry in entries):
        raise Invalid(f"At most {LONGEST_FEEDBACK} characters of feedback.", errors={"feedback": ["Too long."]})


def _refuse_unprepared(study: Experiment, entries: Sequence[TrainingEntry]) -> None:
    """Of a running study the readers would be stopped by it at once; of a draft, the activation says so."""
    if study.protocol is None:
        return
    cases = [entry.case.pk for entry in entries]
    ready = CaseSnapshot.objects.filter(layout_version=study.protocol.layout_version_id, case__in=cases)
    prepared = set(ready.filter(redacted_at=None).values_list("case", flat=True))
    missing = [str(entry.case.number) for entry in entries if entry.case.pk not in prepared]
    if missing:
        message = f"Not built under the study's layout yet: case {', '.join(missing)}."
        raise Conflict(message, code="missing_snapshots", errors={"cases": [message]})


def _refuse_listed(study: Experiment, entries: Sequence[TrainingEntry]) -> None:
    """Readers would meet the case again, knowing its feedback."""
    cases = [entry.case.pk for entry in entries]
    read = Assignment.objects.filter(enrolment__experiment=study, enrolment__kind=Enrolment.Kind.REAL, case__in=cases)
    listed = {*study.study_cases.filter(case__in=cases).values_list("case", flat=True)}
    listed.update(read.values_list("case", flat=True))
    if both := [entry.case.number for entry in entries if entry.case.pk in listed]:
        message = training_case_listed(both)
        raise Conflict(message, code="training_case_listed", errors={"cases": [message]})


def _training(enrolment: Enrolment, by: Any) -> Enrolment:
    training, is_new = Enrolment.objects.get_or_create(
        experiment=enrolment.experiment,
        user=enrolment.user,
        kind=Enrolment.Kind.TRAINING,
        defaults={"status": Enrolment.Status.ACTIVE},
    )
    if is_new:
        EnrolmentEvent.objects.create(enrolment=training, status=training.status, by=by)
    return training


def _assign(study: Experiment, training: Enrolment) -> None:
    has = training.assignments.aggregate(last=Max("position"))["last"] or 0
    cases = TrainingCase.objects.filter(experiment=study).exclude(case__assignments__enrolment=training)
    arm, stages = _arm_and_stages(study)
    assignments = [
        Assignment(
            enrolment=training,
            case_id=case,
            arm=arm,
            position=position,
            drawn_by=Assignment.DrawnBy.STAFF,
        )
        for position, case in enumerate(cases.order_by("position").values_list("case", flat=True), start=has + 1)
    ]
    add_assignments(assignments, dict.fromkeys(range(len(assignments)), stages))


def _arm_and_stages(study: Experiment) -> tuple[Arm, int]:
    """The arm as which everybody practises, if the protocol has it, else the protocol's first of those with the fewest
    stages; and how many of its stages, from the first on, follow at once: nobody waits days to practise."""
    stages = ProtocolStage.objects.filter(protocol=study.protocol).select_related("arm")
    by_arm: dict[int, list[ProtocolStage]] = {}
    for stage in stages.order_by("arm__position", "arm_id", "position"):
        by_arm.setdefault(stage.arm_id, []).append(stage)
    chosen = by_arm.get(study.training_arm_id or 0) or min(by_arm.values(), key=len)
    return chosen[0].arm, stages_at_once([stage.not_before_days for stage in chosen])
