"""The whole move, in its order: people and layout first, then what rests on them."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from augmed.foundation.errors import DomainError, Forbidden
from augmed.published.moving.answers import move_answers
from augmed.published.moving.configs import move_configs
from augmed.published.moving.layouts import move_layout
from augmed.published.moving.move import Move
from augmed.published.moving.people import move_people
from augmed.published.moving.questionnaires import move_questionnaires
from augmed.published.moving.report import Report
from augmed.published.moving.source import fill, spoken
from augmed.published.moving.staging import Staging
from augmed.published.moving.studies import move_studies
from augmed.published.moving.times import move_times
from experiments.actions.display_config_study import display_configs_study
from experiments.models import Experiment

ORIGIN = "augmed"


def import_augmed(*, source: str, by: Any, origin: str = ORIGIN, dry_run: bool = False) -> Report:
    """Bring over what is not here yet. SourceError where the source cannot be read.

    Each step is a transaction of its own, so a run that was stopped goes on with the next one. `dry_run`: everything
    is done and taken back."""
    report = Report(spoken(source), dry_run)
    with Staging() as staging:
        fill(staging, source)
        for table, row, reason in staging.set_aside():
            report.of(table).read += 1
            report.could_not(table, row["id"], row["row_number"], reason)
        move = Move(staging, report, origin, by)
        if not dry_run:
            _move(move)
            return report
        with transaction.atomic():
            _move(move)
            transaction.set_rollback(True)
    return report


def _move(move: Move) -> None:
    move_people(move)
    move_layout(move)
    move_studies(move)
    try:
        study = _study(move)
    except DomainError as error:
        _nothing_more(move, error.detail)
        return
    move_questionnaires(move, study)
    move_answers(move, study)
    move_times(move, study)
    move_configs(move, study)


def _study(move: Move) -> Experiment:
    with transaction.atomic():
        study = display_configs_study(by=move.by)
    if study is None:
        raise Forbidden("You may not change the study of the display configs.")
    return study


def _nothing_more(move: Move, reason: str) -> None:
    """Without a page layout there is no study that questions and answers could belong to."""
    for table in ("answer_config", "answer", "analytics", "display_config"):
        if count := move.staging.count(table):
            move.report.of(table).read += count
            move.report.could_not(table, "all", 0, f"{count} rows: {reason}")
