"""The working design of a study. In a running study a change takes effect with the next amendment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.text import slugify

from augmed.foundation import audit
from augmed.foundation.errors import Conflict, Invalid
from cases.models import Case, PageLayout
from experiments.actions.attention_checks import begin_with_default
from experiments.actions.common import apply_fields, clean, locked, refuse_when_over
from experiments.actions.disclosure_sets import disclosure_set_for, resolve_and_store, set_cells
from experiments.actions.roles import grant_role
from experiments.models import Arm, Experiment, ProtocolStage, Stage, StudyCase, StudyRole

__all__ = [
    "add_arm",
    "add_stage",
    "copy_arm",
    "create_experiment",
    "disclosure_set_for",
    "remove_arm",
    "remove_stage",
    "resolve_and_store",
    "set_case_list",
    "set_cells",
    "update_arm",
    "update_experiment",
    "update_stage",
]

EXPERIMENT_FIELDS = frozenset(
    {
        "name",
        "description",
        "instructions",
        "layout",
        "allocation_rule",
        "case_order",
        "block_multiples",
        "strata",
        "person_once",
        "consent_required",
        "intake_questionnaire",
        "training_arm",
        "withdrawal_policy",
    }
)
ARM_FIELDS = frozenset({"name", "description", "weight", "position"})
STAGE_FIELDS = frozenset(
    {"name", "questionnaire", "not_before_days", "hidden_until_asked", "reveal_cost", "reveal_cost_unit"}
)


def create_experiment(*, name: str, by: Any, **fields: Any) -> Experiment:
    """A new study in draft, with AugMed's attention check; whoever makes it is its lead. Without a layout it has the
    default one."""
    with transaction.atomic():
        fields.setdefault("layout", PageLayout.objects.default())
        experiment = Experiment(created_by=by)
        apply_fields(experiment, {"name": name, **fields}, EXPERIMENT_FIELDS)
        _clean_experiment(experiment)
        experiment.save()
        begin_with_default(experiment, by=by)
        if by is not None:
            grant_role(user=by, experiment=experiment, role=StudyRole.Role.LEAD, by=by)
        audit.record(action="experiment_created", by=by, target=experiment, experiment_id=experiment.pk)
    return experiment


def update_experiment(*, experiment: Experiment, by: Any, **fields: Any) -> Experiment:
    """Change the study's own fields. A new layout resolves every stage anew."""
    with transaction.atomic():
        study = locked(experiment)
        refuse_when_over(study)
        changed = apply_fields(study, fields, EXPERIMENT_FIELDS)
        if not changed:
            return study
        if study.kind == Experiment.Kind.PROTOCOL and study.protocol_id and "allocation_rule" in changed:
            raise Conflict("The allocation rule of an activated study stays.", code="rule_is_frozen")
        if "strata" in changed and study.next_arrival > 1:
            raise Conflict("People have been enrolled: their strata stay.", code="strata_are_frozen")
        if "intake_questionnaire" in changed and study.next_arrival > 1 and study.strata:
            raise Conflict(
                "People have been enrolled into strata: what is asked of them stays.", code="strata_are_frozen"
            )
        _clean_experiment(study)
        study.save(update_fields=changed)
        if "layout" in changed:
            resolve_and_store(study)
        audit.record(action="experiment_changed", by=by, target=study, data={"fields": changed}, experiment_id=study.pk)
    return study


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
            position=_next_position(study.arms.all()),
            key=_free_key(name, study),
            name=name,
            description=description,
            weight=weight,
        )
        clean(arm)
        arm.save()
        made = [_new_stage(arm, position, fields) for position, fields in enumerate(stages, start=1)]
        resolve_and_store(study, made)
        _record("arm_added", study, by, arm)
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
            _record("arm_changed", study, by, arm, fields=changed)
    return arm


def remove_arm(*, arm: Arm, by: Any) -> None:
    """Remove an arm that no protocol version knows. One that was frozen stays for ever: people may be in it."""
    with transaction.atomic():
        study = locked(arm.experiment)
        refuse_when_over(study)
        if ProtocolStage.objects.filter(arm=arm).exists() or arm.assignments.exists():
            raise Conflict("The arm is part of a protocol version: it cannot be removed.", code="arm_is_frozen")
        _record("arm_removed", study, by, arm)
        arm.delete()


def add_stage(*, arm: Arm, by: Any, **fields: Any) -> Stage:
    """One more stage at the end of an arm that no protocol version knows."""
    with transaction.atomic():
        study = locked(arm.experiment)
        refuse_when_over(study)
        _refuse_frozen_stages(arm)
        stage = _new_stage(arm, _next_position(arm.stages.all()), fields)
        resolve_and_store(study, [stage])
        _record("stage_added", study, by, stage)
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
            _record("stage_changed", study, by, stage, fields=changed)
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
        _record("stage_removed", study, by, stage)
        stage.delete()


def set_case_list(*, experiment: Experiment, cases: Iterable[Case], by: Any) -> list[StudyCase]:
    """The study's cases, in this order, in place of the list before. Resolves every stage anew, as the features found
    change with the cases."""
    listed = list(cases)
    seen: set[int] = set()
    twice = sorted({case.number for case in listed if case.pk in seen or seen.add(case.pk)})  # type: ignore[func-returns-value]
    if twice:
        raise Invalid(f"Named twice in the case list: {', '.join(map(str, twice))}.")
    with transaction.atomic():
        study = locked(experiment)
        refuse_when_over(study)
        study.study_cases.all().delete()
        made = StudyCase.objects.bulk_create(
            [StudyCase(experiment=study, case=case, position=at) for at, case in enumerate(listed, start=1)],
            batch_size=500,
        )
        resolve_and_store(study)
        audit.record(
            action="case_list_changed",
            by=by,
            target=study,
            data={"cases": [case.number for case in listed]},
            experiment_id=study.pk,
        )
    return made


def _clean_experiment(experiment: Experiment) -> None:
    """The model's own rules, and what its JSON fields must look like."""
    multiples, strata = experiment.block_multiples, experiment.strata
    if not _is_list_of(multiples, int) or not multiples or any(not 1 <= number <= 20 for number in multiples):
        message = "A list of whole numbers from 1 to 20 is needed, for example [1, 2]."
        raise Invalid(message, errors={"block_multiples": [message]})
    if not _is_list_of(strata, str) or len(set(strata)) != len(strata) or not all(name.strip() for name in strata):
        message = "A list of names of intake attributes is needed, each once."
        raise Invalid(message, errors={"strata": [message]})
    _refuse_foreign(experiment)
    clean(experiment, exclude=("created_by",))


def _refuse_foreign(experiment: Experiment) -> None:
    """What a study names of its own has to be its own."""
    for name in ("intake_questionnaire", "training_arm"):
        chosen = getattr(experiment, name)
        if chosen is not None and chosen.experiment_id != experiment.pk:
            message = "This belongs to another study."
            raise Invalid(message, errors={name: [message]})
    if experiment.intake_questionnaire is not None and experiment.kind == Experiment.Kind.CONFIGS:
        message = "This study asks its newest questionnaire with every case: nothing else can be asked about readers."
        raise Invalid(message, errors={"intake_questionnaire": [message]})


def _is_list_of(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) and not isinstance(item, bool) for item in value)


def _new_stage(arm: Arm, position: int, fields: Mapping[str, Any]) -> Stage:
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


def _next_position(rows: Any) -> int:
    return (rows.aggregate(last=Max("position"))["last"] or 0) + 1


def _free_key(name: str, experiment: Experiment) -> str:
    """A key made of the name; a number is added where it is taken."""
    stem = slugify(name)[:70] or "arm"
    taken = set(experiment.arms.values_list("key", flat=True))
    candidates = (stem if count == 1 else f"{stem}-{count}" for count in range(1, len(taken) + 2))
    return next(key for key in candidates if key not in taken)


def _record(action: str, experiment: Experiment, by: Any, target: Any, **data: Any) -> None:
    audit.record(action=action, by=by, target=target, data=data, experiment_id=experiment.pk)
