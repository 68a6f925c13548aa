"""Snapshots of cases: built in chunks, rebuilt as a new number, redacted. Nothing else ever changes one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import CharField, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from augmed.foundation import audit
from augmed.foundation.append_only import erasing
from augmed.foundation.canonical import canonical_json, sha256_hex
from augmed.foundation.errors import Conflict, Invalid
from cases.building.assemble import BuiltCase, FeatureSource
from cases.building.reading import CHUNK, build_cases, read_plan
from cases.building.spec import Plan
from cases.layouts.checks import problems_of
from cases.layouts.reading import layout_content
from cases.models import Case, CaseSnapshot, LayoutVersion, SnapshotFeature
from cases.signals import snapshot_redacted
from cases.tree import SCHEMA_VERSION, Tree, features, to_json

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SnapshotsBuilt:
    """How many snapshots a run made, and how many cases had theirs already."""

    created: int
    kept: int


def build_snapshot(*, case: Case, layout_version: LayoutVersion, by: Any) -> CaseSnapshot:
    """The case's snapshot under this layout version, built if there is none yet.

    One that exists is kept whatever happened to the OMOP rows since: see `rebuild_snapshot`."""
    build_snapshots(cases=[case], layout_version=layout_version, by=by)
    return CaseSnapshot.objects.filter(case=case, layout_version=layout_version).order_by("-number")[0]


def build_snapshots(
    *,
    cases: Iterable[Case],
    layout_version: LayoutVersion,
    by: Any,
    progress: Progress | None = None,
) -> SnapshotsBuilt:
    """Build the snapshots that these cases lack. One transaction and a constant number of queries per chunk, so a
    run that was stopped can be repeated. `progress` gets cases done and in all."""
    ids = list(cases.values_list("pk", flat=True)) if isinstance(cases, QuerySet) else [case.pk for case in cases]
    plan = checked_plan(layout_version)
    created = 0
    for done, chunk in _chunks(ids):
        with transaction.atomic():
            listed = list(Case.objects.filter(pk__in=chunk))
            made = build_missing(cases=listed, layout_version=layout_version, plan=plan, by=by)
            if made:
                _record_built(made, layout_version, by)
        created += len(made)
        if progress is not None:
            progress(done, len(ids))
    return SnapshotsBuilt(created, len(ids) - created)


def rebuild_snapshot(*, case: Case, layout_version: LayoutVersion, by: Any) -> CaseSnapshot:
    """Build anew from the OMOP rows of now; the next number where the content differs, else the newest as it is.

    Reviews keep the snapshot they were given."""
    plan = checked_plan(layout_version)
    with transaction.atomic():
        lock_and_freeze(layout_version)
        newest = CaseSnapshot.objects.filter(case=case, layout_version=layout_version).order_by("-number").first()
        _, built = next(iter(build_cases(plan, _of_visits([case]))))
        made = _snapshot(case, layout_version, built.tree, built.sources, newest.number + 1 if newest else 1, by)
        if newest is not None and newest.sha256 == made.sha256:
            return newest
        _store([(made, built.tree)])
        audit.record(
            action="snapshot_rebuilt",
            by=by,
            target=case,
            data={"snapshot": made.pk, "number": made.number, "layout_version": layout_version.pk},
        )
    return made


def redact_snapshot(*, snapshot: CaseSnapshot, reason: str, by: Any) -> None:
    """Blank what the snapshot holds; its hash, its times, who and why stay. There is no way back."""
    if not reason.strip():
        raise Invalid("Say why the snapshot is redacted.", errors={"reason": ["This field is required."]})
    with transaction.atomic():
        # Openings, which only refer to it, are not held up: they hold their enrolments' locks, which come after this.
        held = CaseSnapshot.objects.select_for_update(no_key=True).get(pk=snapshot.pk)
        if held.redacted_at is not None:
            raise Conflict("The snapshot is already redacted.")
        with erasing():
            CaseSnapshot.objects.filter(pk=held.pk).update(content="", sources="", redacted_at=timezone.now())
            # A label split from text is a patient's own data, in the label as in the discriminator.
            number = Cast("position", output_field=CharField())
            SnapshotFeature.objects.filter(snapshot=held).update(
                label="", discriminator=Concat(Value("redacted:"), number), entry_count=0
            )
        snapshot_redacted.send(CaseSnapshot, snapshot=held, by=by)  # may wait for locks, so before the audit trail's
        audit.record(
            action="snapshot_redacted",
            by=by,
            target=held,
            data={"case": held.case_id, "number": held.number, "sha256": held.sha256, "reason": reason.strip()},
        )
    snapshot.refresh_from_db()


def checked_plan(version: LayoutVersion) -> Plan:
    """The layout's plan; Invalid where the version, a draft perhaps, is not fit to build from."""
    if version.frozen_at is None and (problems := problems_of(layout_content(version))):
        raise Invalid(
            f"The layout {version} is not complete: {problems[0]}",
            errors={problem.key or "layout": [problem.message] for problem in problems},
        )
    return read_plan(version)


def lock_and_freeze(version: LayoutVersion) -> None:
    """Make the version immutable from its first snapshot on. The lock keeps two builders from doing one case twice."""
    held = LayoutVersion.objects.select_for_update().get(pk=version.pk)
    if held.frozen_at is None:
        held.frozen_at = timezone.now()
        held.save(update_fields=["frozen_at"])
    version.frozen_at = held.frozen_at


def build_missing(*, cases: Sequence[Case], layout_version: LayoutVersion, plan: Plan, by: Any) -> list[CaseSnapshot]:
    """Build and store what one chunk of cases lacks, in the caller's transaction."""
    lock_and_freeze(layout_version)
    ids = [case.pk for case in cases]
    have = set(
        CaseSnapshot.objects.filter(layout_version=layout_version, case__in=ids).values_list("case_id", flat=True)
    )
    lacking = [case for case in cases if case.pk not in have]
    if not lacking:
        return []
    built = build_cases(plan, _of_visits(lacking))
    made = [(_made(case, layout_version, result, by), result.tree) for case, result in built]
    _store(made)
    return [snapshot for snapshot, _ in made]


def store_tree(*, case: Case, layout_version: LayoutVersion, tree: Tree, by: Any) -> CaseSnapshot:
    """Store a tree made by hand as the case's first snapshot, in the caller's transaction."""
    lock_and_freeze(layout_version)
    snapshot = _snapshot(case, layout_version, tree, (), 1, by)
    _store([(snapshot, tree)])
    return snapshot


def _of_visits(cases: Sequence[Case]) -> Sequence[Case]:
    if by_hand := [case.number for case in cases if case.person_id is None]:
        numbers = ", ".join(map(str, by_hand[:10]))
        raise Conflict(f"Made by hand, without a visit to build from: case {numbers}.", code="case_made_by_hand")
    return cases


def _made(case: Case, version: LayoutVersion, built: BuiltCase, by: Any) -> CaseSnapshot:
    return _snapshot(case, version, built.tree, built.sources, 1, by)


def _snapshot(
    case: Case, version: LayoutVersion, tree: Tree, sources: Sequence[FeatureSource], number: int, by: Any
) -> CaseSnapshot:
    content = canonical_json(to_json(tree))
    rows = [
        {"key": s.node_key, "discriminator": s.discriminator, "table": s.table, "rows": list(s.row_ids)}
        for s in sources
        if s.row_ids
    ]
    return CaseSnapshot(
        case=case,
        layout_version=version,
        number=number,
        schema_version=SCHEMA_VERSION,
        index_at=case.index_at.isoformat(timespec="seconds") if case.index_at else "",
        content=content,
        sha256=sha256_hex(content),
        sources=canonical_json(rows),
        created_by=by,
    )


def _store(made: Sequence[tuple[CaseSnapshot, Tree]]) -> None:
    CaseSnapshot.objects.bulk_create([snapshot for snapshot, _ in made])
    SnapshotFeature.objects.bulk_create(
        SnapshotFeature(
            snapshot=snapshot,
            position=position,
            node_key=feature.node_key,
            discriminator=feature.discriminator,
            label=feature.label[:1000],
            entry_count=len(feature.entries),
        )
        for snapshot, tree in made
        for position, (feature, _) in enumerate(features(tree))
    )


def _record_built(made: Sequence[CaseSnapshot], version: LayoutVersion, by: Any) -> None:
    audit.record(
        action="snapshots_built",
        by=by,
        target=version,
        data={"cases": [snapshot.case_id for snapshot in made]},
    )


def _chunks(ids: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Chunks of ids, each with how many are done after it."""
    iterator, done = iter(dict.fromkeys(ids)), 0
    while chunk := list(islice(iterator, CHUNK)):
        done += len(chunk)
        yield done, chunk
