"""One moment: what is written while an export runs is not in it, and nobody waits for the export."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections

from augmed.foundation import jobs
from augmed.foundation.models import Job
from experiments.actions.exports import export_path, request_export
from experiments.exports.reading import consistent_read
from experiments.exports.scope import everything
from experiments.exports.writing import write_export
from experiments.models import Answer, Review
from experiments.tests import factories
from experiments.tests.exports.conftest import Opened, answer, reviews_of

pytestmark = pytest.mark.django_db(transaction=True)


def elsewhere(act):
    """Do it on another connection, and wait until it is committed; a failure is raised here."""
    failures = []

    def run():
        try:
            act()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(timeout=30)
    assert not thread.is_alive(), "somebody waits for the export"
    if failures:
        raise failures[0]


@pytest.mark.postgresql
def test_answers_given_while_it_runs_are_in_no_file(answered, other_clinician, tmp_path):
    before = Review.objects.count()
    meanwhile = []

    def join_and_answer():
        for review in reviews_of(factories.make_enrolment(answered, other_clinician)):
            answer(review)

    def write_once(done, total, what):
        if not meanwhile:
            meanwhile.append(what)
            elsewhere(join_and_answer)

    path = tmp_path / "x.zip"
    write_export(experiment=answered, rights=everything(identified=False), path=path, asked_by="test", seen=write_once)
    exported = Opened(path)
    assert meanwhile == [f"reviews.csv: {before} rows"]
    assert Review.objects.count() > before
    assert len(exported.lines("reviews")) == len(exported.rows("reviews")) == before
    assert {line["pseudonym"] for table in ("reviews", "events", "assignments", "enrolments") for line in
            exported.lines(table)} == {exported.lines("enrolments")[0]["pseudonym"]}  # fmt: skip


@pytest.mark.postgresql
def test_the_read_cannot_write(answered):
    from django.db import InternalError

    with pytest.raises(InternalError, match="read-only"), consistent_read():
        Answer.objects.filter(pk=0).delete()


def test_the_read_must_be_the_outermost_transaction(answered):
    from django.db import transaction

    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"), consistent_read():
        pass


@pytest.mark.sqlite
def test_the_read_takes_no_write_lock(db):
    connection.queries_log.clear()
    connection.force_debug_cursor = True
    try:
        with consistent_read() as alone:
            assert alone
            Review.objects.count()
        begun = [query["sql"] for query in connection.queries_log if query["sql"].startswith("BEGIN")]
        assert begun == ["BEGIN DEFERRED"]
    finally:
        connection.force_debug_cursor = False
    assert connection.transaction_mode == "IMMEDIATE"


@pytest.mark.postgresql
def test_a_cancel_from_elsewhere_stops_it_and_progress_is_seen_while_it_reads(answered, analyst, settings, monkeypatch):
    settings.JOB_RUNNER = "process"
    monkeypatch.setattr(jobs, "dispatch", lambda job: None)
    job = request_export(experiment=answered, by=analyst)
    seen = []
    original = jobs.Progress.update

    def update(self, done, total=None, message="", *, force=False):
        original(self, done, total, message, force=True)
        elsewhere(lambda: seen.append(Job.objects.get(pk=job.pk).message))
        elsewhere(lambda: jobs.cancel(job=job, by=analyst))

    monkeypatch.setattr(jobs.Progress, "update", update)
    done = jobs.run(job_id=job.pk)
    assert done.status == Job.Status.CANCELLED
    assert seen
    assert seen[0].startswith("reviews.csv")
    assert list(export_path(job).parent.iterdir()) == []
