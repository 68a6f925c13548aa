"""How right answers are: each question's rule against the current reference standard, whose version is named."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import QuerySet

from experiments.correctness import correctness
from experiments.design.question_forms import definition
from experiments.models import Experiment, Question, ReferenceStandard, Submission


@dataclass(frozen=True, slots=True)
class Score:
    """`value` by the question's rule (experiments.correctness), None when it cannot be scored, and why not;
    `reference_version` the version of the reference standard that it was scored against."""

    question_key: str
    rule: str
    value: Decimal | None
    reference_version: int | None
    reason: str = ""


class References:
    """The current reference standard of a study, by case and question key. One query; never served to participants."""

    def __init__(self, experiment: Experiment | int) -> None:
        rows = ReferenceStandard.objects.filter(experiment=experiment).current()
        self._found = {
            (case, key): (json.loads(value), version)
            for case, key, value, version in rows.values_list("case_id", "question_key", "value", "version")
        }

    def score(self, question: Question, case_id: int, answer: str | None) -> Score:
        """One answer (canonical JSON as stored; None or blank: unanswered or erased)."""
        key, rule = question.key, question.scoring
        reference, version = self._found.get((case_id, key), (None, None))
        if rule == Question.Scoring.NONE:
            return Score(key, rule, None, None, "not scored")
        if version is None:
            return Score(key, rule, None, None, "no reference")
        if not answer:
            return Score(key, rule, None, version, "no answer")
        try:
            return Score(key, rule, correctness(definition(question), json.loads(answer), reference), version)
        except ValueError:
            # A reference may be set before its question changes its options; it is named, not guessed at.
            return Score(key, rule, None, version, "the reference does not fit the question")


def score_submission(submission: Submission) -> dict[str, Score]:
    """The scores of one submission by question key. Four statements; for many use `scores`."""
    return next(iter(scores(Submission.objects.filter(pk=submission.pk))))[1]


def scores(
    submissions: QuerySet[Submission], *, references: References | None = None, chunk_size: int = 500
) -> Iterable[tuple[Submission, dict[str, Score]]]:
    """Each submission (of one study) with its scores by question key, streaming: two statements per chunk."""
    questions: dict[int, list[Question]] = {}
    rows = submissions.select_related("review__assignment__enrolment", "review__opening").order_by("pk")
    for submission in rows.prefetch_related("answers").iterator(chunk_size=chunk_size):
        assignment = submission.review.assignment
        references = references or References(assignment.enrolment.experiment_id)
        version_id = submission.review.opening.questionnaire_version_id
        if version_id not in questions:
            questions[version_id] = list(Question.objects.filter(version=version_id).order_by("position"))
        given = {answer.question_key: answer.value for answer in submission.answers.all()}
        yield (
            submission,
            {
                question.key: references.score(question, assignment.case_id, given.get(question.key))
                for question in questions[version_id]
            },
        )


__all__ = ["References", "Score", "score_submission", "scores"]
