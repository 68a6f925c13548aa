"""What a reader is told after a case in training: the own answers beside what is held to be right."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from augmed.foundation.canonical import canonical_decimal
from experiments.answers import CanonicalAnswer, QuestionDefinition, canonical_answer
from experiments.correctness import correctness, outcome
from experiments.languages.texts import StudyTexts, texts_of_design
from experiments.models import Answer, Enrolment, Experiment, ReferenceStandard, Review, TrainingCase
from experiments.models.querysets import ReviewQuerySet
from experiments.reviewing.reading import asked_in
from experiments.screens.answering.said import shown
from experiments.screens.joining.blocks import Block, text_blocks

Given = Mapping[str, CanonicalAnswer]
WITH_FEEDBACK = ("assignment__case", "opening__questionnaire_version", "submission")


@dataclass(frozen=True, slots=True)
class Compared:
    """One question of a training case: what was answered, reading by reading, and what is held to be right ("" where
    nobody says). `agrees`: None where there is nothing to compare; `ends`: what the ends of its scale mean."""

    question: str
    answers: tuple[str, ...]
    reference: str
    agrees: bool | None
    ends: str = ""


@dataclass(frozen=True, slots=True)
class Feedback:
    """On one case; `blocks` are the study's own words on it, in `language` ("": that of the rest)."""

    case_number: int
    rows: tuple[Compared, ...]
    blocks: list[Block]
    language: str = ""


def training_reviews(enrolment: Enrolment) -> ReviewQuerySet:
    """All of a reader's practice, in order."""
    practice = Enrolment.objects.filter(
        user=enrolment.user_id, experiment=enrolment.experiment_id, kind=Enrolment.Kind.TRAINING
    )
    found = Review.objects.filter(assignment__enrolment__in=practice)
    return found.order_by("assignment__position", "stage_position")


def feedback(experiment: Experiment, reviews: Sequence[Review], texts: StudyTexts) -> list[Feedback]:
    """On every case that is answered to its last stage, the newest first: before that nothing of what is right is told.
    `texts`: of the questions, as the protocol has them; the study's own words on a case are in force at once, as the
    list of training cases is, and so are their translations. `reviews`: with WITH_FEEDBACK. At most four statements,
    and one for each version of the questions until it is known."""
    readings: dict[int, list[Review]] = defaultdict(list)
    for review in reviews:
        readings[review.assignment_id].append(review)
    complete = [one for one in readings.values() if all(hasattr(review, "submission") for review in one)]
    cases = [one[0].assignment.case_id for one in complete]
    said = dict(TrainingCase.objects.filter(experiment=experiment, case__in=cases).values_list("case", "feedback"))
    references = _references(experiment, cases)
    own = texts_of_design(experiment)
    answers = _answers([review.pk for one in complete for review in one])
    return [
        Feedback(
            one[0].assignment.case.number,
            compared(
                _asked(one[-1]), [answers[review.pk] for review in one], references[one[0].assignment.case_id], texts
            ),
            text_blocks(own(said.get(one[0].assignment.case_id, ""))),
            own.language,
        )
        for one in reversed(complete)
    ]


def compared(
    asked: Sequence[QuestionDefinition], readings: Sequence[Given], references: Mapping[str, Any], texts: StudyTexts
) -> tuple[Compared, ...]:
    """Of the questions of the last reading, with what each reading answered. No statement."""
    return tuple(
        Compared(
            texts(question.text),
            tuple(", ".join(shown(question, given.get(question.key), texts)) for given in readings),
            reference_text(question, references.get(question.key), texts),
            _agrees(question, readings[-1].get(question.key), references.get(question.key)),
            scale_ends(question, texts),
        )
        for question in asked
    )


def scale_ends(question: QuestionDefinition, texts: StudyTexts) -> str:
    """Such as "0 = never, 10 = always"; "" where the study names none."""
    named = zip(question.bounds, (question.low_label, question.high_label), strict=True)
    return ", ".join(
        f"{number_format(Decimal(canonical_decimal(bound)))} = {texts(label)}"
        for bound, label in named
        if label and bound is not None
    )


def reference_text(question: QuestionDefinition, reference: Any, texts: StudyTexts) -> str:
    """What is held to be right as a text to read; shares where it is a distribution."""
    if reference is None:
        return ""
    if isinstance(reference, Mapping):
        return _shares(question, reference.get("distribution"), texts)
    if question.scoring == "brier":
        return _event(reference)
    try:
        return ", ".join(shown(question, canonical_answer(question, reference), texts))
    except ValueError:  # a reference need not lie within what can be answered
        return str(reference)


def _shares(question: QuestionDefinition, distribution: Any, texts: StudyTexts) -> str:
    pairs = list(distribution.items()) if isinstance(distribution, Mapping) else list(distribution or ())
    total = sum((Decimal(str(weight)) for _value, weight in pairs), Decimal())
    if not total:
        return ""
    named = ((reference_text(question, value, texts), Decimal(str(weight)) * 100 / total) for value, weight in pairs)
    return ", ".join(f"{text} ({number_format(round(share))}\u00a0%)" for text, share in named)


def _event(reference: Any) -> str:
    """A probability is of an event that came true, or did not."""
    try:
        return _("Yes") if outcome(reference) == 1 else _("No")
    except ValueError:
        return str(reference)


def _agrees(question: QuestionDefinition, answer: CanonicalAnswer | None, reference: Any) -> bool | None:
    """Where the rule says right or wrong; a probability, or a truth of shares, is neither."""
    if question.scoring not in ("exact", "set", "tolerance") or isinstance(reference, Mapping):
        return None
    try:
        score = correctness(question, answer, reference)
    except ValueError:
        return None
    return None if score is None else score == 1


def _asked(review: Review) -> Sequence[QuestionDefinition]:
    """Without the attention check, if there was one."""
    version = review.opening.questionnaire_version
    return asked_in(version.pk, version.public_id).definitions


def _references(experiment: Experiment, cases: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    accepted = ReferenceStandard.objects.filter(experiment=experiment, case__in=cases).current()
    for case, key, value in accepted.values_list("case", "question_key", "value"):
        found[case][key] = json.loads(value)
    return found


def _answers(submissions: Sequence[int]) -> Mapping[int, Given]:
    """Without what was erased."""
    found: dict[int, dict[str, CanonicalAnswer]] = defaultdict(dict)
    rows = Answer.objects.filter(submission__in=submissions).exclude(value="")
    for submission, key, value in rows.values_list("submission", "question_key", "value"):
        found[submission][key] = json.loads(value)
    return found
