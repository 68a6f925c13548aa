"""What participants are asked about display configs: one questionnaire, whose newest version counts at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from augmed.foundation.errors import Forbidden
from experiments.actions.display_config_study import display_configs_study
from experiments.actions.questionnaires import copy_version, create_questionnaire, set_questions
from experiments.display_configs.question_keys import keys_for
from experiments.models import Experiment, Question, QuestionnaireVersion

NAME = "Questionnaire"


def ask_about_display_configs(*, questions: Sequence[Mapping[str, Any]], by: Any) -> QuestionnaireVersion:
    """Make these the questions of the display configs' study, and begin it where there is none yet.

    Questions are mappings of Question's fields without `key`: a key follows from the text, and is the same in all
    versions. The same questions again are the version that is there."""
    with transaction.atomic():
        study = display_configs_study(by=by)
        if study is None:
            raise Forbidden("You may not change the design of the display configs' study.")
        keyed = _keyed(study, questions)
        newest = _newest(study)
        if newest is None:
            return create_questionnaire(experiment=study, name=NAME, questions=keyed, by=by)
        if _asked(newest) == [_comparable(question) for question in keyed]:
            return newest
        version = copy_version(version=newest, by=by)
        set_questions(version=version, questions=keyed, by=by)
        return version


def _newest(study: Experiment) -> QuestionnaireVersion | None:
    return (
        QuestionnaireVersion.objects.filter(questionnaire__experiment=study)
        .select_related("questionnaire__experiment")
        .order_by("-pk")
        .first()
    )


def _keyed(study: Experiment, questions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    before = Question.objects.filter(version__questionnaire__experiment=study).order_by("pk")
    known = [(text, kind, key) for key, kind, text in before.values_list("key", "type", "text")]
    keys = keys_for([(str(question["text"]), str(question["type"])) for question in questions], known)
    return [{**question, "key": key} for question, key in zip(questions, keys, strict=True)]


def _asked(version: QuestionnaireVersion) -> list[dict[str, Any]]:
    return [
        _comparable({name: getattr(question, name) for name in ("key", "type", "text", "required", "options")})
        for question in version.questions.order_by("position")
    ]


def _comparable(question: Mapping[str, Any]) -> dict[str, Any]:
    return {"options": [], "required": True, **question}
