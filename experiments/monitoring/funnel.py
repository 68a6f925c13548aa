"""From invited to done: how many people came how far. Nothing here depends on an arm."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, OuterRef, Q

from experiments.models import (
    ConsentRecord,
    Enrolment,
    Experiment,
    IntakeSubmission,
    Review,
    ReviewOpening,
)
from participants.models.user import no_password

Status = Enrolment.Status


@dataclass(frozen=True, slots=True)
class Step:
    """`people` came here or further."""

    key: str
    label: str
    people: int


@dataclass(frozen=True, slots=True)
class Funnel:
    steps: tuple[Step, ...]
    declined: int
    withdrawn: int
    withdrawn_before_beginning: int

    @property
    def invited(self) -> int:
        return self.steps[0].people


def funnel(experiment: Experiment, *, stages: int) -> Funnel:
    """One query. Steps that the study does not have are left out. `stages`: how many every arm has (a case counts as
    answered once these are)."""
    asked = {key: label for key, label in _LABELS.items() if _has(experiment, key)}
    real = Enrolment.objects.real().filter(experiment=experiment).order_by()
    left = Q(status=Status.WITHDRAWN)
    row = real.annotate(**_marks(stages)).aggregate(
        **{f"at_{key}": Count("pk", filter=_came_to(key)) for key in asked},
        declined=Count("pk", filter=Q(status=Status.DECLINED)),
        withdrawn=Count("pk", filter=left),
        before=Count("pk", filter=left & Q(took_began=False)),
    )
    steps = tuple(Step(key, label, row[f"at_{key}"]) for key, label in asked.items())
    return Funnel(steps, row["declined"], row["withdrawn"], row["before"])


_LABELS = {
    "invited": "Invited",
    "account": "Has an account",
    "consented": "Consented",
    "intake": "Told about themselves",
    "began": "Began the first case",
    "done": "Answered all cases",
}


def _has(experiment: Experiment, key: str) -> bool:
    if key == "consented":
        return experiment.consent_required
    return key != "intake" or experiment.intake_questionnaire_id is not None


_OWN_STEPS = ("intake", "began", "done")
"""What only the reader can have done, so that it shows the steps before it too: accounts and consents also come in by
import, and nobody is counted at a later step and not at an earlier one."""


def _came_to(key: str) -> Q:
    if key == "invited":
        return Q()
    own = _OWN_STEPS[_OWN_STEPS.index(key) :] if key in _OWN_STEPS else _OWN_STEPS
    acted = reduce(or_, (Q(**{f"took_{step}": True}) for step in own))
    if key == "account":
        return Q(took_account=True) | acted
    return acted if key in _OWN_STEPS else Q(took_account=True, took_consented=True) | acted


def _marks(stages: int) -> dict[str, Any]:
    """Who took each step."""
    given = ConsentRecord.objects.filter(enrolment=OuterRef("pk"), kind=ConsentRecord.Kind.GIVEN).order_by()
    opened = ReviewOpening.objects.filter(review__assignment__enrolment=OuterRef("pk")).order_by()
    reviews = Review.objects.filter(assignment__enrolment=OuterRef("pk"), stage_position__lte=stages).order_by()
    return {
        "took_account": _flag(~no_password("user")),
        "took_consented": _flag(Q(status__in=(Status.ACTIVE, Status.COMPLETED)) | Q(Exists(given))),
        "took_intake": Exists(IntakeSubmission.objects.filter(enrolment=OuterRef("pk"))),
        "took_began": Exists(opened),
        # Not by the status: with a case that was withdrawn, that comes to those alone whose arm does not go on.
        "took_done": _flag(Q(Exists(reviews.answered())) & ~Q(Exists(reviews.left()))),
    }


def _flag(condition: Q) -> ExpressionWrapper:
    return ExpressionWrapper(condition, output_field=BooleanField())
