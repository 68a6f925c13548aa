"""The studies of one feed, and which of their reviews are in it: the same rules as for an archive, as conditions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, When

from augmed.foundation.errors import Forbidden, NotFound
from augmed.foundation.permissions import Verb
from experiments.actions.enrolment import withdrawal_policy
from experiments.exports.blinding import Visible, visible
from experiments.exports.scope import Policy, Rights
from experiments.models import ConsentRecord, Enrolment, EnrolmentEvent, Experiment, Review
from experiments.models.querysets import ReviewQuerySet

Status = Enrolment.Status


@dataclass(frozen=True, slots=True)
class FeedStudy:
    """One study as its asker may see it. `policy`: what becomes of the data of those who have withdrawn."""

    experiment: Experiment
    rights: Rights
    visible: Visible
    policy: str


class Feed:
    """The studies that one person, or key, may export, with the rights held in each."""

    def __init__(self, studies: Iterable[FeedStudy]) -> None:
        self.studies = {study.experiment.pk: study for study in studies}

    @classmethod
    def of(cls, user: Any, *, code: str = "") -> Feed:
        """Those in which the user may export outcomes; with `code` that one alone. Forbidden where there can be none,
        NotFound where there is no such one.

        Four statements, and a few for each study whose arms are masked."""
        exportable = Experiment.objects.where_may(user, Verb.EXPORT).where_may(user, Verb.VIEW_OUTCOME)
        if code:
            exportable = exportable.filter(code=code)
        found = list(exportable.select_related("protocol").order_by("pk"))
        if not found and code:
            raise NotFound("There is no such study.")
        everywhere = user.may(Verb.EXPORT) and user.may(Verb.VIEW_OUTCOME)  # then there is just nothing yet
        if not found and not everywhere:
            raise Forbidden("Your role allows exports in no study.", code="forbidden")
        by_arm, identified = (
            set(Experiment.objects.where_may(user, verb).order_by().values_list("pk", flat=True))
            for verb in (Verb.VIEW_OUTCOME_BY_ARM, Verb.EXPORT_IDENTIFIED)
        )
        return cls(
            _study(one, Rights(by_arm=one.pk in by_arm, references=False, identified=one.pk in identified))
            for one in found
        )

    @property
    def identified(self) -> set[int]:
        return {pk for pk, study in self.studies.items() if study.rights.identified}

    def reviews(self) -> ReviewQuerySet:
        """Reviews of real participants, opened or not."""
        return self._where(_in_scope)

    def answered(self, since: datetime | None = None) -> ReviewQuerySet:
        """Those with answers that may be told, answered at `since` or later. Where arms are masked times are told as
        days, so `since` counts from the beginning of its day: an exact one could be tried until it tells the time."""
        found = self._where(_answered)
        if since is None:
            return found
        masked = [pk for pk, study in self.studies.items() if not study.visible.by_arm]
        begin = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        in_masked = Q(assignment__enrolment__experiment__in=masked)
        return found.filter(
            (in_masked & Q(submission__submitted_at__gte=begin)) | (~in_masked & Q(submission__submitted_at__gte=since))
        )

    def enrolments(self) -> QuerySet[Enrolment]:
        excluding = [pk for pk, study in self.studies.items() if study.policy == Policy.EXCLUDE]
        found = Enrolment.objects.real().filter(experiment__in=list(self.studies))
        return found.exclude(experiment__in=excluding, status=Status.WITHDRAWN)

    def who(self, enrolment: str) -> Case:
        """What stands for the participant: the address where it may be told, else the pseudonym. `enrolment`: the
        look-up of the enrolment, '' or one that ends in '__'."""
        return Case(
            When(**{f"{enrolment}experiment__in": list(self.identified)}, then=F(f"{enrolment}user__email")),
            default=F(f"{enrolment}pseudonym"),
            output_field=CharField(),
        )

    def _where(self, rule: Callable[[str], Q]) -> ReviewQuerySet:
        groups: dict[tuple[str, int | None], list[int]] = defaultdict(list)
        for pk, study in self.studies.items():
            groups[study.policy, study.visible.stages].append(pk)
        conditions = [
            Q(assignment__enrolment__experiment__in=studies)
            & (Q() if stages is None else Q(stage_position__lte=stages))
            & rule(policy)
            for (policy, stages), studies in groups.items()
        ]
        return Review.objects.real().filter(reduce(or_, conditions)) if conditions else Review.objects.none()


def _study(experiment: Experiment, rights: Rights) -> FeedStudy:
    return FeedStudy(experiment, rights, visible(experiment, rights), withdrawal_policy(experiment))


def _in_scope(policy: str) -> Q:
    return ~Q(assignment__enrolment__status=Status.WITHDRAWN) if policy == Policy.EXCLUDE else Q()


def _answered(policy: str) -> Q:
    given = Q(submission__isnull=False) & _in_scope(policy)
    if policy != Policy.KEEP_TO_DATE:
        return given
    return given & ~(Q(assignment__enrolment__status=Status.WITHDRAWN) & (_left_before() | _withdrew_before()))


def _left_before() -> Q:
    events = EnrolmentEvent.objects.filter(status=Status.WITHDRAWN, at__lt=OuterRef("submission__submitted_at"))
    return Q(Exists(events.filter(enrolment=OuterRef("assignment__enrolment")).order_by()))


def _withdrew_before() -> Q:
    consents = ConsentRecord.objects.filter(
        kind=ConsentRecord.Kind.WITHDRAWN, at__lt=OuterRef("submission__submitted_at")
    )
    return Q(Exists(consents.filter(enrolment=OuterRef("assignment__enrolment")).order_by()))
