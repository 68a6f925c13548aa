"""Which snapshot of a case a review would show, and whether it can show one: the one rule for opening and for lists."""

from __future__ import annotations

from typing import Any

from django.db.models import BooleanField, Case, Exists, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import IsNull

from cases.models import CaseSnapshot

_STUDY = "assignment__enrolment__experiment"


def under_version(*, case: Any, layout_version: Any) -> QuerySet[CaseSnapshot]:
    """The first is shown, at a first stage."""
    return CaseSnapshot.objects.filter(case=case, layout_version=layout_version).order_by("-number")


def under_version_again(*, review: Any, case: Any, layout_version: Any) -> QuerySet[CaseSnapshot]:
    """The first is shown, at any stage. The snapshot that the assignment's earlier stage has shown comes first: between
    two readings of a case nothing may change but what the stages disclose."""
    from experiments.models.review import ReviewOpening

    shown_before = ReviewOpening.objects.filter(snapshot=OuterRef("pk"), review__assignment__reviews=review)
    snapshots = under_version(case=case, layout_version=layout_version)
    return snapshots.order_by(Exists(shown_before).desc(), *snapshots.query.order_by)


def under_layout(*, case: Any, layout: Any) -> QuerySet[CaseSnapshot]:
    """The first is shown: of the layout's newest version that has one."""
    snapshots = CaseSnapshot.objects.filter(case=case, layout_version__layout=layout)
    return snapshots.order_by("-layout_version__number", "-number")


def can_be_shown() -> Q:
    """A review that was opened and whose case was not withdrawn since, or one for which all is there that its opening
    would bind. Others are passed over, as they would keep the reader from all that comes behind them."""
    opened = Q(opening__snapshot__isnull=False, opening__snapshot__redacted_at=None)
    return opened | Q(opening=None) & (_by_csv() | _in_arm() | _in_arm_again())


def was_withdrawn() -> Q:
    """A review that can no longer be read or opened, as what it shows, or would show, was withdrawn. It is not left to
    be answered; what is only not prepared yet is."""
    from experiments.models.review import ReviewOpening

    openings = ReviewOpening.objects.filter(review__assignment=OuterRef("assignment")).order_by()
    never_shown = ~_is_any(openings)
    of_csv, of_arm = (_withdrawn_first(snapshots) for snapshots in (_under_layout_of_study(), _under_protocol()))
    would_show = (
        Q(assignment__arm=None, assignment__drawn_by="csv") & of_csv | Q(assignment__arm__isnull=False) & of_arm
    )
    return _withdrawn_once_shown() | never_shown & would_show


def _by_csv() -> Q:
    from experiments.models.allocation import AssignmentDisclosure
    from experiments.models.questionnaire import QuestionnaireVersion

    rows = AssignmentDisclosure.objects.filter(
        assignment=OuterRef("assignment"), stage_position=OuterRef("stage_position")
    )
    asked = QuestionnaireVersion.objects.filter(questionnaire__experiment=OuterRef(_STUDY), questions__position=1)
    by_csv = Q(assignment__drawn_by="csv", assignment__arm=None)
    return by_csv & Q(Exists(rows.order_by())) & Q(Exists(asked.order_by())) & _is_there(_under_layout_of_study())


def _in_arm() -> Q:
    from experiments.models.design import ProtocolStage

    stage = ProtocolStage.objects.filter(
        protocol=OuterRef(f"{_STUDY}__protocol"), arm=OuterRef("assignment__arm"), position=OuterRef("stage_position")
    )
    in_arm = Q(assignment__arm__isnull=False, stage_position=1)
    return in_arm & Q(Exists(stage.order_by())) & _is_there(_under_protocol())


def _in_arm_again() -> Q:
    """A later stage shows the snapshot of the stage before, under the protocol of that one."""
    return Q(assignment__arm__isnull=False, stage_position__gt=1) & ~_withdrawn_once_shown()


def _withdrawn_once_shown() -> Q:
    """A stage of the assignment has shown what was withdrawn since."""
    from experiments.models.review import ReviewOpening

    withdrawn = ReviewOpening.objects.filter(
        review__assignment=OuterRef("assignment"), snapshot__redacted_at__isnull=False
    )
    return _is_any(withdrawn.order_by())


def _under_layout_of_study() -> QuerySet[CaseSnapshot]:
    return under_layout(case=OuterRef("assignment__case"), layout=OuterRef(f"{_STUDY}__layout"))


def _under_protocol() -> QuerySet[CaseSnapshot]:
    layout_version = OuterRef(f"{_STUDY}__protocol__layout_version")
    return under_version(case=OuterRef("assignment__case"), layout_version=layout_version)


def _is_there(snapshots: QuerySet[CaseSnapshot]) -> Q:
    """The first of them is there, and was not withdrawn."""
    return _first(snapshots, Q(redacted_at=None))


def _withdrawn_first(snapshots: QuerySet[CaseSnapshot]) -> Q:
    """The first of them is there, and was withdrawn."""
    return _first(snapshots, Q(redacted_at__isnull=False))


def _is_any(openings: QuerySet[Any]) -> Q:
    """Not EXISTS: PostgreSQL may answer that by hashing every opening there is."""
    return Q(IsNull(Subquery(openings.values("pk")[:1]), False))


def _first(snapshots: QuerySet[CaseSnapshot], condition: Q) -> Q:
    """There is a first one, and it fulfils the condition."""
    holds = Case(When(condition, then=Value(True)), default=Value(False))
    first = Subquery(snapshots.annotate(holds=holds).values("holds")[:1], output_field=BooleanField())
    return Q(Coalesce(first, Value(False)))
