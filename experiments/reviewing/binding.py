"""What a review binds when it is first opened: snapshot, disclosure set, questionnaire version, attention check and
protocol."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from augmed.foundation.errors import Conflict
from augmed.foundation.prepared import Parameter, Prepared
from cases.models import CaseSnapshot
from experiments.attention import is_due
from experiments.models import (
    Assignment,
    AssignmentDisclosure,
    AttentionCheck,
    DisclosureSet,
    ProtocolStage,
    ProtocolVersion,
    ReviewOpening,
    Stage,
)
from experiments.models.shown_snapshots import under_layout, under_version_again
from experiments.reviewing.disclosed_text import Contents, in_order, node_rows
from experiments.reviewing.review_state import ReviewState, newest_versions


@dataclass(frozen=True, slots=True)
class Binding:
    """Everything found in one statement; `already` when another request has opened the review meanwhile."""

    contents: Contents
    snapshot_id: int
    disclosure_set_id: int
    version_id: int
    version_public_id: uuid.UUID
    version_frozen_at: datetime | None
    attention_check_id: int | None
    protocol_id: int | None
    not_before_days: int
    already: bool
    layout_rules: dict[str, Any]


def resolve(state: ReviewState) -> Binding:
    """What the review binds now. Conflict names what is missing. One statement.

    A later stage stays under the protocol that its first stage bound: amendments reach only what is not opened. A
    preview as a participant shows what that participant has opened as it was opened; a preview without an arm shows
    the working design."""
    rows, protocol_id = _as_bound_before(state) or _as_ruled_now(state)
    if not rows:
        raise Conflict(
            _("It is not settled yet what this case shows. Please tell the study team."), code="not_prepared"
        )
    return _binding(state, dict(zip(_COLUMNS, rows[0], strict=False)), protocol_id)


_Found = tuple[list[tuple[Any, ...]], int | None]


def _as_bound_before(state: ReviewState) -> _Found | None:
    if state.preview_of_id is None:
        return None
    rows = _AS_OPENED.rows(**_ids(state), enrolment=state.preview_of_id, place=state.position)
    return (rows, rows[0][-1]) if rows else None


def _as_ruled_now(state: ReviewState) -> _Found:
    protocol_id = state.previous_protocol_id or state.protocol_id
    ids, assignment = _ids(state), {"assignment": state.assignment_id}
    study = {"experiment": state.experiment_id, "layout": state.layout_id}
    in_arm = {**ids, "protocol": protocol_id, "arm": state.arm_id}
    by_csv = state.drawn_by == Assignment.DrawnBy.CSV
    has_arm = state.arm_id is not None and protocol_id is not None
    if by_csv and has_arm:
        return _BY_CSV_IN_ARM.rows(**in_arm, **assignment), protocol_id
    if by_csv:
        return _BY_CSV.rows(**ids, **study, **assignment), protocol_id
    if has_arm:
        return _BY_PROTOCOL.rows(**in_arm), protocol_id
    if state.is_preview:
        return _BY_WORKING_DESIGN.rows(**ids, **study, **assignment), None
    return [], None


def _ids(state: ReviewState) -> dict[str, int]:
    return {"review": state.pk, "case": state.case_id, "position": state.stage_position}


def _binding(state: ReviewState, row: dict[str, Any], protocol_id: int | None) -> Binding:
    if row["snapshot_id"] is None:
        raise Conflict(_("This case is not ready yet. Please tell the study team."), code="not_prepared")
    if row["version_id"] is None:
        raise Conflict(_("The study has no questions yet. Please tell the study team."), code="no_questionnaire")
    if not row["snapshot_content"]:
        raise Conflict(_("This case was withdrawn and can no longer be shown."), code="redacted")
    contents = Contents(
        snapshot=row["snapshot_content"],
        snapshot_sha256=row["snapshot_sha256"],
        disclosure_set=row["set_content"],
        set_sha256=row["set_sha256"],
        layout_version_id=row["layout_version_id"],
        nodes=in_order(row["nodes"]),
    )
    due = is_due(row["check_every"], position=state.position, stage_position=state.stage_position)
    return Binding(
        contents=contents,
        snapshot_id=row["snapshot_id"],
        disclosure_set_id=row["disclosure_set_id"],
        version_id=row["version_id"],
        version_public_id=row["version_public_id"],
        version_frozen_at=row["version_frozen_at"],
        attention_check_id=row["check_id"] if due else None,
        protocol_id=protocol_id,
        not_before_days=row["not_before_days"] or 0,
        already=row["already"],
        layout_rules=row["layout_rules"] or {},
    )


def _of_protocol(*, review: int, case: int, protocol: int, arm: int, position: int) -> QuerySet[Any, Any]:
    stage = _stage(protocol, arm, position).annotate(
        version_id=F("questionnaire_version_id"),
        version_public_id=F("questionnaire_version__public_id"),
        version_frozen_at=F("questionnaire_version__frozen_at"),
        check_id=F("protocol__attention_check_id"),
        check_every=F("protocol__attention_check__every"),
    )
    return _with_contents(stage, review, _under_protocol(review, case, protocol))


def _of_csv(
    *, review: int, case: int, assignment: int, position: int, experiment: int, layout: int
) -> QuerySet[Any, Any]:
    """The newest rows of the CSV count, the newest questionnaire and attention check, the layout's newest version that
    has a snapshot."""
    newest = newest_versions(experiment)
    check = AttentionCheck.objects.filter(experiment=experiment).order_by("-number")
    rows = _csv_rows(assignment, position).annotate(
        version_id=Subquery(newest.values("pk")[:1]),
        version_public_id=Subquery(newest.values("public_id")[:1]),
        version_frozen_at=Subquery(newest.values("frozen_at")[:1]),
        check_id=Subquery(check.values("pk")[:1]),
        check_every=Subquery(check.values("every")[:1]),
        not_before_days=Value(0),
    )
    return _with_contents(rows, review, under_layout(case=case, layout=layout))


def _of_csv_in_arm(
    *, review: int, case: int, assignment: int, position: int, protocol: int, arm: int
) -> QuerySet[Any, Any]:
    """The newest rows of the CSV say what is shown, where there are none the arm; all else is the arm's, by the
    protocol."""
    stage = _stage(protocol, arm, position)
    of_csv, of_arm = (
        Subquery(found.values("disclosure_set")[:1]) for found in (_csv_rows(assignment, position), stage)
    )
    sets = DisclosureSet.objects.filter(pk=Coalesce(of_csv, of_arm)).annotate(
        disclosure_set_id=F("pk"),
        version_id=Subquery(stage.values("questionnaire_version_id")[:1]),
        version_public_id=Subquery(stage.values("questionnaire_version__public_id")[:1]),
        version_frozen_at=Subquery(stage.values("questionnaire_version__frozen_at")[:1]),
        check_id=Subquery(stage.values("protocol__attention_check_id")[:1]),
        check_every=Subquery(stage.values("protocol__attention_check__every")[:1]),
        not_before_days=Subquery(stage.values("not_before_days")[:1]),
    )
    return _with_contents(sets, review, _under_protocol(review, case, protocol), disclosure_set="")


def _of_working_design(
    *, review: int, case: int, assignment: int, position: int, experiment: int, layout: int
) -> QuerySet[Any, Any]:
    """The sets as they were when the preview was begun, which names the arm in words so that the arm can still be
    removed; all else as it stands now."""
    named = {"arm__experiment": experiment, "arm__key": OuterRef(OuterRef("policy"))}
    stage = Stage.objects.filter(**named, position=position).order_by()
    newest = newest_versions(experiment).filter(questionnaire=Subquery(stage.values("questionnaire")[:1]))
    check = AttentionCheck.objects.filter(experiment=experiment).order_by("-number")
    rows = _csv_rows(assignment, position).annotate(
        version_id=Subquery(newest.values("pk")[:1]),
        version_public_id=Subquery(newest.values("public_id")[:1]),
        version_frozen_at=Subquery(newest.values("frozen_at")[:1]),
        check_id=Subquery(check.values("pk")[:1]),
        check_every=Subquery(check.values("every")[:1]),
        not_before_days=Value(0),
    )
    return _with_contents(rows, review, under_layout(case=case, layout=layout))


def _as_opened(*, review: int, case: int, position: int, enrolment: int, place: int) -> QuerySet[Any, Any]:
    """What somebody's own review of this case at this stage has bound."""
    opening = ReviewOpening.objects.filter(
        review__stage_position=position,
        review__assignment__enrolment=enrolment,
        review__assignment__case=case,
        review__assignment__position=place,
    ).order_by()

    def bound(field: str) -> Subquery:
        return Subquery(opening.values(field)[:1])

    sets = DisclosureSet.objects.filter(pk=bound("disclosure_set")).annotate(
        disclosure_set_id=F("pk"),
        version_id=bound("questionnaire_version"),
        version_public_id=bound("questionnaire_version__public_id"),
        version_frozen_at=bound("questionnaire_version__frozen_at"),
        check_id=bound("attention_check"),
        check_every=bound("attention_check__every"),
        not_before_days=Value(0),
        bound_protocol=bound("protocol"),
    )
    snapshots = CaseSnapshot.objects.filter(pk=bound("snapshot")).order_by()
    return _with_contents(sets, review, snapshots, disclosure_set="", also=("bound_protocol",))


def _stage(protocol: int, arm: int, position: int) -> QuerySet[ProtocolStage]:
    return ProtocolStage.objects.filter(protocol=protocol, arm=arm, position=position).order_by("pk")


def _csv_rows(assignment: int, position: int) -> QuerySet[AssignmentDisclosure]:
    rows = AssignmentDisclosure.objects.filter(assignment=assignment, stage_position=position)
    return rows.order_by("-pk")


def _under_protocol(review: int, case: int, protocol: int) -> QuerySet[CaseSnapshot]:
    layout_version = ProtocolVersion.objects.filter(pk=protocol).values("layout_version")
    return under_version_again(review=review, case=case, layout_version=Subquery(layout_version))


def _with_contents(
    found: QuerySet[Any, Any],
    review: int,
    snapshots: QuerySet[CaseSnapshot],
    disclosure_set: str = "disclosure_set__",
    also: tuple[str, ...] = (),
) -> QuerySet[Any, Any]:
    """The first row, with its disclosure set (by its path from the row) and the first of the snapshots beside it."""
    # Only a set of one case supplies values, which need the layout's nodes.
    of_a_case = Q(**{f"{disclosure_set}case__isnull": False})
    layout_version = Subquery(snapshots.values("layout_version_id")[:1])
    return found.annotate(
        set_content=F(f"{disclosure_set}content"),
        set_sha256=F(f"{disclosure_set}sha256"),
        snapshot_id=Subquery(snapshots.values("pk")[:1]),
        snapshot_sha256=Subquery(snapshots.values("sha256")[:1]),
        snapshot_content=Subquery(snapshots.values("content")[:1]),
        layout_version_id=layout_version,
        layout_rules=Subquery(snapshots.values("layout_version__path_rules")[:1]),
        nodes=Case(When(of_a_case, then=node_rows(layout_version))),
        already=Exists(ReviewOpening.objects.filter(review=review)),
    ).values_list(*_COLUMNS, *also)[:1]


_COLUMNS = (
    "version_id",
    "version_public_id",
    "version_frozen_at",
    "check_id",
    "check_every",
    "not_before_days",
    "disclosure_set_id",
    "set_content",
    "set_sha256",
    "snapshot_id",
    "snapshot_sha256",
    "snapshot_content",
    "layout_version_id",
    "layout_rules",
    "nodes",
    "already",
)


def _prepared(build: Callable[..., QuerySet[Any, Any]], *names: str) -> Prepared:
    """All parameters are ids or positions; each has a number of its own as its sample."""
    samples = {name: Parameter(BigIntegerField(), 2_100_000_001 + at) for at, name in enumerate(names)}
    return Prepared(build, **samples)


_BY_PROTOCOL = _prepared(_of_protocol, "review", "case", "protocol", "arm", "position")
_BY_CSV = _prepared(_of_csv, "review", "case", "assignment", "position", "experiment", "layout")
_BY_WORKING_DESIGN = _prepared(_of_working_design, "review", "case", "assignment", "position", "experiment", "layout")
_AS_OPENED = _prepared(_as_opened, "review", "case", "position", "enrolment", "place")
_BY_CSV_IN_ARM = _prepared(_of_csv_in_arm, "review", "case", "assignment", "position", "protocol", "arm")
