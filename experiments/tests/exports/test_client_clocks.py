"""A client's clock may say anything: moments that cannot be read again are none in an export, which is still made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from augmed.foundation.models import Job
from experiments.actions.exports import export_path, request_export
from experiments.exports.tables import instant
from experiments.exports.timing import KINDS
from experiments.models import Review, ReviewEvent
from experiments.tests.exports.conftest import Opened

BEFORE = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
AFTER = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12)))


@pytest.mark.parametrize("text", ["0001-12-31 10:00:00+00 BC", "10000-01-01 11:00:00+00", "infinity"])
def test_what_no_python_can_read_is_none(text: str) -> None:
    assert instant(text) is None


@pytest.mark.parametrize("text", ["2026-03-03 12:00:00", "2026-03-03 12:00:00+00"])
def test_other_moments_are_read(text: str) -> None:
    assert instant(text) == datetime(2026, 3, 3, 12, tzinfo=UTC)


@pytest.mark.sqlite
@pytest.mark.django_db
@pytest.mark.parametrize("at", [BEFORE, AFTER])
def test_sqlite_takes_no_such_moment(answered: Any, at: datetime) -> None:
    with pytest.raises(OverflowError):
        ReviewEvent.objects.create(review=Review.objects.first(), kind=KINDS[0], client_at=at)


@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.parametrize("at", [BEFORE, AFTER])
def test_postgresql_does_and_the_export_is_made(
    answered: Any, analyst: Any, at: datetime, django_capture_on_commit_callbacks: Any
) -> None:
    for kind in KINDS:
        ReviewEvent.objects.create(review=Review.objects.answered().first(), kind=kind, client_at=at)
    with django_capture_on_commit_callbacks(execute=True):
        job = request_export(experiment=answered, by=analyst)
    job.refresh_from_db()
    assert job.status == Job.Status.SUCCEEDED, job.error
    exported = Opened(export_path(job))
    told = [line for line in exported.lines("events") if line["kind"] in KINDS]
    assert told
    assert {line["client_at"] for line in told} == {None}
    assert exported.lines("reviews")
