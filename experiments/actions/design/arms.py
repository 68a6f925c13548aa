"""The arms of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from augmed.foundation.errors import Conflict, Invalid
from experiments.actions.common import apply_fields, clean, locked, refuse_when_over
from experiments.actions.design.common import next_position, record
from experiments.actions.design.stages import STAGE_FIELDS, new_stage
from experiments.actions.disclosure_sets import resolve_and_store
from experiments.models import Arm, Experiment, ProtocolStage

ARM_FIELDS = frozenset({"name", "description", "weight", "position"})


def add_arm(
    *,
    experiment: Experiment,
    name: str,
    by: Any,
    weight: int = 1,
    stages: Sequence[Mapping[str, Any]] = ({},),
    description: str = "",
) -> Arm:
    """A new arm, after the others. `stages`: one mapping per stage, in order, of name, questionnaire,
    not_before_days, what is hidden until asked (hidden_until_asked, reveal_cost, reveal_cost_unit) and cells (all may
    be left out)."""
    if not stages:
        raise Invalid("An arm has at least one stage.", errors={"stages": ["At least one stage is needed."]})
    with transaction.atomic():
        study = locked(experiment)
        refuse_when_over(study)
        arm = Arm(
            experiment=study,
            position=next_position(study.arms.all()),
            key=_free_key(name, study),
            name=name,
            description=description,
            weight=weight,
        )
        clean(arm)
        arm.save()
        made = [new_stage(arm, position, fields) for position, fields in enumerate(stages, start=1)]
        resolve_and_store(study, made)
        record("arm_added", study, by, arm)
    return arm


def copy_arm(*, arm: Arm, name: str, by: Any) -> Arm:
    """A new arm with the same stages, questionnaires and cells."""
    stages = [
        {name: getattr(stage, name) for name in (*STAGE_FIELDS, "cells")}
        for stage in arm.stages.select_related("questionnaire").order_by("position")
    ]
    return add_arm(
        experiment=arm.experiment,
        name=name,
        by=by,
        weight=arm.weight,
        stages=stages,
        description=arm.description,
    )


def update_arm(*, arm: Arm, by: Any, **fields: Any) -> Arm:
    """Change an arm's name, description, weight or position. Its key never changes."""
    with transaction.atomic():
        study = locked(arm.experiment)
        refuse_when_over(study)
        arm = Arm.objects.get(pk=arm.pk)
        changed = apply_fields(arm, fields, ARM_FIELDS)
        if changed:
            clean(arm)
            arm.save(update_fields=changed)
            record("arm_changed", study, by, arm, fields=changed)
    return arm


def remove_arm(*, arm: Arm, by: Any) -> None:
    """Remove an arm that no protocol version knows. One that was frozen stays for ever: people may be in it."""
    with transaction.atomic():
        study = locked(arm.experiment)
        refuse_when_over(study)
        if ProtocolStage.objects.filter(arm=arm).exists() or arm.assignments.exists():
            raise Conflict("The arm is part of a protocol version: it cannot be removed.", code="arm_is_frozen")
        record("arm_removed", study, by, arm)
        arm.delete()


def _free_key(name: str, experiment: Experiment) -> str:
    """A key made of the name; a number is added where it is taken."""
    stem = slugify(name)[:70] or "arm"
    taken = set(experiment.arms.values_list("key", flat=True))
    candidates = (stem if count == 1 else f"{stem}-{count}" for count in range(1, len(taken) + 2))
    return next(key for key in candidates if key not in taken)
