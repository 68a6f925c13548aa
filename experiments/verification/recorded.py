"""Which redactions and erasures the audit trail knows of."""

from __future__ import annotations

import json
from collections.abc import Collection

from django.db.models import OuterRef, Subquery

from augmed.foundation.models import AuditEvent
from cases.models import CaseSnapshot
from experiments.models import Enrolment


def recorded_redactions(snapshots: Collection[CaseSnapshot]) -> set[int]:
    """Those whose redaction is recorded, with the hash that they have. At most one statement."""
    if not snapshots:
        return set()
    hashes = {str(snapshot.pk): snapshot.sha256 for snapshot in snapshots}
    events = AuditEvent.objects.filter(
        action="snapshot_redacted", target_type=CaseSnapshot._meta.label_lower, target_id__in=list(hashes)
    )
    rows = events.order_by().values_list("target_id", "data")
    return {int(pk) for pk, data in rows if json.loads(data).get("sha256") == hashes[pk]}


def recorded_erasures(enrolments: Collection[int]) -> set[int]:
    """Those whose erasure, or withdrawal with erasure, is recorded; practice is erased with the real enrolment of the
    same person. One statement where each is recorded itself, else at most three."""
    found = _erasures(enrolments)
    practised = _real_enrolments(set(enrolments) - found)
    recorded = _erasures(practised.values())
    return found | {training for training, real in practised.items() if real in recorded}


def _erasures(enrolments: Collection[int]) -> set[int]:
    if not enrolments:
        return set()
    events = AuditEvent.objects.filter(
        action__in=["enrolment_erased", "withdrawn"],
        target_type=Enrolment._meta.label_lower,
        target_id__in=[str(pk) for pk in enrolments],
    )
    rows = events.order_by().values_list("target_id", "action", "data")
    return {
        int(pk) for pk, action, data in rows if action == "enrolment_erased" or json.loads(data)["policy"] == "erase"
    }


def _real_enrolments(trainings: Collection[int]) -> dict[int, int]:
    """Of those that are practice, the real enrolment of the same person in the same study."""
    if not trainings:
        return {}
    same = Enrolment.objects.filter(
        experiment=OuterRef("experiment"), user=OuterRef("user"), kind=Enrolment.Kind.REAL
    ).order_by()
    practice = Enrolment.objects.filter(pk__in=trainings, kind=Enrolment.Kind.TRAINING).order_by()
    rows = practice.annotate(real=Subquery(same.values("pk")[:1])).values_list("pk", "real")
    return {training: real for training, real in rows if real is not None}
