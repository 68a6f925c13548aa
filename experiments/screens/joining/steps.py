"""What a reader does next in a study: the one definition, for the list of one's studies and for whoever opens a case.

Consent, then what is asked about the reader, then the instructions, then the cases to practise on, then the real ones.
Instructions and practice come before the first real case and never again; nothing here depends on an arm.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _

from augmed.foundation.errors import Conflict, NotFound
from experiments.models import (
    ConsentDocument,
    Enrolment,
    Experiment,
    IntakeSubmission,
    Review,
    TrainingCase,
)
from experiments.models.querysets import intake_versions


class StepKind(StrEnum):
    CONSENT = "consent"
    INTAKE = "intake"
    INSTRUCTIONS = "instructions"
    TRAINING = "training"
    CASE = "case"
    WAITING = "waiting"
    DONE = "done"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Step:
    """`url`: the page that leads on, "" where there is nothing to do; `reason`: a code that says why a reader waits,
    has left or is asked again; `review`: of the case that comes next; `resumes`: it was opened before; `again`: its
    case was answered before."""

    kind: StepKind
    url: str = ""
    reason: str = ""
    review: uuid.UUID | None = None
    resumes: bool = False
    again: bool = False

    @property
    def leads_on(self) -> bool:
        """Whether the next page follows by itself. A case does not: the reader begins it, from home."""
        return bool(self.url) and self.kind not in (StepKind.CASE, StepKind.LEFT)

    @property
    def label(self) -> str:
        """What the button says."""
        if self.reason == "again":
            return _("Read and sign the new consent form")
        if self.kind == StepKind.CASE:
            return _("Go on with this case") if self.resumes or self.again else _("Go to the next case")
        return {
            StepKind.CONSENT: _("Read and sign the consent form"),
            StepKind.INTAKE: _("Answer questions about yourself"),
            StepKind.INSTRUCTIONS: _("Read the instructions"),
            StepKind.TRAINING: _("Practise before you begin"),
            StepKind.LEFT: _("Read the consent form again"),
        }.get(self.kind, "")

    @property
    def note(self) -> str:
        """What is said where nothing can be done now."""
        return {
            "over": _("You have answered every case. Thank you."),
            "so_far": _("You have answered every case so far. Thank you. If there is more, it appears here."),
            "not_begun": _("The study has not begun yet. You will find your first case here."),
            "paused": _("The study is paused. You can go on when it is resumed."),
            "closed": _("The study is closed. Thank you for what you did."),
            "consent_elsewhere": _("Your consent is needed before you begin. The study team takes it and records it."),
            "no_cases": _("You have no case yet. The study team will tell you when there is one."),
            "later": _("Nothing to do right now. What comes next opens later."),
            "declined": _("You declined to take part. You may still change your mind."),
            "withdrawn": _("You withdrew from this study."),
        }.get(self.reason, "")


def with_standing(enrolments: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    """The real ones among them, with the study and all that `step_of` goes by. One statement, however many."""
    own = Review.objects.filter(assignment__enrolment=OuterRef("pk"))
    upcoming = own.unanswered().reachable().order_by("assignment__position", "stage_position")
    practice = Review.objects.filter(
        assignment__enrolment__user=OuterRef("user"),
        assignment__enrolment__experiment=OuterRef("experiment"),
        assignment__enrolment__kind=Enrolment.Kind.TRAINING,
    )
    return (
        enrolments.filter(kind=Enrolment.Kind.REAL)
        .select_related("experiment__protocol", "asked_again")
        .defer("experiment__protocol__content")
        .annotate(
            has_document=Exists(ConsentDocument.objects.filter(experiment=OuterRef("experiment"))),
            is_asked=Exists(intake_versions(OuterRef("experiment"))),
            has_told=Exists(IntakeSubmission.objects.filter(enrolment=OuterRef("pk"))),
            has_begun=Exists(own.opened()),
            has_cases=Exists(own),
            has_practice=Exists(TrainingCase.objects.filter(experiment=OuterRef("experiment"))),
            began_practice=Exists(practice),
            ended_practice=Exists(
                Enrolment.objects.filter(
                    user=OuterRef("user"), experiment=OuterRef("experiment"), kind=Enrolment.Kind.TRAINING
                ).exclude(status=Enrolment.Status.ACTIVE)
            ),
            left_to_begin=Exists(own.left().filter(stage_position=1)),
            left_to_practise=Exists(practice.unanswered().reachable()),
            next_public_id=Subquery(upcoming.values("public_id")[:1]),
            next_stage=Subquery(upcoming.values("stage_position")[:1]),
            next_opened_at=Subquery(upcoming.annotate(at=F("opening__opened_at")).values("at")[:1]),
        )
    )


def next_step(enrolment: Enrolment) -> Step:
    """Of a real enrolment. One statement."""
    found = with_standing(Enrolment.objects.filter(pk=enrolment.pk)).first()
    if found is None:
        raise NotFound(_("There is no such study."))
    return step_of(found)


def own_standings(user: Any) -> list[tuple[Enrolment, Step]]:
    """The reader's studies, the newest first, each with what is next. One statement."""
    found = with_standing(Enrolment.objects.filter(user=user).order_by("-joined_at", "-pk"))
    return [(enrolment, step_of(enrolment)) for enrolment in found]


def step_of(enrolment: Any) -> Step:
    """Of a row of `with_standing`; no statement."""
    return _stopped(enrolment) or _joining(enrolment) or _reading(enrolment)


def refuse_unless_joined(enrolment_id: int) -> None:
    """For whoever opens a case on the screens: Conflict where consent, intake, instructions or practice come first.
    Trainings and previews have no such steps. One statement."""
    found = with_standing(Enrolment.objects.filter(pk=enrolment_id)).first()
    first = _joining(found) if found is not None else None
    if first is not None:
        said = {"step": first.label or first.note}
        raise Conflict(_("Something comes before this case: %(step)s.") % said, code="joining_first")


def _stopped(enrolment: Any) -> Step | None:
    """Nothing more is to be done, or not now."""
    study, status = enrolment.experiment, enrolment.status
    if status == Enrolment.Status.WITHDRAWN:
        return Step(StepKind.LEFT, reason="withdrawn")
    if study.is_over:
        done = status == Enrolment.Status.COMPLETED
        return Step(StepKind.DONE, reason="over") if done else Step(StepKind.WAITING, reason="closed")
    if study.status == Experiment.Status.DRAFT:
        return Step(StepKind.WAITING, reason="not_begun")
    if study.status == Experiment.Status.PAUSED:  # whoever is done is told so as well: see _reading
        return Step(StepKind.WAITING, reason="paused")
    if status == Enrolment.Status.COMPLETED:
        return Step(StepKind.DONE, reason="so_far")
    if status == Enrolment.Status.DECLINED:
        return Step(StepKind.LEFT, _page("study_consent", study) if enrolment.has_document else "", "declined")
    return None


def _joining(enrolment: Any) -> Step | None:
    """What comes before the first case."""
    study = enrolment.experiment
    if enrolment.status == Enrolment.Status.AWAITING_CONSENT:
        if enrolment.has_document:
            again = "again" if enrolment.asked_again_id is not None else ""
            return Step(StepKind.CONSENT, _page("study_consent", study), again)
        return Step(StepKind.WAITING, reason="consent_elsewhere")
    if enrolment.is_asked and not enrolment.has_told:
        return Step(StepKind.INTAKE, _page("study_intake", study))
    if enrolment.has_begun:
        return None
    if study.instructions_in_force and enrolment.instructions_read_at is None:
        return Step(StepKind.INSTRUCTIONS, _page("study_instructions", study))
    if _is_to_practise(enrolment):
        return Step(StepKind.TRAINING, _page("study_training", study))
    return None


def _is_to_practise(enrolment: Any) -> bool:
    """There are cases for it, and the reader has not begun or not ended. What cannot be shown keeps nobody."""
    if not enrolment.has_practice or enrolment.ended_practice:
        return False
    return bool(enrolment.left_to_practise or not enrolment.began_practice)


def _reading(enrolment: Any) -> Step:
    """Whoever has answered each case once and waits for a reading that opens later is told the same as whoever is done:
    the difference would tell the arm."""
    if not enrolment.has_cases:
        return Step(StepKind.WAITING, reason="no_cases")
    if enrolment.next_public_id is None:
        return Step(StepKind.WAITING, reason="later" if enrolment.left_to_begin else "so_far")
    return Step(
        StepKind.CASE,
        reverse("review", args=[enrolment.next_public_id]),
        review=enrolment.next_public_id,
        resumes=enrolment.next_opened_at is not None,
        again=enrolment.next_stage > 1,
    )


def _page(name: str, study: Experiment) -> str:
    return reverse(name, args=[study.code])
