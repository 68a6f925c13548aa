"""Long work on cases, as handlers of jobs."""

from typing import Any

from augmed.foundation import jobs
from augmed.foundation.errors import Invalid
from augmed.foundation.models import Job
from cases.actions import put_forward
from cases.models import PageLayout

PUT_FORWARD = "cases.put_forward"
MOST_REFUSED_KEPT = 1_000


def put_forward_job(job: Job, progress: jobs.Progress) -> dict[str, Any]:
    """Parameters: `visit_ids`, and `layout_id` or none for the default layout;
    `snapshots` false to make cases only. Safe to run again."""
    layout_id = job.parameters.get("layout_id")
    layout = PageLayout.objects.filter(pk=layout_id).first() if layout_id is not None else None
    if layout_id is not None and layout is None:
        raise Invalid(f"There is no layout {layout_id}.")
    result = put_forward(
        visit_ids=job.parameters["visit_ids"],
        by=job.created_by,
        layout=layout,
        snapshots=job.parameters.get("snapshots", True),
        progress=lambda done, total: progress.update(done, total, f"{done} of {total} visits"),
    )
    return {
        "created": len(result.created),
        "kept": len(result.kept),
        "refused": len(result.refused),
        "reasons": [[visit_id, reason] for visit_id, reason in result.refused[:MOST_REFUSED_KEPT]],
    }


def register() -> None:
    jobs.register(PUT_FORWARD, put_forward_job)
