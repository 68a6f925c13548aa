"""What a review binds when it is first opened: snapshot, disclosure set, questionnaire version and protocol."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Exists, F, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from augmed.foundation.errors import Conflict
from cases.models import CaseSnapshot
from experiments.disclosed_text import Contents, in_order, node_rows
from experiments.models import Assignment, AssignmentDisclosure, ProtocolStage, ProtocolVersion, ReviewOpening
from experiments.review_state import ReviewState, newest_versions


@dataclass(frozen=True, slots=True)
class Binding:
    """Everything found in one statement; `already` when another request has opened the review meanwhile."""

    contents: Contents
    snapshot_id: int
    disclosure_set_id: int
    version_id: int
    version_public_id: uuid.UUID
    version_frozen_at: datetime | None
    protocol_id: int | None
    stage_name: str
    not_before_days: int
    already: bool


def resolve(state: ReviewState) -> Binding:
    """What the review binds now. Conflict names what is missing. One statement.

    A later stage stays under the protocol that its first stage bound: amendments reach only what is not opened."""
    protocol_id = state.previous_protocol_id or state.protocol_id
    row = None
    if state.drawn_by == Assignment.DrawnBy.CSV:
        row = _of_csv(state, protocol_id)
    if row is None and state.arm_id is not None and protocol_id is not None:
        row = _of_protocol(state, protocol_id)
    if row is None:
        raise Conflict("Nothing says yet what this review discloses.", code="not_prepared")
    return _binding(row, protocol_id)


def _binding(row: dict[str, Any], protocol_id: int | None) -> Binding:
    if row["snapshot_id"] is None:
        raise Conflict("The case of this review is not prepared yet.", code="not_prepared")
    if row["version_id"] is None:
        raise Conflict("The study has no questionnaire yet.", code="no_questionnaire")
    if not row["snapshot_content"]:
        raise Conflict("This case was withdrawn and can no longer be shown.", code="redacted")
    contents = Contents(
        snapshot=row["snapshot_content"],
        snapshot_sha256=row["snapshot_sha256"],
        disclosure_set=row["set_content"],
        set_sha256=row["set_sha256"],
        layout_version_id=row["layout_version_id"],
        nodes=in_order(row["nodes"]),
    )
    return Binding(
        contents=contents,
        snapshot_id=row["snapshot_id"],
        disclosure_set_id=row["disclosure_set_id"],
        version_id=row["version_id"],
        version_public_id=row["version_public_id"],
        version_frozen_at=row["version_frozen_at"],
        protocol_id=protocol_id,
        stage_name=row["stage_name"] or "",
        not_before_days=row["not_before_days"] or 0,
        already=row["already"],
    )


def _of_protocol(state: ReviewState, protocol_id: int) -> dict[str, Any] | None:
    return _first(
        _stage(state, protocol_id).annotate(
            version_id=F("questionnaire_version_id"),
            version_public_id=F("questionnaire_version__public_id"),
            version_frozen_at=F("questionnaire_version__frozen_at"),
            stage_name=F("name"),
        ),
        state,
        protocol_id,
    )


def _of_csv(state: ReviewState, protocol_id: int | None) -> dict[str, Any] | None:
    """The newest rows of the CSV count; the questionnaire is the arm's, else the study's newest."""
    rows = AssignmentDisclosure.objects.filter(assignment=state.assignment_id, stage_position=state.stage_position)
    stage = _stage(state, protocol_id)
    newest = newest_versions(state.experiment_id)

    def version(name: str) -> Coalesce | Subquery:
        own = Subquery(newest.values(name)[:1])
        if state.arm_id is None or protocol_id is None:
            return own
        in_stage = When(Exists(stage), then=Subquery(stage.values(f"questionnaire_version__{name}")[:1]))
        return Case(in_stage, default=own, output_field=own.output_field)

    return _first(
        rows.order_by("-pk").annotate(
            version_id=version("pk"),
            version_public_id=version("public_id"),
            version_frozen_at=version("frozen_at"),
            stage_name=Subquery(stage.values("name")[:1]),
            not_before_days=Subquery(stage.values("not_before_days")[:1]),
        ),
        state,
        protocol_id,
    )


def _stage(state: ReviewState, protocol_id: int | None) -> QuerySet[ProtocolStage]:
    found = ProtocolStage.objects.filter(protocol=protocol_id, arm=state.arm_id, position=state.stage_position)
    return found.order_by("pk")


def _first(found: QuerySet[Any], state: ReviewState, protocol_id: int | None) -> dict[str, Any] | None:
    """The first row, with the disclosure set and the snapshot beside it."""
    snapshots = _snapshots(state, protocol_id)
    of_a_case = Q(disclosure_set__case__isnull=False)  # only such a set supplies values, which need the layout's nodes
    layout_version = Subquery(snapshots.values("layout_version_id")[:1])
    return (
        found.annotate(
            set_content=F("disclosure_set__content"),
            set_sha256=F("disclosure_set__sha256"),
            snapshot_id=Subquery(snapshots.values("pk")[:1]),
            snapshot_sha256=Subquery(snapshots.values("sha256")[:1]),
            snapshot_content=Subquery(snapshots.values("content")[:1]),
            layout_version_id=layout_version,
            nodes=Case(When(of_a_case, then=node_rows(layout_version))),
            already=Exists(ReviewOpening.objects.filter(review=state.pk)),
        )
        .values(*_COLUMNS)
        .first()
    )


_COLUMNS = (
    "version_id",
    "version_public_id",
    "version_frozen_at",
    "stage_name",
    "not_before_days",
    "disclosure_set_id",
    "set_content",
    "set_sha256",
    "snapshot_id",
    "snapshot_sha256",
    "snapshot_content",
    "layout_version_id",
    "nodes",
    "already",
)


def _snapshots(state: ReviewState, protocol_id: int | None) -> QuerySet[CaseSnapshot]:
    """Of the case: current first, under the protocol's layout version, else under the study's newest that has one."""
    snapshots = CaseSnapshot.objects.filter(case=state.case_id)
    if protocol_id is not None:
        layout_version = ProtocolVersion.objects.filter(pk=protocol_id).values("layout_version")
        return snapshots.filter(layout_version=Subquery(layout_version)).order_by("-number")
    return snapshots.filter(layout_version__layout=state.layout_id).order_by("-layout_version__number", "-number")
