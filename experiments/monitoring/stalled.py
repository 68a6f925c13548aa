"""Who takes part, has something left to do, and has done nothing for some days: for staff who look after them, and for
the reminders, which go by the same rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q

from experiments.models import Assignment, Enrolment, Experiment, IntakeSubmission, Reminder
from experiments.models.querysets import intake_versions
from experiments.monitoring.activity import cases_waiting, waiting_reviews, with_last_activity
from experiments.reminders.outbox import Standing, standing_of, with_standing
from participants.models.user import no_password

Status = Enrolment.Status

ACCOUNT, CONSENT, SIGN_AGAIN = "account", "consent", "sign_again"
INTAKE, CASES, DRAW = "intake", "cases", "draw"
WAITS_FOR = {
    ACCOUNT: "has not set a password yet",
    CONSENT: "has not answered to the consent",
    SIGN_AGAIN: "has not signed the new consent form",
    INTAKE: "has not answered the questions about the reader",
    DRAW: "has no cases yet",
}


@dataclass(frozen=True, slots=True)
class Stalled:
    """`reason`: CASES or of WAITS_FOR; `sent`: the reminders so far, the newest last. `may_be_reminded`: a reminder
    would help, and the person wants them."""

    enrolment: Enrolment
    last_activity: datetime
    reason: str
    cases: int
    sent: tuple[Standing, ...] = ()

    @property
    def reminders(self) -> int:
        return len(self.sent)

    @property
    def last_reminder(self) -> datetime | None:
        return max((one.gone_at for one in self.sent), default=None)

    @property
    def is_on_its_way(self) -> bool:
        """A reminder was noted and is still to be mailed."""
        return any(one.is_waiting for one in self.sent)

    @property
    def trouble(self) -> str:
        """Of the newest reminder."""
        return self.sent[-1].trouble if self.sent else ""

    @property
    def waits_for(self) -> str:
        if self.reason == CASES:
            return "1 case waits" if self.cases == 1 else f"{self.cases} cases wait"
        return WAITS_FOR[self.reason]

    @property
    def may_be_reminded(self) -> bool:
        wanted = self.enrolment.reminders_off_at is None and self.enrolment.user.is_active
        return wanted and self.reason in (INTAKE, CASES)


@dataclass(frozen=True, slots=True)
class Away:
    """Somebody who did nothing since then."""

    enrolment: int
    last_activity: datetime


def stalled(
    experiment: Experiment,
    *,
    since: datetime,
    now: datetime,
    stages: int | None = None,
    only: Collection[int] | None = None,
) -> list[Away]:
    """Real participants of a study that runs who have done nothing since then and have something left to do, the
    longest away first. Nobody has where the study itself was begun or resumed later. `stages`: what waits and was done
    at these first stages alone counts (see waiting_reviews); `only`: of these enrolments.

    Two queries. All of them are looked through once, and no more is read of each than their list is made of."""
    if not _has_run_since(experiment, since):
        return []
    here = waiting_reviews(now, stages=stages).filter(assignment__enrolment=OuterRef("pk")).order_by()
    drawn = Assignment.objects.filter(enrolment=OuterRef("pk")).order_by()
    people = Enrolment.objects.real().filter(
        experiment=experiment,
        experiment__status=Experiment.Status.ACTIVE,
        status__in=(Status.AWAITING_CONSENT, Status.ACTIVE),
        erased_at=None,
    )
    chosen = people if only is None else people.filter(pk__in=only)
    left = chosen.filter(Q(Exists(here)) | ~Q(Exists(drawn)) | Q(asked_again__isnull=False)).order_by()
    # Kept by the program and not by the database, which would work it out again for the condition and for the order.
    known: Any = with_last_activity(left, stages=stages)  # Any: the rows are annotated
    rows = known.values_list("pk", "last_activity")
    return sorted((Away(*row) for row in rows if row[1] <= since), key=attrgetter("last_activity", "enrolment"))


def described(away: Iterable[Away], *, now: datetime, stages: int | None = None) -> list[Stalled]:
    """Three queries, in the order given."""
    listed = list(away)
    keys = [one.enrolment for one in listed]
    people = _people(keys)
    cases = cases_waiting(keys, now, stages=stages)
    sent = _reminders(keys)
    return [
        Stalled(
            enrolment=people[one.enrolment],
            last_activity=one.last_activity,
            reason=_reason(people[one.enrolment], cases.get(one.enrolment, 0)),
            cases=cases.get(one.enrolment, 0),
            sent=tuple(sent.get(one.enrolment, ())),
        )
        for one in listed
    ]


def _people(keys: Collection[int]) -> dict[int, Enrolment]:
    listed = Enrolment.objects.filter(pk__in=keys)
    rows = listed.annotate(
        has_password=Exists(listed.filter(pk=OuterRef("pk")).exclude(no_password("user"))),
        is_asked=Exists(intake_versions(OuterRef("experiment"))),
        has_told=Exists(IntakeSubmission.objects.filter(enrolment=OuterRef("pk"))),
    )
    return {one.pk: one for one in rows.select_related("user", "experiment").order_by()}


def _has_run_since(experiment: Experiment, since: datetime) -> bool:
    begun = experiment.transitions.filter(to_status=Experiment.Status.ACTIVE).aggregate(last=Max("at"))["last"]
    return begun is None or begun <= since


def _reminders(enrolments: Iterable[int]) -> dict[int, list[Standing]]:
    """By enrolment, the newest last. One query; who got none is left out."""
    found: dict[int, list[Standing]] = defaultdict(list)
    rows = with_standing(Reminder.objects.filter(enrolment__in=list(enrolments)))
    for row in rows.order_by("sent_at", "pk"):
        found[row.enrolment_id].append(standing_of(row))
    return found


def _reason(found: Enrolment, cases: int) -> str:
    if not found.has_password:  # type: ignore[attr-defined]
        return ACCOUNT
    if found.status == Status.AWAITING_CONSENT:
        return SIGN_AGAIN if found.asked_again_id else CONSENT
    if found.is_asked and not found.has_told:  # type: ignore[attr-defined]
        return INTAKE
    return CASES if cases else DRAW
