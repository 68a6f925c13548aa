from __future__ import annotations

import threading
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction

from augmed.foundation import audit, audit_job, jobs
from augmed.foundation.append_only import AUDIT_TABLE, statements, undo_statements
from augmed.foundation.models import AuditEvent, ErasurePermit


def record(action="something", **fields):
    with transaction.atomic():
        return audit.record(action=action, by=None, target=("thing", 1), **fields)


def tamper(which, **changes):
    """As the database's owner can: no trigger lets it pass."""
    with connection.cursor() as cursor:
        for statement in undo_statements(AUDIT_TABLE, connection.vendor):
            cursor.execute(statement)
        AuditEvent.objects.filter(sequence=which).update(**changes)
        for statement in statements(AUDIT_TABLE, connection):
            cursor.execute(statement)


def verify_command():
    out, err = StringIO(), StringIO()
    call_command("verify_audit", stdout=out, stderr=err)
    return out.getvalue()


@pytest.mark.django_db
class TestRecord:
    def test_numbers_without_a_gap_and_chains(self, clinician):
        first = record()
        with transaction.atomic():
            second = audit.record(action="b", by=clinician, target=clinician, data={"b": 1, "a": None}, experiment_id=7)
        assert (first.sequence, second.sequence) == (1, 2)
        assert first.previous_hash == audit.GENESIS
        assert second.previous_hash == first.hash
        assert (second.actor, second.target_type, second.target_id) == (
            str(clinician.pk),
            "participants.user",
            str(clinician.pk),
        )
        assert second.data == '{"a":null,"b":1}'
        assert list(audit.verify()) == []

    @pytest.mark.parametrize("data", [{"x": 1.5}, {"x": object()}, {1: "x"}])
    def test_refuses_what_has_no_canonical_form(self, data):
        with pytest.raises(TypeError), transaction.atomic():
            audit.record(action="x", by=None, target=("thing", 1), data=data)
        assert not AuditEvent.objects.exists()

    def test_a_rolled_back_write_leaves_no_event(self):
        with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012
            audit.record(action="x", by=None, target=("thing", 1))
            raise RuntimeError
        assert not AuditEvent.objects.exists()


def test_needs_a_transaction(transactional_db):
    with pytest.raises(transaction.TransactionManagementError):
        audit.record(action="x", by=None, target=("thing", 1))


@pytest.mark.django_db
class TestVerify:
    @pytest.fixture(autouse=True)
    def chain(self):
        for number in range(5):
            record(f"action_{number}", data={"number": number}, experiment_id=number)

    def test_a_whole_chain_holds(self):
        assert "5 events" in verify_command()

    @pytest.mark.parametrize(
        "changes",
        [
            {"data": '{"number":9}'},
            {"actor": "1"},
            {"action": "other"},
            {"target_type": "other"},
            {"target_id": "2"},
            {"experiment_id": None},
        ],
    )
    def test_a_changed_column_is_found(self, changes):
        tamper(3, **changes)
        assert [(link.sequence, "content" in link.reason) for link in audit.verify()] == [(3, True)]

    def test_a_changed_time_is_found(self):
        tamper(3, at=AuditEvent.objects.get(sequence=3).at + timedelta(microseconds=1))
        assert [link.sequence for link in audit.verify()] == [3]

    def test_a_change_with_a_fitting_hash_breaks_the_next_link(self):
        event = AuditEvent.objects.get(sequence=3)
        event.actor = "1"
        tamper(3, actor="1", hash=audit._hash(event))
        assert [link.sequence for link in audit.verify()] == [4]

    def test_a_missing_event_is_found(self):
        tamper(3, sequence=99)  # a trigger refuses DELETE; moving it to the end is as good
        assert {link.sequence for link in audit.verify()} == {4, 99}

    def test_the_command_says_where_and_fails(self):
        tamper(3, actor="1")
        err = StringIO()
        with pytest.raises(CommandError, match="1 broken"):
            call_command("verify_audit", stderr=err)
        assert "Event 3" in err.getvalue()

    def test_a_permit_that_was_left_behind_fails_command_and_job(self):
        ErasurePermit.objects.create(transaction_id=1)
        err = StringIO()
        with pytest.raises(CommandError, match="guards the facts"):
            call_command("verify_audit", stderr=err)
        assert "1 permits to erase were left behind" in err.getvalue()
        jobs.create(kind=audit_job.KIND, parameters={}, by=None)
        job = jobs.run(job_id=jobs.Job.objects.first().pk)
        assert job.result["holds"] is False
        assert "permits to erase" in job.result["broken"][0]

    def test_the_job_says_the_same(self):
        jobs.create(kind=audit_job.KIND, parameters={}, by=None)  # itself audited: event 6
        job = jobs.run(job_id=jobs.Job.objects.get().pk)
        assert job.result["holds"] is True
        assert job.result["events"] == 6
        tamper(3, actor="1")
        jobs.create(kind=audit_job.KIND, parameters={}, by=None)
        job = jobs.run(job_id=jobs.Job.objects.first().pk)
        assert job.result["broken"] == ["Event 3: its content does not match its hash"]


@pytest.mark.postgresql
def test_events_recorded_at_the_same_time_make_one_chain(transactional_db):
    def write():
        try:
            for _ in range(10):
                record()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert connection.vendor == "postgresql"
    assert AuditEvent.objects.count() == 40
    assert list(audit.verify()) == []
