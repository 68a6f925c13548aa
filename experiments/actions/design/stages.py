"""The stages of an arm."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import transaction

from augmed.foundation.errors import Conflict, Invalid
from experiments.actions.common import apply_fields, clean, locked, refuse_when_over
from experiments.actions.design.common import next_position, record
from experiments.actions.disclosure_sets import resolve_and_store
from experiments.models import Arm, ProtocolStage, Stage

STAGE_FIELDS = frozenset(
    {"name", "questionnaire", "not_before_days", "hidden_until_asked", "reveal_cost", "reveal_cost_unit"}
)


def add_stage(*, arm: Arm, by: Any, **fields: Any) -> Stage:
    """One more stage at the end of an arm that no protocol version knows."""
    with transaction.atomic():
        study = locked(arm.experiment)
        refuse_when_over(study)
        _refuse_frozen_stages(arm)
        stage = new_stage(arm, next_position(arm.stages.all()), fields)
        resolve_and_store(study, [stage])
        record("stage_added", study, by, stage)
    return stage


def update_stage(*, stage: Stage, by: Any, **fields: Any) -> Stage:
    """Change a stage's name, questionnaire, timing or hiding (its disclosure: `set_cells`)."""
    with transaction.atomic():
        study = locked(stage.arm.experiment)
        refuse_when_over(study)
        stage = Stage.objects.select_related("arm").get(pk=stage.pk)
        changed = apply_fields(stage, fields, STAGE_FIELDS)
        if changed:
            _clean_stage(stage)
            stage.save(update_fields=changed)
            record("stage_changed", study, by, stage, fields=changed)
    return stage


def remove_stage(*, stage: Stage, by: Any) -> None:
    """Remove the last stage of an arm that no protocol version knows."""
    with transaction.atomic():
        study = locked(stage.arm.experiment)
        refuse_when_over(study)
        _refuse_frozen_stages(stage.arm)
        positions = list(stage.arm.stages.values_list("position", flat=True))
        if len(positions) == 1 or stage.position != max(positions):
            raise Conflict("Only the last of several stages can be removed.", code="not_the_last_stage")
        record("stage_removed", study, by, stage)
        stage.delete()


def new_stage(arm: Arm, position: int, fields: Mapping[str, Any]) -> Stage:
    """A stage of this position, stored. What it discloses is resolved by the action that asked for it."""
    stage = Stage(arm=arm, position=position)
    apply_fields(stage, dict(fields), STAGE_FIELDS | {"cells"})
    _clean_stage(stage)
    stage.save()
    return stage


def _clean_stage(stage: Stage) -> None:
    if stage.questionnaire and stage.questionnaire.experiment_id != stage.arm.experiment_id:
        message = "This questionnaire belongs to another study."
        raise Invalid(message, errors={"questionnaire": [message]})
    cost = stage.reveal_cost
    if isinstance(cost, Decimal) and cost < 0:
        message = "A cost of asking is zero or more."
        raise Invalid(message, errors={"reveal_cost": [message]})
    if cost is not None and not stage.reveal_cost_unit.strip():
        message = "Of what? Readers are told the cost with its unit, for example points."
        raise Invalid(message, errors={"reveal_cost_unit": [message]})
    clean(stage, exclude=("arm",))


def _refuse_frozen_stages(arm: Arm) -> None:
    if ProtocolStage.objects.filter(arm=arm).exists():
        raise Conflict(
            "The arm is part of a protocol version: the number of its stages stays. Add another arm instead.",
            code="arm_is_frozen",
        )
