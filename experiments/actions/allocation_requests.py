"""A draw that somebody asked for: written down at once, carried out by a job, told by that job's state."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction
from django.db.models import Sum

from augmed.foundation import audit, jobs
from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.jobs import Progress
from augmed.foundation.models import Job
from experiments.actions.allocation import allocate_pending, draw_pending, left_to_draw
from experiments.actions.common import locked
from experiments.design.protocol import FrozenProtocol
from experiments.models import AllocationRequest, AllocationRun, Experiment, Submission

KIND = "experiments.allocate"
LONGEST_TRIGGER = 50
LONGEST_PARAMETERS = 20_000
LARGE = 20_000
"""More assignments than these are drawn by a job: a page that drew them would keep people waiting, and be cut off."""


def register() -> None:
    jobs.register(KIND, carry_out)


def request_allocation(
    *, experiment: Experiment, by: Any, triggered_by: str = "manual", parameters: Any = None
) -> AllocationRequest:
    """Ask for a draw of what has no assignment yet. A job begins it once this is committed.

    `parameters` are kept as they came, for the asker's own records; the study's protocol alone decides."""
    trigger = triggered_by.strip() or "manual"
    if len(trigger) > LONGEST_TRIGGER:
        message = f"'triggered_by' has at most {LONGEST_TRIGGER} characters."
        raise Invalid(message, errors={"triggered_by": [message]})
    text = _parameters_text(parameters)
    with transaction.atomic():
        study = locked(experiment)
        if study.status != Experiment.Status.ACTIVE:
            raise Conflict(f"Cannot create run for experiment in '{study.status}' status", code="not_active")
        request = AllocationRequest.objects.create(
            experiment=study,
            job=jobs.create(kind=KIND, parameters={}, by=by, experiment_id=study.pk),
            triggered_by=trigger,
            parameters=text,
            answers_before=_answers(study),
            created_by=by,
        )
        audit.record(
            action="allocation_requested",
            by=by,
            target=request,
            data={"triggered_by": trigger},
            experiment_id=study.pk,
        )
    return request


def draw_or_ask(study: Experiment, *, by: Any, triggered_by: str) -> list[AllocationRun]:
    """Draw for everybody who waits, or, where that is much, ask for it; then nothing is drawn yet.

    For actions that hold the study's lock and record their own audit event. Who is drawn alone in the meantime gets
    the arms that the job would have drawn: they depend on the arrival, not on the moment."""
    if study.status == Experiment.Status.ACTIVE and left_to_draw(study) > LARGE:
        request_allocation(experiment=study, by=by, triggered_by=triggered_by)
        return []
    return draw_pending(study, by=by, triggered_by=triggered_by)


def is_being_drawn(experiment: Experiment) -> bool:
    """Whether a draw that was asked for is not over. One statement."""
    waiting = (Job.Status.QUEUED, Job.Status.RUNNING)
    return AllocationRequest.objects.filter(experiment=experiment, job__status__in=waiting).exists()


def carry_out(job: Job, progress: Progress) -> dict[str, Any]:
    """Draw for the request of this job. Killed before the draw is committed it draws when run again; after that, it
    finds nothing left and reports what was drawn for this request."""
    request = AllocationRequest.objects.select_related("experiment__protocol", "created_by").get(job=job)
    runs = allocate_pending(
        experiment=request.experiment, by=request.created_by, triggered_by=request.triggered_by, request=request
    )
    drawn = AllocationRun.objects.filter(request=request)
    if not runs and not drawn.exists():
        _refuse_unless_active(request.experiment)
    return {"configs_generated": drawn.aggregate(total=Sum("assignment_count"))["total"] or 0, **_rule(request, drawn)}


def _refuse_unless_active(experiment: Experiment) -> None:
    """Nothing was drawn: that is only an answer where something could have been."""
    experiment.refresh_from_db(fields=["status"])
    if experiment.status != Experiment.Status.ACTIVE:
        raise Conflict(f"The study has become {experiment.status} before the draw.", code="not_active")


def _rule(request: AllocationRequest, drawn: Any) -> dict[str, Any]:
    """What decided: the rule of the draws, and how many answers it looked at. None for a rule that looks at none."""
    run = drawn.order_by("-pk").first()
    protocol = request.experiment.protocol
    if run is not None:
        answers = request.answers_before if run.posterior else None
        return {"rule": run.rule, "rule_version": run.rule_version, "answers_consumed": answers}
    if protocol is None:  # display configs: given by files, never drawn
        return {"rule": None, "rule_version": None, "answers_consumed": None}
    frozen = FrozenProtocol.of(protocol)
    return {"rule": frozen.rule, "rule_version": frozen.rule_version, "answers_consumed": None}


def _answers(study: Experiment) -> int:
    reviews = {"review__assignment__enrolment__experiment": study, "review__assignment__enrolment__kind": "real"}
    return Submission.objects.filter(**reviews).count()


def _parameters_text(parameters: Any) -> str:
    """JSON with sorted keys. Not `canonical_json`: the numbers are the asker's own, fractions included."""
    if parameters is None:
        return ""
    try:
        text = json.dumps(parameters, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except ValueError as error:  # 1e999 is JSON, and infinite
        message = "'run_params' holds a number that is not finite."
        raise Invalid(message, errors={"run_params": [message]}) from error
    if len(text) > LONGEST_PARAMETERS:
        message = f"'run_params' has at most {LONGEST_PARAMETERS:,} characters."
        raise Invalid(message, errors={"run_params": [message]})
    return text
