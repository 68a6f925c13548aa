"""Export of 1,000,000 reviews x 50 features: rows per second, and how much the exporting process grows.

The study is made in the database itself (INSERT ... SELECT on the real tables) and kept for the next run.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from django.db import connection, connections, transaction

REVIEWS = int(os.environ.get("BENCH_EXPORT_REVIEWS", "1000000"))
CASES = 100
FEATURES = 50
NAME = "Export test"
FIRST_CASE = 6_000_000
MOST_GROWTH_MB = 100
LEAST_ROWS_PER_SECOND = 5_000
Say = Callable[[str], None]


@dataclass(frozen=True)
class ExportResult:
    """`seconds` for the whole archive: all tables, both forms; `cpu_seconds` of the exporting process, which tell how
    much of them others had. Megabytes are of resident memory."""

    reviews: int
    features: int
    seconds: float
    cpu_seconds: float
    before_mb: float
    peak_mb: float
    archive_bytes: int
    content_bytes: int

    @property
    def rows_per_second(self) -> float:
        return self.reviews / self.seconds

    @property
    def growth_mb(self) -> float:
        return self.peak_mb - self.before_mb


def measure(say: Say) -> ExportResult:
    experiment = seed(say)
    connections.close_all()
    say(f"exporting {REVIEWS:,} reviews x {FEATURES} features")
    context = multiprocessing.get_context("fork")
    queue: Queue[dict[str, Any]] = context.Queue()
    process = context.Process(target=_export, args=(experiment.pk, queue))
    process.start()
    found = queue.get(timeout=3600)
    process.join(timeout=60)
    result = ExportResult(**found)
    say(
        f"  {result.rows_per_second:,.0f} rows/s ({result.cpu_seconds:.0f} s of processor time), memory grew by "
        f"{result.growth_mb:.0f} MB (from {result.before_mb:.0f} MB), archive {result.archive_bytes / 1e6:,.0f} MB"
    )
    return result


def _export(experiment_id: int, queue: Queue[dict[str, Any]]) -> None:
    """In a process of its own, so that its peak of memory is the export's."""
    from experiments.exports.scope import everything
    from experiments.exports.writing import write_export
    from experiments.models import Experiment

    experiment = Experiment.objects.select_related("protocol").get(pk=experiment_id)
    rights = everything(identified=False)
    before = _resident_mb()
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        begun, cpu_begun = time.perf_counter(), time.process_time()
        export = write_export(experiment=experiment, rights=rights, path=Path(folder) / "x.zip", asked_by="bench")
        seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu_begun
    if export.rows["reviews.csv"] != REVIEWS:
        raise SystemExit(f"{export.rows['reviews.csv']} reviews were exported, not {REVIEWS}.")
    queue.put(
        {
            "reviews": export.rows["reviews.csv"],
            "features": FEATURES,
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "before_mb": before,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "archive_bytes": export.bytes,
            "content_bytes": sum(file.bytes for file in export.files),
        }
    )


def _resident_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("/proc/self/status does not tell the resident memory.")


def seed(say: Say) -> Any:
    """The study, with as many reviews as asked for, opened and answered. Made once."""
    from experiments.models import Experiment, Review

    experiment = Experiment.objects.filter(name=f"{NAME} {REVIEWS}").select_related("protocol").first()
    if experiment is not None and Review.objects.filter(assignment__enrolment__experiment=experiment).exists():
        return experiment
    say(f"seeding a study of {REVIEWS:,} reviews")
    with transaction.atomic():
        experiment = experiment or _design()
        _rows(experiment)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return experiment


def _design() -> Any:
    from benchmarks.seed import tree
    from cases.models import Case
    from experiments.tests.factories import make_case, make_layout, make_study, show

    layout = make_layout(f"{NAME} layout {REVIEWS}")
    first = FIRST_CASE + Case.objects.count()
    cases = [make_case(layout_version=layout, tree=tree(at, FEATURES), number=first + at) for at in range(CASES)]
    return make_study(
        cases=cases,
        layout_version=layout,
        name=f"{NAME} {REVIEWS}",
        arms={"Without": [show("age", "lab")], "With": [show("age", "lab", "advice")]},
    )


_INSERTS = """
INSERT INTO participants_user
    (password, is_superuser, email, is_staff, is_active, is_data_staff, date_joined, token_epoch)
SELECT '!', false, 'export' || %(study)s || '-' || n || '@example.org', false, true, false, now(), 0
FROM generate_series(1, %(readers)s) AS n;

INSERT INTO experiments_enrolment
    (experiment_id, user_id, kind, status, arrival, stratum, intake, pseudonym, joined_at)
SELECT %(study)s, u.id, 'real', 'active', row_number() OVER (ORDER BY u.id), '', '{}',
    'P-' || upper(substr(md5('e' || u.id), 1, 10)), now()
FROM participants_user u WHERE u.email LIKE 'export' || %(study)s || '-%%';

INSERT INTO experiments_assignment
    (enrolment_id, case_id, arm_id, period, replicate, position, drawn_by, run_id,
     marginal_probability, conditional_probability, created_at)
SELECT e.id, c.case_id, CASE WHEN (e.id + c.position) %% 2 = 0 THEN %(without)s ELSE %(with)s END,
    1, 1, c.position, 'rule', %(run)s, 0.5, 0.5, now()
FROM experiments_enrolment e CROSS JOIN experiments_studycase c
WHERE e.experiment_id = %(study)s AND c.experiment_id = %(study)s
ORDER BY e.id, c.position LIMIT %(reviews)s;

INSERT INTO experiments_review (public_id, assignment_id, stage_position, created_at)
SELECT gen_random_uuid(), a.id, 1, now() FROM experiments_assignment a WHERE a.run_id = %(run)s ORDER BY a.id;

INSERT INTO experiments_reviewopening
    (review_id, opened_at, snapshot_id, disclosure_set_id, questionnaire_version_id, protocol_id,
     disclosed_sha256, engine_version, recorded_disclosure)
SELECT r.id, now() + r.id * interval '1 second', s.id, p.disclosure_set_id, p.questionnaire_version_id, p.protocol_id,
    encode(sha256((s.id || '-' || p.disclosure_set_id)::bytea), 'hex'), '1', ''
FROM experiments_review r
JOIN experiments_assignment a ON a.id = r.assignment_id
JOIN cases_casesnapshot s ON s.case_id = a.case_id
JOIN experiments_protocolstage p ON p.protocol_id = %(protocol)s AND p.arm_id = a.arm_id AND p.position = 1
WHERE a.run_id = %(run)s ORDER BY r.id;

INSERT INTO experiments_submission (review_id, submitted_at, answers_sha256, client_data)
SELECT o.review_id, o.opened_at + interval '95 seconds', o.disclosed_sha256, ''
FROM experiments_reviewopening o WHERE o.protocol_id = %(protocol)s ORDER BY o.review_id;

INSERT INTO experiments_answer (submission_id, question_id, question_key, value)
SELECT o.review_id, q.id, q.key, CASE q.key
    WHEN 'diagnosis' THEN CASE WHEN o.review_id %% 3 = 0 THEN '"no"' ELSE '"yes"' END
    WHEN 'risk' THEN '"' || o.review_id %% 101 || '"'
    ELSE '"A remark of ordinary length about review ' || o.review_id || '."' END
FROM experiments_reviewopening o
JOIN experiments_question q ON q.version_id = o.questionnaire_version_id
WHERE o.protocol_id = %(protocol)s ORDER BY o.review_id, q.position;

INSERT INTO experiments_reviewevent (review_id, kind, feature, question_key, server_at, data)
SELECT o.review_id, 'opened', '', '', o.opened_at, ''
FROM experiments_reviewopening o WHERE o.protocol_id = %(protocol)s ORDER BY o.review_id;

INSERT INTO experiments_referencestandard
    (experiment_id, case_id, question_key, value, rule, version, created_at)
SELECT %(study)s, c.case_id, q.key, '"yes"', 'made up for the measurement', 1, now()
FROM experiments_studycase c CROSS JOIN (VALUES ('diagnosis'), ('risk')) AS q (key)
WHERE c.experiment_id = %(study)s;
"""


def _rows(experiment: Any) -> None:
    """As a study of that size would have left them: drawn, opened, answered, one event each, and references."""
    from experiments.models import AllocationRun, Arm

    arms = {arm.name: arm.pk for arm in Arm.objects.filter(experiment=experiment)}
    run = AllocationRun.objects.create(
        experiment=experiment,
        protocol=experiment.protocol,
        rule="measurement",
        rule_version=0,
        seed="",
        inputs=json.dumps({}),
        weights=json.dumps([]),
        assignment_count=REVIEWS,
    )
    values = {
        "study": experiment.pk,
        "readers": -(-REVIEWS // CASES),
        "reviews": REVIEWS,
        "run": run.pk,
        "protocol": experiment.protocol.pk,
        "without": arms["Without"],
        "with": arms["With"],
    }
    with connection.cursor() as cursor:
        for statement in _INSERTS.split(";\n"):
            if statement.strip():
                cursor.execute(statement, values)
