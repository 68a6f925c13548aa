"""Bring the answers over, chunk by chunk: enrolments, assignments, reviews, and what was given in each.

The number of statements depends on the number of chunks alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from augmed.published.models import CameOver
from augmed.published.moving.cases import cases_for
from augmed.published.moving.move import BATCH, Kind, Move
from augmed.published.moving.people import accounts_here
from augmed.published.moving.questionnaires import versions_of
from augmed.published.moving.readings import (
    TABLE,
    Reading,
    answers,
    asked_in_versions,
    check_answer,
    opening,
    read_chunk,
    submission,
)
from augmed.published.moving.staging import Row
from cases.models import Case
from experiments.actions.attention_checks import set_attention_check
from experiments.actions.common import locked
from experiments.attention import OPTIONS, RIGHT_ANSWER, TEXT, Check
from experiments.models import (
    Answer,
    Assignment,
    AttentionCheck,
    AttentionCheckAnswer,
    Enrolment,
    EnrolmentEvent,
    Experiment,
    Review,
    ReviewOpening,
    Submission,
)
from participants.models import Profile

_IN_TIME = """
SELECT answer.*, config.experiment_id, config.rl_run_id, config.arm,
    (SELECT case_open_time FROM analytics
     WHERE case_config_id = answer.task_id AND user_email = answer.user_email LIMIT 1) AS case_open_time
FROM answer LEFT JOIN display_config config ON config.row_number = (
    SELECT min(row_number) FROM display_config WHERE id = answer.task_id)
ORDER BY answer.created_timestamp, answer.row_number
"""


def move_answers(move: Move, study: Experiment) -> None:
    """In the order in which they were given, which is the order of the assignments here."""
    counts = move.report.of(TABLE)
    counts.read += move.staging.count(TABLE)
    with transaction.atomic():
        study = locked(study)
        check = _check(move, study)
        came = sum(_Chunk(move, study, check, rows).store() for rows in move.staging.chunks(_IN_TIME))
        counts.came_over += came
        if came:
            move.audit(Kind.ANSWER, {"answers": came}, study.pk)


def _check(move: Move, study: Experiment) -> Check:
    """The version with AugMed's own words, of which its server kept none. What is asked here goes on as it is."""
    versions = AttentionCheck.objects.filter(experiment=study)
    same = versions.filter(text=TEXT, right_answer=RIGHT_ANSWER)
    version = next((one for one in same.order_by("-number") if one.options == list(OPTIONS)), None)
    if version is None:
        words = {"text": TEXT, "options": list(OPTIONS), "right_answer": RIGHT_ANSWER}
        current = versions.order_by("-number").first()
        version = set_attention_check(experiment=study, by=move.by, **words)
        if current is not None:
            before = {name: getattr(current, name) for name in words}
            set_attention_check(experiment=study, by=move.by, **before)
    return Check(version.pk, None, TEXT, OPTIONS, RIGHT_ANSWER)


class _Chunk:
    """Some hundred answers: everything that is asked of the database is asked for all of them at once."""

    def __init__(self, move: Move, study: Experiment, check: Check, rows: Sequence[Row]) -> None:
        self.move, self.study, self.check = move, study, check
        known = move.known(Kind.ANSWER, [row["id"] for row in rows])
        move.report.of(TABLE).was_there += len(known)
        new = [row for row in rows if row["id"] not in known]
        people = accounts_here(row["user_email"] for row in new)
        versions = versions_of(move, {row["answer_config_id"] or "" for row in new})
        asked = asked_in_versions(list(versions.values()))
        by_config = {config: asked[pk] for config, pk in versions.items() if pk in asked}
        self.readings = read_chunk(move, new, people, by_config, check)

    def store(self) -> int:
        """Store the chunk and return how many answers came over."""
        cases = cases_for(self.move, {one.case for one in self.readings}, self.study.layout, read=True)
        enrolments = self._enrolments()
        self.readings = [one for one in self.readings if self._has_place(one, cases, enrolments)]
        if not self.readings:
            return 0
        reviews = self._reviews(cases, enrolments)
        pairs = list(zip(self.readings, reviews, strict=True))
        ReviewOpening.objects.bulk_create((opening(one, review, self.check) for one, review in pairs), BATCH)
        submitted = Submission.objects.bulk_create([submission(one, review) for one, review in pairs], BATCH)
        given = list(zip(self.readings, submitted, strict=True))
        Answer.objects.bulk_create((row for one, made in given for row in answers(one, made)), BATCH)
        AttentionCheckAnswer.objects.bulk_create(
            (row for one, made in given for row in check_answer(one, made, self.check)), BATCH
        )
        self.move.store(self._records(pairs))
        return len(pairs)

    def _has_place(self, one: Reading, cases: Mapping[int, Case], enrolments: Mapping[int, Enrolment]) -> bool:
        reason = ""
        if one.case not in cases:
            reason = f"{one.case} is the number of another visit's case here"
        elif enrolments[one.user].erased_at is not None:
            reason = "what this person gave was erased here"
        if reason:
            self.move.report.could_not(TABLE, one.key, one.row, reason)
        return not reason

    # --- where a reading belongs

    def _enrolments(self) -> dict[int, Enrolment]:
        """Everybody's enrolment, made where there is none, as of their first answer."""
        first: dict[int, datetime] = {}
        for one in self.readings:
            first.setdefault(one.user, one.opened_at)
        there = Enrolment.objects.real().filter(experiment=self.study, user__in=first)
        found = {one.user_id: one for one in there}
        lacking = [user for user in first if user not in found]
        intake = dict(Profile.objects.filter(user__in=lacking).values_list("user_id", "intake"))
        new = [
            Enrolment(
                experiment=self.study,
                user_id=user,
                intake=intake.get(user) or {},
                status=Enrolment.Status.AWAITING_CONSENT if self.study.consent_required else Enrolment.Status.ACTIVE,
                arrival=self.study.next_arrival + offset,
                joined_at=first[user],
            )
            for offset, user in enumerate(lacking)
        ]
        return found | {one.user_id: one for one in self._enrol(new)}

    def _enrol(self, new: list[Enrolment]) -> list[Enrolment]:
        if not new:
            return []
        self.study.next_arrival += len(new)
        self.study.save(update_fields=["next_arrival"])
        made = Enrolment.objects.bulk_create(new, BATCH)
        EnrolmentEvent.objects.bulk_create(
            EnrolmentEvent(enrolment=one, status=one.status, at=one.joined_at, by=self.move.by) for one in made
        )
        return made

    def _reviews(self, cases: Mapping[int, Case], enrolments: Mapping[int, Enrolment]) -> list[Review]:
        """A review for each reading: the one that its task became when it came over unanswered, else a new one."""
        waiting = self._waiting()
        found = [waiting.pop((one.task, one.user), None) for one in self.readings]
        lacking = [one for one, review in zip(self.readings, found, strict=True) if review is None]
        assignments = self._assignments(lacking, cases, enrolments)
        made = iter(
            Review.objects.bulk_create(
                (Review(assignment=one, created_at=one.created_at) for one in assignments), BATCH
            )
        )
        return [review or next(made) for review in found]

    def _waiting(self) -> dict[tuple[str, int], Review]:
        """Reviews of these tasks that came over before they were answered, and that nobody has opened here."""
        tasks = self.move.known(Kind.DISPLAY_CONFIG, {one.task for one in self.readings})
        reviews = Review.objects.filter(pk__in=list(tasks.values()), opening=None)
        by_pk = {review.pk: review for review in reviews.select_related("assignment__enrolment")}
        return {(task, by_pk[pk].assignment.enrolment.user_id): by_pk[pk] for task, pk in tasks.items() if pk in by_pk}

    def _assignments(
        self, lacking: Sequence[Reading], cases: Mapping[int, Case], enrolments: Mapping[int, Enrolment]
    ) -> list[Assignment]:
        """AugMed let one read a case again under other paths: then it is the next replicate."""
        places, times = self._given_before({enrolments[one.user].pk for one in lacking})
        rows = []
        for one in lacking:
            enrolment, case = enrolments[one.user], cases[one.case]
            places[enrolment.pk] += 1
            times[enrolment.pk, case.pk] += 1
            rows.append(
                Assignment(
                    enrolment=enrolment,
                    case=case,
                    replicate=times[enrolment.pk, case.pk],
                    position=places[enrolment.pk],
                    drawn_by=Assignment.DrawnBy.AUGMED,
                    created_at=one.opened_at,
                )
            )
        return Assignment.objects.bulk_create(rows, BATCH)

    def _given_before(self, enrolments: set[int]) -> tuple[Counter[int], Counter[tuple[int, int]]]:
        """The last position of each enrolment, and how often it was given each case. Two statements."""
        there = Assignment.objects.filter(enrolment__in=enrolments, period=1).order_by()
        times: Any = there.values_list("enrolment_id", "case_id").annotate(times=Max("replicate"))
        everywhere = Assignment.objects.filter(enrolment__in=enrolments).order_by()
        places: Any = everywhere.values_list("enrolment_id").annotate(last=Max("position"))
        return Counter(dict(places)), Counter({(one, case): last for one, case, last in times})

    def _records(self, pairs: Sequence[tuple[Reading, Review]]) -> list[CameOver]:
        """Of each answer, and of its task where that is not recorded yet."""
        move = self.move
        recorded = set(move.known(Kind.DISPLAY_CONFIG, {one.task for one, _ in pairs}))
        records = []
        for one, review in pairs:
            records.append(move.record(Kind.ANSWER, one.key, review))
            if one.task and one.task not in recorded:
                recorded.add(one.task)
                records.append(move.record(Kind.DISPLAY_CONFIG, one.task, review, **one.details))
        return records
