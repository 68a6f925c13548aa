"""The tables of AugMed's database that are read, and the columns of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """`optional` columns were not there in all of AugMed's releases, or can be done without."""

    name: str
    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return self.needed + self.optional


_LISTED = (
    Table(
        "user",
        ("id", "email", "password", "salt", "active"),
        ("name", "admin_flag", "position", "employer", "area_of_clinical_ex", "created_timestamp"),
    ),
    Table("system_config", ("id", "json_config")),
    Table("answer_config", ("id", "config", "created_timestamp")),
    Table("display_config", ("id", "user_email", "case_id", "path_config"), ("experiment_id", "rl_run_id", "arm")),
    Table(
        "answer",
        (
            *("id", "task_id", "case_id", "user_email", "display_configuration"),
            *("answer_config_id", "answer", "created_timestamp"),
        ),
        ("ai_score_shown",),
    ),
    Table(
        "analytics",
        ("id", "user_email", "case_config_id", "case_open_time", "answer_open_time", "answer_submit_time"),
        ("created_timestamp",),
    ),
    Table(
        "experiment",
        ("id", "experiment_id", "name"),
        ("description", "status", "arms", "case_pool", "created_at", "updated_at"),
    ),
    Table(
        "rl_run",
        ("id", "experiment_id"),
        (
            *("model_version", "status", "triggered_by", "configs_generated", "answers_consumed"),
            *("started_at", "completed_at", "run_params"),
        ),
    ),
)
TABLES: Mapping[str, Table] = {table.name: table for table in _LISTED}
