"""Are the answers still the ones whose digest was stored when they were given?"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from augmed.foundation.canonical import digest
from experiments.attention import CHECK_KEY, has_passed
from experiments.models import Answer, AttentionCheckAnswer, Experiment, Submission
from experiments.verification.recorded import recorded_erasures

CHUNK = 100


def look_at_answers(experiment: Experiment) -> Iterator[tuple[UUID, bool, str | None]]:
    """Of every answered review: its public id, whether it is erased, and why it does not hold (None: it does).

    Streams; at most three statements for each 100, five where practice was erased."""
    rows = (
        Submission.objects.filter(review__assignment__enrolment__experiment=experiment)
        .select_related("review__assignment__enrolment")
        .only("answers_sha256", "erased_at", "review__public_id", "review__assignment__enrolment__erased_at")
        .order_by("pk")
        .iterator(chunk_size=CHUNK)
    )
    while chunk := list(islice(rows, CHUNK)):
        values: dict[int, dict[str, str]] = defaultdict(dict)
        answers = Answer.objects.filter(submission__in=[submission.pk for submission in chunk])
        for pk, key, value in answers.values_list("submission_id", "question_key", "value"):
            values[pk][key] = value
        checks = _checks(chunk)
        for pk, check in checks.items():
            values[pk][CHECK_KEY] = check.value
        gone = {s.review.assignment.enrolment_id for s in chunk if _says_erased(s)}
        recorded = recorded_erasures(gone)
        for submission in chunk:
            is_recorded = submission.review.assignment.enrolment_id in recorded
            reason = _problem(submission, values[submission.pk], is_recorded) or _grading(checks.get(submission.pk))
            yield submission.review.public_id, submission.erased_at is not None, reason


def _says_erased(submission: Submission) -> bool:
    return submission.erased_at is not None or submission.review.assignment.enrolment.erased_at is not None


def _problem(submission: Submission, values: dict[str, str], is_recorded: bool) -> str | None:
    if _says_erased(submission) and not is_recorded:
        return "is erased, and the audit trail does not know of it"
    if submission.erased_at is not None:
        return "is erased, and yet holds answers" if any(values.values()) else None
    try:
        found = digest({key: json.loads(value) for key, value in values.items()})
    except (TypeError, ValueError):
        return "its answers cannot be read"
    return None if found == submission.answers_sha256 else "its answers are not those that were given"


def _checks(submissions: list[Submission]) -> dict[int, AttentionCheckAnswer]:
    """The answers to attention checks by submission."""
    pks = [submission.pk for submission in submissions]
    answers = AttentionCheckAnswer.objects.filter(submission__in=pks).select_related("check_version")
    return {answer.submission_id: answer for answer in answers}


def _grading(answer: AttentionCheckAnswer | None) -> str | None:
    """Why the grade of an attention check does not hold, if it does not."""
    if answer is None:
        return None
    if not answer.value:
        return None if answer.passed is None else "is erased, and yet says whether its attention check was passed"
    passed = has_passed(answer.check_version.as_check(), json.loads(answer.value))
    return None if answer.passed == passed else "its attention check is not graded as it was answered"
