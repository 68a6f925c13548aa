"""How long the pages of a running study take: as one who may see all of them, and as a coordinator.

Of each page: the statements, how long the database had them, for how long this process had a
processor (SQLite's work is in it), and how long the whole answer took: the best of LOADS, as other work on the machine
only ever adds."""

from __future__ import annotations

import os
import random
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

LOADS = 5
CASES = 100
SIZES = (200, 1_000)
MOST_SECONDS = {"postgresql": 1.0, "sqlite": 2.0}
PAGES = ("progress", "progress_participants", "progress_cases", "stalled", "reminders", "outcomes_by_arm")
_EVENTS = ("opened", "submitted", "case_opened", "feature_visible", "blur", "answer_submitted", "page_closed")


@dataclass(frozen=True)
class Page:
    """One page of a study of `people` x CASES. `slowest`: the statement that took longest."""

    people: int
    role: str
    name: str
    statements: int
    database: float
    processor: float
    seconds: float
    slowest: tuple[float, str, Any]


def measure(say: Callable[[str], None]) -> list[Page]:
    rows = []
    for people in SIZES:
        study = _study(people, say)
        for role in ("coordinator", "unblinded_analyst"):
            client = _client(study, role)
            rows += [_page(client, study, people, role, name) for name in PAGES if _is_for(role, name)]
            for row in rows[-len(PAGES) :]:
                say(f"  {row.people:5} {row.role:18} {row.name:22} {row.seconds:.2f} s")
    if os.environ.get("BENCH_EXPLAIN"):
        for row in rows:
            if row.slowest[0] > float(os.environ["BENCH_EXPLAIN"]):
                say(_explained(row))
    return rows


def table(rows: Sequence[Page]) -> str:
    bar = MOST_SECONDS[connection.vendor]
    lines = [
        f"Django's test client, {connection.vendor}, the best of {LOADS} loads; bar: {bar:.0f} s.",
        "",
        f"| people x {CASES} cases | as | page | statements | in the database, s | of this process, s | in all, s |",
        "|---:|---|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.people:,} | {row.role} | {row.name} | {row.statements} | {row.database:.2f} | {row.processor:.2f} | "
        f"{row.seconds:.2f} |"
        for row in rows
    ]
    return "\n".join(lines)


def _is_for(role: str, name: str) -> bool:
    return role == "unblinded_analyst" or name != "outcomes_by_arm"


def _page(client: Client, study: Any, people: int, role: str, name: str) -> Page:
    address = reverse(f"admin:experiments_experiment_{name}", args=[study.pk])
    send = client.post if name == "outcomes_by_arm" else client.get
    best: Page | None = None
    for _ in range(LOADS):
        with _timed() as statements:
            begin, used = time.perf_counter(), time.process_time()
            answer = send(address)
            seconds, processor = time.perf_counter() - begin, time.process_time() - used
        assert answer.status_code == 200, (address, answer.status_code)
        took = sum(one[0] for one in statements)
        slowest = max(statements, key=lambda one: one[0])
        if best is None or seconds < best.seconds:
            best = Page(people, role, name, len(statements), took, processor, seconds, slowest)
    assert best is not None
    return best


@contextmanager
def _timed() -> Iterator[list[tuple[float, str, Any]]]:
    """The statements of the block, each with its seconds."""
    found: list[tuple[float, str, Any]] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        begin = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            found.append((time.perf_counter() - begin, sql, params))

    with connection.execute_wrapper(watch):
        yield found


def _explained(row: Page) -> str:
    seconds, sql, params = row.slowest
    how = "EXPLAIN (ANALYZE, BUFFERS)" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{how} {sql}", params)
        plan = "\n".join(" ".join(map(str, line)) for line in cursor.fetchall())
    return f"\n{row.people} {row.role} {row.name}: {seconds:.2f} s\n{sql}\n{plan}"


def _client(study: Any, role: str) -> Client:
    from experiments.actions.roles import grant_role
    from participants.models import User

    user, _made = User.objects.get_or_create(email=f"{role}-{study.pk}@bench.example")
    if not study.study_roles.filter(user=user, role=role).exists():
        grant_role(user=user, experiment=study, role=role, by=None)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def _study(people: int, say: Callable[[str], None]) -> Any:
    """Made once: some have not begun, some are half-way, some are done; a third of the arms goes on with a second
    reading."""
    from experiments.models import Experiment, ExperimentTransition
    from experiments.tests.factories import make_study

    name = f"Running study of {people} x {CASES}"
    found = Experiment.objects.filter(name=name).first()
    if found is not None:
        return found
    say(f"seeding a running study of {people:,} x {CASES}")
    with transaction.atomic():
        from augmed.foundation.append_only import erasing

        study = make_study(name=name, cases=CASES, allocation_rule="arm_per_participant_case")
        with erasing():
            ExperimentTransition.objects.filter(experiment=study).update(at=timezone.now() - timedelta(days=90))
        _fill(study, people)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return study


def _fill(study: Any, people: int) -> None:
    from experiments import models
    from participants.models import User

    draw, begun = random.Random(people), timezone.now() - timedelta(days=80)
    users = User.objects.bulk_create(
        User(email=f"running-{people}-{at}@bench.example", password="!" if at % 20 == 0 else "pbkdf2_sha256$1$x$x")
        for at in range(people)
    )
    enrolments = models.Enrolment.objects.bulk_create(
        models.Enrolment(experiment=study, user=user, status="active", arrival=at, joined_at=begun)
        for at, user in enumerate(users, start=1)
    )
    models.EnrolmentEvent.objects.bulk_create(
        models.EnrolmentEvent(enrolment=one, status="active", at=begun) for one in enrolments
    )
    arms = list(study.arms.order_by("position"))
    stages = {arm.pk: arm.stages.count() for arm in arms}
    cases = list(study.study_cases.order_by("position").values_list("case_id", flat=True))
    for enrolment in enrolments:
        assignments = models.Assignment.objects.bulk_create(
            models.Assignment(
                enrolment=enrolment, case_id=case, arm=draw.choice(arms), position=position, drawn_by="staff"
            )
            for position, case in enumerate(draw.sample(cases, len(cases)), start=1)
        )
        reviews = models.Review.objects.bulk_create(
            models.Review(assignment=one, stage_position=stage)
            for one in assignments
            for stage in range(1, stages[one.arm_id] + 1)
        )
        until = draw.choice((0, 0.1, 0.3, 0.5, 0.7, 0.9, 1, 1)) * len(reviews)
        _read(study, reviews[: int(until)], begun, draw)
    done = models.Enrolment.objects.filter(experiment=study).exclude(
        pk__in=models.Review.objects.unanswered().values("assignment__enrolment")
    )
    done.update(status="completed")


def _read(study: Any, reviews: list[Any], begun: datetime, draw: random.Random) -> None:
    """Opened, answered and traced, one after the other."""
    from cases.models import CaseSnapshot
    from experiments import models

    protocol = study.protocol
    stage = {(one.arm_id, one.position): one for one in protocol.stages.all()}
    version = next(iter(stage.values())).questionnaire_version
    questions = list(version.questions.filter(key__in=("diagnosis", "risk")))
    snapshots = dict(CaseSnapshot.objects.filter(case__study_cases__experiment=study).values_list("case_id", "pk"))
    openings, submissions, answers, events, moment = [], [], [], [], begun
    for review in reviews:
        opened = moment
        moment = opened + timedelta(seconds=draw.randint(20, 600))
        assignment = review.assignment
        openings.append(
            models.ReviewOpening(
                review=review,
                opened_at=opened,
                snapshot_id=snapshots[assignment.case_id],
                disclosure_set_id=stage[assignment.arm_id, review.stage_position].disclosure_set_id,
                questionnaire_version=version,
                protocol=protocol,
                disclosed_sha256="0" * 64,
                engine_version="1",
            )
        )
        submissions.append(models.Submission(review=review, submitted_at=moment, answers_sha256="0" * 64))
        for question in questions:
            value = '"yes"' if question.key == "diagnosis" else f'"{draw.randint(0, 100)}"'
            answers.append(
                models.Answer(submission_id=review.pk, question=question, question_key=question.key, value=value)
            )
        page = uuid.UUID(int=draw.getrandbits(128))
        for at, kind in enumerate(_EVENTS, start=-1):
            mine = {"page_session": page, "sequence": at} if at > 0 else {}
            data = f'{{"active_ms":{draw.randint(5_000, 90_000)}}}' if mine else ""
            events.append(models.ReviewEvent(review=review, kind=kind, server_at=moment, data=data, **mine))
        moment += timedelta(hours=draw.randint(1, 30))
    models.ReviewOpening.objects.bulk_create(openings)
    models.Submission.objects.bulk_create(submissions)
    models.Answer.objects.bulk_create(answers)
    models.ReviewEvent.objects.bulk_create(events)
