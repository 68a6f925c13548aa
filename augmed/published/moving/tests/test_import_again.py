"""The move comes once, however often it is run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from augmed.foundation.models import AuditEvent
from augmed.published.models import CameOver
from augmed.published.moving.tests.dump import small_study
from augmed.published.moving.tests.here import review_of, rows
from experiments.models import (
    Answer,
    Enrolment,
    Submission,
)

pytestmark = pytest.mark.django_db


def test_a_second_run_changes_nothing(move):
    first = move(small_study())
    before = rows()
    events = AuditEvent.objects.count()

    again = move(small_study())

    assert rows() == before
    assert AuditEvent.objects.count() == events
    assert again.problems == []
    assert {table: one.was_there for table, one in again.counts.items()} == {
        table: one.read for table, one in first.counts.items()
    }
    assert sum(one.came_over for one in again.counts.values()) == 0


def test_a_dry_run_reports_the_same_and_stores_nothing(move):
    before = rows()
    dry = move(small_study(), dry_run=True)
    assert rows() == before
    assert AuditEvent.objects.count() == 0
    assert dry.counts == move(small_study()).counts


def test_what_was_answered_in_augmed_meanwhile_is_answered_here(move):
    """The team moves on a Friday, somebody answers on the old server, and they move again on Monday."""
    dump = small_study()
    move(dump)
    review = review_of("t-3")
    dump.answer("t-3", "ada@example.org", 3, created_timestamp="2024-02-05 08:00:00")
    dump.answer("t-5", "ada@example.org", 3, created_timestamp="2024-02-05 09:00:00")

    report = move(dump)

    assert report.problems == []
    assert review_of("t-3") == review
    assert review.submission.submitted_at == datetime(2024, 2, 5, 8, tzinfo=UTC)
    assert review.opening.recorded_disclosure
    assert review_of("t-5").assignment.replicate == 2  # the same case, read again under another task


def test_a_person_whose_answers_were_erased_here_does_not_come_again(move):
    from experiments.actions.erasure import erase_enrolment

    dump = small_study()
    move(dump)
    enrolment = Enrolment.objects.get(user__email="ada@example.org")
    erase_enrolment(enrolment=enrolment, by=None, reason="asked for")
    dump.answer("t-9", "ada@example.org", 3)

    report = move(dump)

    assert [problem.text for problem in report.problems] == ["what this person gave was erased here"]
    assert not Answer.objects.exclude(value="").exists()
    assert not Submission.objects.exclude(client_data="").exists()


def test_a_step_that_is_stopped_leaves_the_steps_before_it_and_is_done_again(move, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("augmed.published.moving.run.move_times", _stop)
        with pytest.raises(KeyboardInterrupt):
            move(small_study())
    assert rows()["Submission"] == 2
    with monkeypatch.context() as patched:
        patched.setattr("augmed.published.moving.times._events", _stop)
        with pytest.raises(KeyboardInterrupt):
            move(small_study())
    assert not CameOver.objects.filter(kind="analytics").exists()

    report = move(small_study())

    assert report.problems == []
    assert {table: one.came_over for table, one in report.counts.items() if one.came_over} == {
        "analytics": 2,
        "display_config": 2,
    }


def _stop(*_: Any) -> None:
    raise KeyboardInterrupt


def test_two_databases_can_come_to_one_place(move):
    move(small_study())
    before = rows()
    report = move(small_study(), origin="the other hospital")
    assert report.counts["user"].was_there == 2
    assert rows()["CameOver"] > before["CameOver"]
    assert rows()["User"] == before["User"]


def test_a_layout_changed_here_is_left_as_it_is(move):
    from cases.actions import import_layout
    from cases.models import LayoutVersion

    move(small_study())
    own = {"PATIENT COMPLAINT": {"Complaint": [38000282]}}
    import_layout(content=own, by=None, name="AugMed page_config")
    before = LayoutVersion.objects.count()
    assert move(small_study()).counts["system_config"].was_there == 1
    assert LayoutVersion.objects.count() == before
