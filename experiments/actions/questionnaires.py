"""What participants are asked. A version that was bound to a review, or frozen, can only be copied."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from augmed.foundation import audit
from augmed.foundation.errors import Conflict, Invalid
from experiments.actions.common import clean, refuse_when_over
from experiments.design.question_forms import QUESTION_FIELDS, read_questions
from experiments.models import AttentionCheck, Experiment, Question, Questionnaire, QuestionnaireVersion, ReviewOpening


def create_questionnaire(
    *, experiment: Experiment, name: str, questions: Sequence[Mapping[str, Any]], by: Any
) -> QuestionnaireVersion:
    """A questionnaire with its version 1. `questions`, in order: mappings of Question's fields, at least key, type and
    text. Invalid names every field that was not accepted, as `questions.<index>.<field>`."""
    with transaction.atomic():
        refuse_when_over(experiment)
        questionnaire = Questionnaire(experiment=experiment, name=name.strip())
        clean(questionnaire)
        questionnaire.save()
        version = QuestionnaireVersion.objects.create(questionnaire=questionnaire, number=1, public_id=uuid.uuid4())
        _replace_questions(version, questions)
        _record("questionnaire_created", version, by)
    return version


def copy_version(*, version: QuestionnaireVersion, by: Any) -> QuestionnaireVersion:
    """The questionnaire's next version, editable, with the questions of `version`."""
    with transaction.atomic():
        questionnaire = (
            Questionnaire.objects.select_for_update(of=("self",))
            .select_related("experiment")
            .get(pk=version.questionnaire_id)
        )
        refuse_when_over(questionnaire.experiment)
        last = questionnaire.versions.aggregate(last=Max("number"))["last"]
        copy = QuestionnaireVersion.objects.create(questionnaire=questionnaire, number=last + 1, public_id=uuid.uuid4())
        copied = list(version.questions.order_by("position"))
        for question in copied:
            question.pk, question.version = None, copy
            question._state.adding = True
        Question.objects.bulk_create(copied)
        _record("questionnaire_version_copied", copy, by, copied_from=version.number)
    return copy


def set_questions(*, version: QuestionnaireVersion, questions: Sequence[Mapping[str, Any]], by: Any) -> None:
    """Put these questions in the place of the version's. Conflict when the version is frozen or in use."""
    with transaction.atomic():
        locked = _locked(version)
        refuse_when_over(locked.questionnaire.experiment)
        # An opening binds and freezes in one transaction; the second look is for rows that came another way.
        if locked.frozen_at or ReviewOpening.objects.filter(questionnaire_version=locked).exists():
            raise Conflict(
                f"{locked} is in use and cannot be changed. Copy it, and change the copy.", code="version_frozen"
            )
        locked.questions.all().delete()
        _replace_questions(locked, questions)
        _record("questions_changed", locked, by)


def freeze(*, version: QuestionnaireVersion, by: Any = None) -> QuestionnaireVersion:
    """From now on the version can only be copied. Freezing twice changes nothing."""
    with transaction.atomic():
        locked = _locked(version)
        if locked.frozen_at:
            return locked
        if not locked.questions.exists():
            raise Invalid(f"{locked} has no questions.", code="no_questions")
        locked.frozen_at = timezone.now()
        locked.save(update_fields=["frozen_at"])
        _record("questionnaire_version_frozen", locked, by)
    return locked


def _locked(version: QuestionnaireVersion) -> QuestionnaireVersion:
    return (
        QuestionnaireVersion.objects.select_for_update(of=("self",))
        .select_related("questionnaire__experiment")
        .get(pk=version.pk)
    )


def _replace_questions(version: QuestionnaireVersion, questions: Sequence[Mapping[str, Any]]) -> None:
    made = read_questions(questions, types_elsewhere=_types_elsewhere(version))
    _refuse_words_of_check(version, made)
    for position, question in enumerate(made, start=1):
        question.version, question.position = version, position
    Question.objects.bulk_create(made)


def _refuse_words_of_check(version: QuestionnaireVersion, questions: Sequence[Question]) -> None:
    """To a client that knows questions by their words, the attention check and such a question would be one."""
    check = AttentionCheck.objects.current(version.questionnaire.experiment_id)
    if check is None or check.every is None:
        return
    message = "The study's attention check has the same words."
    errors = {f"questions.{at}.text": [message] for at, question in enumerate(questions) if question.text == check.text}
    if errors:
        raise Invalid(message, errors=errors)


def _types_elsewhere(version: QuestionnaireVersion) -> dict[str, str]:
    """The type of each key in the study's other versions: the reference standard and the analysis know questions by
    their key, so it means one thing in the whole study."""
    others = Question.objects.filter(version__questionnaire__experiment_id=version.questionnaire.experiment_id)
    return dict(others.exclude(version=version).values_list("key", "type"))


def _record(action: str, version: QuestionnaireVersion, by: Any, **data: Any) -> None:
    audit.record(
        action=action,
        by=by,
        target=version,
        data={"number": version.number, **data},
        experiment_id=version.questionnaire.experiment_id,
    )


__all__ = ["QUESTION_FIELDS", "copy_version", "create_questionnaire", "freeze", "set_questions"]
