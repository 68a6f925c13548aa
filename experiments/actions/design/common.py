"""What the actions on arms and stages share."""

from __future__ import annotations

from typing import Any

from django.db.models import Max

from augmed.foundation import audit
from experiments.models import Experiment


def next_position(rows: Any) -> int:
    """After the last of these arms or stages."""
    return (rows.aggregate(last=Max("position"))["last"] or 0) + 1


def record(action: str, experiment: Experiment, by: Any, target: Any, **data: Any) -> None:
    """The audit event of a change of the design."""
    audit.record(action=action, by=by, target=target, data=data, experiment_id=experiment.pk)
