"""Verifying the audit trail as a job, for who has no command line."""

from __future__ import annotations

from typing import Any

from augmed.foundation import audit
from augmed.foundation.jobs import Progress
from augmed.foundation.models import AuditEvent, Job

KIND = "foundation.verify_audit"
MOST_LISTED = 100


def verify_audit(job: Job, progress: Progress) -> dict[str, Any]:
    """Walk the chain; the result says whether it holds, up to which event, and where not (the first 100 places)."""
    last = AuditEvent.objects.order_by("-sequence").values_list("sequence", "hash").first()
    total, last_hash = last or (0, audit.GENESIS)
    broken: list[str] = []
    count = 0
    for link in audit.verify(seen=lambda sequence: progress.update(sequence, total)):
        count += 1
        if len(broken) < MOST_LISTED:
            broken.append(f"Event {link.sequence}: {link.reason}")
    if permits := audit.left_permits():
        count += 1
        broken.append(permits)
    progress.update(total, total, "The chain holds." if not count else f"{count} broken places.", force=True)
    return {"holds": count == 0, "events": total, "last_hash": last_hash, "broken_places": count, "broken": broken}
