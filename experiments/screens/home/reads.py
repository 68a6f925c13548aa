"""What the home page shows of one's studies: four statements, however many studies and cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import get_language, get_language_info

from experiments.languages.texts import know_protocols, texts_of_study
from experiments.models import Assignment, Enrolment, Review, Submission
from experiments.screens.joining.steps import Step, StepKind, own_standings

ENOUGH = 3  # cases of one's own, from which on they say how long a case takes
MOST_READ = 400  # of the study's newest answers, which a median is taken of
KEPT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class StudyCard:
    """One study of a reader: what is next, and how far. `minutes`: of a case, at the median, or None while unknown;
    `language`: of the study's own texts as they are shown, which may be another than the page's."""

    enrolment: Enrolment
    step: Step
    name: str
    cases: int = 0
    done: int = 0
    minutes: int | None = None
    language: str = ""

    @property
    def is_in_page_language(self) -> bool:
        return self.language == _language()

    @property
    def language_name(self) -> str:
        """In the language of the page."""
        return str(get_language_info(self.language)["name_translated"])


def study_cards(user: Any) -> list[StudyCard]:
    """The reader's studies, the newest first."""
    standings = own_standings(user)
    numbers = [enrolment.pk for enrolment, _ in standings]
    counts = _counts(numbers)
    minutes = _own_minutes(numbers)
    begun = {
        one.experiment_id: one.pk for one, step in standings if step.kind == StepKind.CASE and one.pk not in minutes
    }
    minutes |= {begun[study]: found for study, found in _minutes_of_studies(begun).items()}
    know_protocols(enrolment.experiment.protocol_id for enrolment, _ in standings)
    texts = {enrolment.pk: texts_of_study(enrolment.experiment) for enrolment, _ in standings}
    return [
        StudyCard(
            enrolment,
            step,
            texts[enrolment.pk](enrolment.experiment.name),
            *counts.get(enrolment.pk, (0, 0)),
            minutes.get(enrolment.pk),
            texts[enrolment.pk].language,
        )
        for enrolment, step in standings
    ]


def _language() -> str:
    """Of the page."""
    return (get_language() or "en").split("-")[0]


def _counts(enrolments: Collection[int]) -> dict[int, tuple[int, int]]:
    """Cases and those that are done, by enrolment. One statement."""
    to_do = Review.objects.filter(assignment=OuterRef("pk")).to_do()
    rows = (
        Assignment.objects.filter(enrolment__in=enrolments)
        .order_by()
        .annotate(is_done=~Exists(to_do))
        .values("enrolment")
        .annotate(cases=Count("pk"), done=Count("pk", filter=Q(is_done=True)))
    )
    return {row["enrolment"]: (row["cases"], row["done"]) for row in rows}


def _own_minutes(enrolments: Collection[int]) -> dict[int, int]:
    """The median of the reader's own cases, where there are enough. One statement."""
    submissions = Submission.objects.filter(review__assignment__enrolment__in=enrolments)
    found = _durations(submissions)
    return {enrolment: _minutes(durations) for enrolment, durations in found.items() if len(durations) >= ENOUGH}


def _minutes_of_studies(studies: Collection[int]) -> dict[int, int]:
    """The medians of all readers' newest answers. They are kept for an hour: one question to the cache for all, and a
    statement for each study of which it knows nothing; 0 there stands for too few answers."""
    if not studies:
        return {}
    keys = {f"minutes-of-a-case-{study}": study for study in studies}
    known: dict[str, int] = cache.get_many(keys)
    for key in keys.keys() - known.keys():
        known[key] = _minutes_of_study(keys[key])
        cache.set(key, known[key], KEPT_SECONDS)
    return {keys[key]: minutes for key, minutes in known.items() if minutes}


def _minutes_of_study(experiment_id: int) -> int:
    submissions = Submission.objects.filter(
        review__assignment__enrolment__experiment=experiment_id, review__assignment__enrolment__kind="real"
    )
    by_reader = _durations(submissions.order_by("-submitted_at")[:MOST_READ])
    durations = [took for of_reader in by_reader.values() for took in of_reader]
    return _minutes(durations) if len(durations) >= ENOUGH else 0


def _durations(submissions: QuerySet[Submission]) -> dict[int, list[timedelta]]:
    """By enrolment, of each case the time from opening to answer, all its readings together. One statement."""
    rows = submissions.values_list(
        "review__assignment__enrolment", "review__assignment", "submitted_at", "review__opening__opened_at"
    )
    found: dict[int, dict[int, timedelta]] = defaultdict(lambda: defaultdict(timedelta))
    for enrolment, assignment, end, begin in rows:
        if begin is not None:
            found[enrolment][assignment] += end - begin
    return {enrolment: list(of_cases.values()) for enrolment, of_cases in found.items()}


def _minutes(durations: list[timedelta]) -> int:
    """Whole minutes, at least one."""
    return max(1, round(median(took / timedelta(minutes=1) for took in durations)))
