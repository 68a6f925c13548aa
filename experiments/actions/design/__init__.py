"""The working design of a study. In a running study a change takes effect with the next amendment."""

from experiments.actions.design.arms import ARM_FIELDS, add_arm, copy_arm, remove_arm, update_arm
from experiments.actions.design.stages import STAGE_FIELDS, add_stage, remove_stage, update_stage
from experiments.actions.design.studies import (
    EXPERIMENT_FIELDS,
    create_experiment,
    set_case_list,
    update_experiment,
)
from experiments.actions.disclosure_sets import disclosure_set_for, resolve_and_store, set_cells

__all__ = [
    "ARM_FIELDS",
    "EXPERIMENT_FIELDS",
    "STAGE_FIELDS",
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
