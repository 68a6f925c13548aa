"""AugMed's answer_configs become frozen versions of the display configs' questionnaire, in order of time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from augmed.foundation.errors import DomainError
from augmed.published.moving.cells import CellError, json_value, moment
from augmed.published.moving.move import Kind, Move
from augmed.published.moving.questions import NotQuestions, converted
from augmed.published.moving.staging import Row
from experiments.actions.display_config_questions import ask_about_display_configs
from experiments.actions.questionnaires import copy_version, freeze
from experiments.models import Experiment, QuestionnaireVersion
from experiments.reviewing.review_state import newest_versions

_TABLE = "answer_config"
_IN_TIME = 'SELECT * FROM "answer_config" ORDER BY created_timestamp, row_number'


def move_questionnaires(move: Move, study: Experiment) -> None:
    """A version for each answer_config, made when AugMed made it; the same questions again are one version. What is
    asked here already goes on being asked."""
    counts = move.report.of(_TABLE)
    rows = list(move.staging.rows(_IN_TIME))
    counts.read += len(rows)
    known = move.known(Kind.ANSWER_CONFIG, [row["id"] for row in rows])
    counts.was_there += len(known)
    with transaction.atomic():
        before = newest_versions(study).first()
        made = [version.pk for row in rows if row["id"] not in known and (version := _try(move, row))]
        counts.came_over += len(made)
        if not made:
            return
        if before is not None and before.pk not in {*known.values(), *made}:
            copy_version(version=before, by=move.by)
        move.audit(Kind.ANSWER_CONFIG, {"versions": made}, study.pk)


def _try(move: Move, row: Row) -> QuestionnaireVersion | None:
    try:
        with transaction.atomic():
            return _one(move, row)
    except (CellError, NotQuestions) as error:
        reason = str(error)
    except DomainError as error:
        reason = "; ".join([error.detail, *(f"{where}: {texts[0]}" for where, texts in error.errors.items())])
    move.report.could_not(_TABLE, row["id"], row["row_number"], reason)
    return None


def _one(move: Move, row: Row) -> QuestionnaireVersion:
    made = converted(json_value("config", row["config"]))
    version = _version(move, made.questions, moment("created_timestamp", row["created_timestamp"]))
    move.store([move.record(Kind.ANSWER_CONFIG, row["id"], version)])
    for remark in made.remarks:
        move.report.note(_TABLE, row["id"], row["row_number"], remark)
    return version


def _version(move: Move, questions: list[dict[str, Any]], at: datetime) -> QuestionnaireVersion:
    began = timezone.now()
    version = ask_about_display_configs(questions=questions, by=move.by)
    if version.created_at >= began:  # not one that was there
        QuestionnaireVersion.objects.filter(pk=version.pk).update(created_at=at)
    return freeze(version=version, by=move.by)


def versions_of(move: Move, keys: Collection[str]) -> dict[str, int]:
    """The primary keys of the versions that these answer_configs became. One statement."""
    found = move.known(Kind.ANSWER_CONFIG, keys)
    return {key: pk for key, pk in found.items() if pk is not None}
