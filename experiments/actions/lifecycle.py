"""The life of a study: draft, active, paused, completed, archived; and the amendments of a running one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction

from augmed.foundation import audit
from augmed.foundation.errors import Conflict, Invalid
from experiments.actions.allocation_requests import draw_or_ask
from experiments.actions.common import locked
from experiments.actions.disclosure_sets import resolve_and_store
from experiments.actions.freezing import freeze
from experiments.design.readiness import ActivationProblem, activation_problems, amendment_problems
from experiments.models import Experiment, ExperimentTransition, ProtocolVersion

__all__ = [
    "ActivationProblem",
    "activate",
    "activation_problems",
    "amend",
    "archive",
    "complete",
    "pause",
    "resume",
    "set_status",
]

Status = Experiment.Status
TRANSITIONS: dict[str, frozenset[str]] = {
    Status.DRAFT: frozenset({Status.ACTIVE, Status.ARCHIVED}),
    Status.ACTIVE: frozenset({Status.PAUSED, Status.COMPLETED}),
    Status.PAUSED: frozenset({Status.ACTIVE, Status.COMPLETED}),
    Status.COMPLETED: frozenset({Status.ARCHIVED}),
    Status.ARCHIVED: frozenset(),
}


def activate(
    *, experiment: Experiment, by: Any, reason: str = "", confirmed: Collection[str] = frozenset()
) -> Experiment:
    """Freeze protocol version 1, begin, and draw for those who are enrolled already.

    `confirmed` holds the codes of the confirmable problems that the researcher accepts; any other problem refuses."""
    with transaction.atomic():
        study = locked(experiment, alone=True)
        if study.status != Status.DRAFT:
            raise Conflict(f"Only a draft is activated; this study is {study.get_status_display()}.")
        resolve_and_store(study)
        _refuse(activation_problems(study), confirmed)
        study.protocol = freeze(study, number=1, reason=reason, by=by)
        study.save(update_fields=["protocol"])
        _move(study, Status.ACTIVE, reason, by)
        runs = draw_or_ask(study, by=by, triggered_by="activation")
        _record(study, "experiment_activated", by, reason, confirmed=sorted(confirmed), draws=len(runs))
    experiment.refresh_from_db()
    return experiment


def pause(*, experiment: Experiment, by: Any, reason: str) -> Experiment:
    """Nobody opens or answers anything until the study is resumed."""
    return _step(experiment, Status.PAUSED, "experiment_paused", reason, by)


def resume(*, experiment: Experiment, by: Any, reason: str = "") -> Experiment:
    """Go on, and draw for those who joined meanwhile."""
    if experiment.status == Status.DRAFT:
        raise Conflict("A draft is activated, not resumed.")
    return _step(experiment, Status.ACTIVE, "experiment_resumed", reason, by, needs_reason=False)


def complete(*, experiment: Experiment, by: Any, reason: str) -> Experiment:
    """Close the study: what was not answered stays unanswered."""
    return _step(experiment, Status.COMPLETED, "experiment_completed", reason, by)


def archive(*, experiment: Experiment, by: Any, reason: str) -> Experiment:
    """Put a completed study, or a draft given up, away."""
    return _step(experiment, Status.ARCHIVED, "experiment_archived", reason, by)


def set_status(
    *, experiment: Experiment, to: str, by: Any, reason: str, confirmed: Collection[str] = frozenset()
) -> Experiment:
    """Activate, pause, resume, complete or archive: what leads to the status `to`, with that step's refusals."""
    if to == Status.ACTIVE and experiment.status == Status.DRAFT:
        return activate(experiment=experiment, by=by, reason=reason, confirmed=confirmed)
    if confirmed:
        message = "Only the first activation takes confirmations."
        raise Invalid(message, errors={"confirmed": [message]})
    steps = {Status.ACTIVE: resume, Status.PAUSED: pause, Status.COMPLETED: complete, Status.ARCHIVED: archive}
    return steps[Status(to)](experiment=experiment, by=by, reason=reason)


def amend(*, experiment: Experiment, by: Any, reason: str, confirmed: Collection[str] = frozenset()) -> ProtocolVersion:
    """Freeze the working design as the next protocol version.

    It reaches only assignments of which no stage has been opened: an opening binds the study's protocol of that
    moment, and the later stages of an assignment follow the protocol that its first stage bound. Cases new in the list
    are drawn for everybody who takes part; cases taken from it are not drawn any more, but drawn assignments stand."""
    _need_reason(reason)
    with transaction.atomic():
        study = locked(experiment, alone=True)
        if study.protocol is None or study.status not in {Status.ACTIVE, Status.PAUSED}:
            raise Conflict("Only an active or paused study with a protocol is amended.", code="not_running")
        resolve_and_store(study)
        _refuse([*activation_problems(study), *amendment_problems(study)], confirmed)
        protocol = freeze(study, number=study.protocol.number + 1, reason=reason, by=by)
        study.protocol = protocol
        study.save(update_fields=["protocol"])
        draw_or_ask(study, by=by, triggered_by="amendment")
        _record(
            study,
            "experiment_amended",
            by,
            reason,
            protocol=protocol.number,
            sha256=protocol.sha256,
            confirmed=sorted(confirmed),
        )
    experiment.refresh_from_db()
    return protocol


def _step(
    experiment: Experiment, to: str, action: str, reason: str, by: Any, *, needs_reason: bool = True
) -> Experiment:
    if needs_reason:
        _need_reason(reason)
    with transaction.atomic():
        study = locked(experiment, alone=True)
        _move(study, to, reason, by)
        if to == Status.ACTIVE:
            draw_or_ask(study, by=by, triggered_by="resumption")
        _record(study, action, by, reason)
    experiment.refresh_from_db()
    return experiment


def _move(study: Experiment, to: str, reason: str, by: Any) -> None:
    if to not in TRANSITIONS[study.status]:
        raise Conflict(f"A study that is {study.status} cannot become {to}.", code="no_such_transition")
    if study.kind == Experiment.Kind.CONFIGS and to in {Status.COMPLETED, Status.ARCHIVED}:
        raise Conflict("The study of the display configs stays open.", code="display_configs_stay_open")
    ExperimentTransition.objects.create(experiment=study, from_status=study.status, to_status=to, reason=reason, by=by)
    study.status = to
    study.save(update_fields=["status"])


def _refuse(problems: list[ActivationProblem], confirmed: Collection[str]) -> None:
    """Invalid with every problem that is neither absent nor confirmed, by code."""
    left = [problem for problem in problems if not (problem.confirmable and problem.code in confirmed)]
    if not left:
        return
    errors: dict[str, list[str]] = {}
    for problem in left:
        errors.setdefault(problem.code, []).append(problem.message)
    only_to_confirm = all(problem.confirmable for problem in left)
    raise Invalid(
        " ".join(problem.message for problem in left),
        code="needs_confirmation" if only_to_confirm else "not_ready",
        errors=errors,
    )


def _need_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("Say why.", errors={"reason": ["A reason is needed."]})


def _record(study: Experiment, action: str, by: Any, reason: str, **data: Any) -> None:
    audit.record(action=action, by=by, target=study, data={"reason": reason, **data}, experiment_id=study.pk)
