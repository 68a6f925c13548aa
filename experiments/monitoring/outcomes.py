"""The answers so far, by arm. For those who may see outcomes by arm; whoever shows it writes down that they looked."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, QuerySet

from experiments.actions.enrolment import withdrawal_policy
from experiments.answers import CHOICES, NUMERIC
from experiments.exports.blinding import Visible
from experiments.exports.questions import Asked, Scorer, asked_questions
from experiments.exports.scope import Policy, withdrawn_since
from experiments.models import Answer, Enrolment, Experiment, Question, Submission
from experiments.monitoring.figures import Spread, share, spread


@dataclass(frozen=True, slots=True)
class OptionCount:
    option: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class ArmAnswers:
    """One question in one arm at one stage. `answered`: how many answers; `values`: of numbers; `options`: of choices
    (shares of the answers, so those of a multiple choice may add up to more than one); `score`: the mean correctness
    of those `scored` against the reference standard."""

    arm: str
    stage: int
    answered: int
    values: Spread | None = None
    options: tuple[OptionCount, ...] = ()
    score: float | None = None
    scored: int = 0


@dataclass(frozen=True, slots=True)
class QuestionOutcome:
    question: Question
    arms: tuple[ArmAnswers, ...]

    @property
    def is_number(self) -> bool:
        return self.question.type in NUMERIC

    @property
    def options(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.option for arm in self.arms for one in arm.options))


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """Cases and people of one arm. `answered`: submissions by stage, from the first on."""

    arm: str
    people: int
    cases: int
    answered: tuple[int, ...]


@dataclass(slots=True)
class _Cell:
    answers: int = 0
    numbers: dict[Decimal, int] = field(default_factory=lambda: defaultdict(int))
    options: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    score: Decimal = Decimal(0)
    scored: int = 0


_Cells = dict[tuple[str, int | None, int], _Cell]
"""Question key, arm, stage."""


def outcomes(experiment: Experiment, *, references: bool) -> list[QuestionOutcome]:
    """Per question, per arm and stage. Who withdrew is in it as the study's withdrawal policy says, as in exports;
    what was erased is not. `references`: with the correctness.

    At most seven queries; equal answers to the same question about the same case come as one row with their number."""
    asked = asked_questions(experiment, Visible(by_arm=True))
    scorer = Scorer(experiment, asked) if references else None
    types = {one.key: one.newest.type for one in asked}
    cells: _Cells = defaultdict(_Cell)
    for arm, stage, question, key, case, value, times in _answers(experiment):
        cell = cells[key, arm, stage]
        _count(cell, types.get(key, ""), json.loads(value), times)
        if scorer is not None:
            _score(cell, scorer.score(question, case, value)[0], times)
    arms = _arm_names(experiment)
    return [
        QuestionOutcome(one.newest, tuple(_arm_answers(one, cells, arms)))
        for one in asked
        if any(key == one.key for key, _arm, _stage in cells)
    ]


def counts_by_arm(experiment: Experiment) -> list[ArmCounts]:
    """Three queries."""
    real = Enrolment.objects.real().filter(experiment=experiment).order_by()
    assigned = (
        real.filter(assignments__isnull=False)
        .values_list("assignments__arm")
        .annotate(people=Count("pk", distinct=True), cases=Count("assignments"))
    )
    stages: dict[int | None, dict[int, int]] = defaultdict(dict)
    given = Submission.objects.filter(review__assignment__enrolment__in=real).order_by()
    by_stage = given.values_list("review__assignment__arm", "review__stage_position").annotate(n=Count("pk"))
    for arm, stage, count in by_stage:
        stages[arm][stage] = count
    found = {arm: (people, cases) for arm, people, cases in assigned}
    return [
        ArmCounts(
            name,
            *found[arm],
            tuple(stages[arm].get(stage, 0) for stage in range(1, max(stages[arm], default=0) + 1)),
        )
        for arm, name in _arm_names(experiment).items()
        if arm in found
    ]


def _arm_names(experiment: Experiment) -> dict[int | None, str]:
    """In the order of the study; at the end what was assigned without an arm. One query."""
    names: dict[int | None, str] = {arm.pk: arm.name for arm in experiment.arms.order_by("position", "pk")}
    return {**names, None: "without an arm"}


def _answers(experiment: Experiment) -> Iterator[tuple[Any, ...]]:
    """(arm, stage, question, its key, case, value, how often)."""
    real = Enrolment.objects.real().filter(experiment=experiment)
    policy = withdrawal_policy(experiment)
    if policy in (Policy.EXCLUDE, Policy.ERASE):
        real = real.exclude(status=Enrolment.Status.WITHDRAWN)
    until = withdrawn_since(experiment) if policy == Policy.KEEP_TO_DATE else {}
    listed = Answer.objects.exclude(value="").filter(submission__review__assignment__enrolment__in=real)
    stayed = listed.exclude(submission__review__assignment__enrolment__in=list(until)) if until else listed
    yield from _columns(stayed).annotate(times=Count("pk"))
    if until:
        yield from _before(listed, until)


def _columns(answers: QuerySet[Answer]) -> Any:
    return answers.order_by().values_list(
        "submission__review__assignment__arm",
        "submission__review__stage_position",
        "question",
        "question_key",
        "submission__review__assignment__case",
        "value",
    )


def _before(answers: QuerySet[Answer], until: dict[int, datetime]) -> Iterator[tuple[Any, ...]]:
    """What those who withdrew had given before they did, one by one."""
    whose = answers.filter(submission__review__assignment__enrolment__in=list(until))
    timed = _columns(whose).annotate(
        at=F("submission__submitted_at"), who=F("submission__review__assignment__enrolment")
    )
    for *row, at, person in timed:
        if at <= until[person]:
            yield (*row, 1)


def _count(cell: _Cell, kind: str, value: str | list[str], times: int) -> None:
    cell.answers += times
    if kind in NUMERIC:
        cell.numbers[Decimal(str(value))] += times
    elif kind in CHOICES:
        for option in value if isinstance(value, list) else [value]:
            cell.options[option] += times


def _score(cell: _Cell, value: str | None, times: int) -> None:
    if value is not None:
        cell.score += Decimal(value) * times
        cell.scored += times


def _arm_answers(asked: Asked, cells: _Cells, arms: dict[int | None, str]) -> Iterator[ArmAnswers]:
    """In the order of arms and stages, those with answers."""
    order = {arm: place for place, arm in enumerate(arms)}
    found = sorted((order[arm], stage, arm) for key, arm, stage in cells if key == asked.key)
    for _place, stage, arm in found:
        cell = cells[asked.key, arm, stage]
        offered = dict.fromkeys([*asked.options, *cell.options])
        yield ArmAnswers(
            arm=arms[arm],
            stage=stage,
            answered=cell.answers,
            values=spread(cell.numbers),
            options=tuple(_option(option, cell) for option in offered),
            score=float(cell.score / cell.scored) if cell.scored else None,
            scored=cell.scored,
        )


def _option(option: str, cell: _Cell) -> OptionCount:
    count = cell.options.get(option, 0)
    return OptionCount(option, count, share(count, cell.answers))
