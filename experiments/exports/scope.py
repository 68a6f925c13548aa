"""Who may see what in an export, and whose data are in it: rights, withdrawals, and the real enrolments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Min, QuerySet

from augmed.foundation.errors import Forbidden
from augmed.foundation.permissions import Verb
from experiments.actions.enrolment import withdrawal_policy
from experiments.models import ConsentRecord, Enrolment, EnrolmentEvent, Experiment
from experiments.roles import may

Policy = Experiment.WithdrawalPolicy


@dataclass(frozen=True, slots=True)
class Rights:
    """What goes into the archive. `by_arm`: arms, and all that would tell them; without it the arms are masked.
    `cases`: also what a case holds and no participant was shown."""

    by_arm: bool
    references: bool
    identified: bool
    cases: bool = False

    @classmethod
    def of(cls, user: Any, experiment: Experiment, *, identified: bool) -> Rights:
        """The rights of this person at this moment; Forbidden where they may not export, or not with e-mails."""
        if not (may(user, Verb.EXPORT, experiment) and may(user, Verb.VIEW_OUTCOME, experiment)):
            raise Forbidden("Your role in this study does not allow exports.", code="export_not_allowed")
        if identified and not may(user, Verb.EXPORT_IDENTIFIED, experiment):
            raise Forbidden(
                "Your role in this study does not allow e-mail addresses in an export.",
                code="export_identified_not_allowed",
            )
        return cls(
            by_arm=may(user, Verb.VIEW_OUTCOME_BY_ARM, experiment),
            references=may(user, Verb.VIEW_REFERENCE, experiment),
            identified=identified,
            cases=user.may(Verb.VIEW_CASES),
        )


def everything(*, identified: bool) -> Rights:
    """The rights of the system itself: the command, run by whoever holds the server."""
    return Rights(by_arm=True, references=True, identified=identified, cases=True)


@dataclass(frozen=True, slots=True)
class Person:
    """An enrolment as rows name it. Nothing after `until` is exported; `withheld`: no payload is."""

    pseudonym: str
    email: str
    until: datetime | None = None
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """The enrolments of an export by primary key (some 200 bytes each), and how many the policy leaves out."""

    experiment: Experiment
    rights: Rights
    policy: str
    people: dict[int, Person]
    left_out: int

    @property
    def enrolments(self) -> QuerySet[Enrolment]:
        return _enrolments(self.experiment, self.policy)

    @classmethod
    def of(cls, experiment: Experiment, rights: Rights) -> Scope:
        """At most five queries."""
        policy = withdrawal_policy(experiment)
        gone = withdrawn_since(experiment)
        people = {
            pk: Person(
                pseudonym,
                email if rights.identified else "",
                until=gone.get(pk) if policy == Policy.KEEP_TO_DATE else None,
                withheld=erased is not None or (policy == Policy.ERASE and pk in gone),
            )
            for pk, pseudonym, email, erased in _enrolments(experiment, policy)
            .values_list("pk", "pseudonym", "user__email", "erased_at")
            .iterator(chunk_size=2000)
        }
        left_out = len(gone) if policy == Policy.EXCLUDE else 0
        return cls(experiment, rights, policy, people, left_out)


def withdrawn_since(experiment: Experiment) -> dict[int, datetime]:
    """When each person who has withdrawn did so: as the consent says, if that is earlier than it was recorded."""
    withdrawn = Enrolment.objects.real().filter(experiment=experiment, status=Enrolment.Status.WITHDRAWN)
    events = EnrolmentEvent.objects.filter(enrolment__in=withdrawn, status=Enrolment.Status.WITHDRAWN)
    consents = ConsentRecord.objects.filter(enrolment__in=withdrawn, kind=ConsentRecord.Kind.WITHDRAWN)
    found: dict[int, datetime] = {}
    for rows in (events, consents):
        for pk, at in rows.order_by().values_list("enrolment").annotate(first=Min(F("at"))):
            found[pk] = min(found.get(pk, at), at)
    return found


def _enrolments(experiment: Experiment, policy: str) -> QuerySet[Enrolment]:
    real = Enrolment.objects.real().filter(experiment=experiment)
    return real.exclude(status=Enrolment.Status.WITHDRAWN) if policy == Policy.EXCLUDE else real
