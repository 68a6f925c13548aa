"""The columns of answers and of their correctness, over all versions of a study's questionnaires."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from experiments.answers import CHOICES, NUMERIC
from experiments.exports.blinding import Visible
from experiments.exports.cells import Column, ColumnType
from experiments.models import (
    Enrolment,
    Experiment,
    IntakeSubmission,
    ProtocolStage,
    Question,
    QuestionnaireVersion,
    ReviewOpening,
)
from experiments.reviewing.scoring import References

_KEPT_SCORES = 20_000
_WRITTEN_AS: dict[str, ColumnType] = {"multiple_choice": "list", "date": "date"}
_RULES = {
    "exact": "1 right, 0 wrong, by exact agreement",
    "set": "1 right, 0 wrong, by the same set of choices",
    "tolerance": "1 right, 0 wrong, within the question's tolerance",
    "brier": "Brier score: squared distance of the probability from the outcome, 0 (best) to 1",
}

AnswerCell = str | list[str]


@dataclass(frozen=True)
class Asked:
    """One question key with all its versions (questions of the study's used questionnaire versions), oldest first."""

    key: str
    versions: tuple[Question, ...]

    @property
    def newest(self) -> Question:
        return self.versions[-1]

    @property
    def type(self) -> ColumnType:
        return "number" if self.newest.type in NUMERIC else _WRITTEN_AS.get(self.newest.type, "text")

    @property
    def is_scored(self) -> bool:
        return any(question.scoring != Question.Scoring.NONE for question in self.versions)

    @property
    def options(self) -> tuple[str, ...]:
        """Every option that any version offered, in the order in which they came."""
        if self.newest.type not in CHOICES:
            return ()
        return tuple(dict.fromkeys(option for question in self.versions for option in question.options))

    @property
    def answer_column(self) -> Column:
        return Column(
            f"answer.{self.key}",
            self.type,
            "The answer; empty while there is none, or where it was left open or erased.",
            unit="%" if self.newest.type == "probability" else self.newest.unit,
            allowed=self.options,
            label=self.newest.text,
        )

    @property
    def score_columns(self) -> tuple[Column, Column]:
        rules = "; ".join(dict.fromkeys(_RULES[q.scoring] for q in self.versions if q.scoring in _RULES))
        return (
            Column(
                f"correctness.{self.key}",
                "number",
                f"{rules}. Empty without answer or reference. A distribution as reference gives the share of its "
                "weight that agrees.",
                label=self.newest.text,
            ),
            Column(
                f"reference_version.{self.key}",
                "integer",
                "Version of the reference standard (file references) that the answer was scored against.",
                label=self.newest.text,
            ),
        )


def asked_questions(experiment: Experiment, visible: Visible) -> tuple[Asked, ...]:
    """Of cases: by questionnaire, then by the version that first had the key and its place there. What was asked in
    previews alone, which freezes it too, is left out. One query."""
    in_stage = ProtocolStage.objects.filter(questionnaire_version=OuterRef("version"))
    opened = ReviewOpening.objects.filter(questionnaire_version=OuterRef("version"))
    by_participants = opened.filter(review__assignment__enrolment__kind=Enrolment.Kind.REAL)
    only_of_readers = Q(version__in=_of_readers(experiment)) & ~Q(Exists(in_stage)) & ~Q(Exists(opened))
    only_previewed = Q(Exists(opened)) & ~Q(Exists(in_stage)) & ~Q(Exists(by_participants))
    return tuple(
        asked
        for asked in _by_key(_frozen(experiment).exclude(only_of_readers | only_previewed))
        if asked.key not in visible.hidden_questions
    )


def asked_of_readers(experiment: Experiment) -> tuple[Asked, ...]:
    """About themselves, in every version that somebody has answered or that is asked now. One query."""
    return _by_key(_frozen(experiment).filter(version__in=_of_readers(experiment)))


def _frozen(experiment: Experiment) -> QuerySet[Question]:
    return (
        Question.objects.filter(version__questionnaire__experiment=experiment, version__frozen_at__isnull=False)
        .select_related("version__questionnaire")
        .order_by("version__questionnaire_id", "version__number", "position")
    )


def _of_readers(experiment: Experiment) -> QuerySet[Any, Any]:
    answered = IntakeSubmission.objects.filter(enrolment__experiment=experiment).values("questionnaire_version")
    asked_now = Q(questionnaire__isnull=False, questionnaire=experiment.intake_questionnaire_id)
    versions = QuestionnaireVersion.objects.filter(questionnaire__experiment=experiment)
    return versions.filter(asked_now | Q(pk__in=answered)).order_by().values("pk")


def _by_key(rows: Iterable[Question]) -> tuple[Asked, ...]:
    by_key: dict[str, list[Question]] = {}
    for question in rows:
        by_key.setdefault(question.key, []).append(question)
    return tuple(Asked(key, tuple(versions)) for key, versions in by_key.items())


def answer_cell(kind: ColumnType, value: str) -> AnswerCell:
    """From the stored canonical JSON: numbers as their decimal text, choices as a list, all else as text."""
    if "\\" not in value and value[0] == '"':
        return value[1:-1]
    found: AnswerCell = json.loads(value)
    return [found] if kind == "list" and isinstance(found, str) else found


class Scorer:
    """Correctness of answers, computed once for equal answers to the same question about the same case."""

    def __init__(self, experiment: Experiment, asked: tuple[Asked, ...]) -> None:
        self._references = References(experiment)
        self._questions: Mapping[int, Question] = {
            question.pk: question
            for one in asked
            for question in one.versions
            if question.scoring != Question.Scoring.NONE
        }
        self._kept: dict[tuple[int, int, str], tuple[str | None, int | None]] = {}

    def score(self, question_id: int, case_id: int, value: str) -> tuple[str | None, int | None]:
        """(correctness as decimal text, version of the reference); both None where it is not scored."""
        question = self._questions.get(question_id)
        if question is None:
            return None, None
        key = (question_id, case_id, value)
        known = self._kept.get(key)
        if known is None:
            score = self._references.score(question, case_id, value)
            known = (None if score.value is None else format(score.value, "f"), score.reference_version)
            if len(self._kept) >= _KEPT_SCORES:
                self._kept.clear()
            self._kept[key] = known
        return known
