"""Who takes part, has something left to do, and has done nothing for some days: for staff who look after them, and for
the reminders, which go by the same rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from experiments.models import Assignment, Enrolment, Experiment, IntakeSubmission, Reminder
from experiments.models.querysets import intake_versions
from experiments.monitoring.activity import cases_waiting, waiting_reviews, with_last_activity
from participants.models.user import no_password

Status = Enrolment.Status

ACCOUNT, CONSENT, INTAKE, CASES, DRAW = "account", "consent", "intake", "cases", "draw"
WAITS_FOR = {
    ACCOUNT: "has not set a password yet",
    CONSENT: "has not answered to the consent",
    INTAKE: "has not answered the questions about the reader",
    DRAW: "has no cases yet",
}


@dataclass(frozen=True, slots=True)
class Stalled:
    """`reason`: CASES or of WAITS_FOR. `may_be_reminded`: a reminder would help, and the person wants them."""

    enrolment: Enrolment
    last_activity: datetime
    reason: str
    cases: int
    reminders: int
    last_reminder: datetime | None

    @property
    def waits_for(self) -> str:
        if self.reason == CASES:
            return "1 case waits" if self.cases == 1 else f"{self.cases} cases wait"
        return WAITS_FOR[self.reason]

    @property
    def may_be_reminded(self) -> bool:
        wanted = self.enrolment.reminders_off_at is None and self.enrolment.user.is_active
        return wanted and self.reason in (INTAKE, CASES)


def stalled(
    experiment: Experiment, *, since: datetime, now: datetime, stages: int | None = None
) -> QuerySet[Enrolment]:
    """Real participants of a study that runs who have done nothing since then and have something left to do, the
    longest away first. Nobody has where the study itself was begun or resumed later. `stages`: what waits at these
    first stages alone counts (see waiting_reviews)."""
    if not _has_run_since(experiment, since):
        return Enrolment.objects.none()
    here = waiting_reviews(now, stages=stages).filter(assignment__enrolment=OuterRef("pk")).order_by()
    drawn = Assignment.objects.filter(enrolment=OuterRef("pk")).order_by()
    people = Enrolment.objects.real().filter(
        experiment=experiment,
        experiment__status=Experiment.Status.ACTIVE,
        status__in=(Status.AWAITING_CONSENT, Status.ACTIVE),
        erased_at=None,
    )
    away: Any = _with_reminders(with_last_activity(people))  # Any: the rows are annotated
    found: QuerySet[Enrolment] = (
        away.filter(last_activity__lte=since)
        .filter(Q(Exists(here)) | ~Q(Exists(drawn)))
        .annotate(
            has_password=Exists(people.filter(pk=OuterRef("pk")).exclude(no_password("user"))),
            is_asked=Exists(intake_versions(OuterRef("experiment"))),
            has_told=Exists(IntakeSubmission.objects.filter(enrolment=OuterRef("pk"))),
        )
        .select_related("user", "experiment")
        .order_by("last_activity", "pk")
    )
    return found


def described(people: Iterable[Enrolment], *, now: datetime, stages: int | None = None) -> list[Stalled]:
    """Of enrolments that `stalled` found. One query."""
    listed = list(people)
    cases = cases_waiting((one.pk for one in listed), now, stages=stages)
    return [_described(one, cases.get(one.pk, 0)) for one in listed]


def _has_run_since(experiment: Experiment, since: datetime) -> bool:
    begun = experiment.transitions.filter(to_status=Experiment.Status.ACTIVE).aggregate(last=Max("at"))["last"]
    return begun is None or begun <= since


def _with_reminders(people: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    own = Reminder.objects.filter(enrolment=OuterRef("pk")).order_by().values("enrolment")
    return people.annotate(
        reminders_sent=Coalesce(Subquery(own.annotate(n=Count("pk")).values("n")), Value(0)),
        last_reminder=Subquery(own.annotate(newest=Max(F("sent_at"))).values("newest")),
    )


def _described(found: Enrolment, cases: int) -> Stalled:
    return Stalled(
        enrolment=found,
        last_activity=found.last_activity,  # type: ignore[attr-defined]  # annotated
        reason=_reason(found, cases),
        cases=cases,
        reminders=found.reminders_sent,  # type: ignore[attr-defined]
        last_reminder=found.last_reminder,  # type: ignore[attr-defined]
    )


def _reason(found: Enrolment, cases: int) -> str:
    if not found.has_password:  # type: ignore[attr-defined]
        return ACCOUNT
    if found.status == Status.AWAITING_CONSENT:
        return CONSENT
    if found.is_asked and not found.has_told:  # type: ignore[attr-defined]
        return INTAKE
    return CASES if cases else DRAW
