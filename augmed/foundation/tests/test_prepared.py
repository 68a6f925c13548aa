"""A prepared query gives what the ORM gives, with every value in its place."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from augmed.foundation.models import Job
from augmed.foundation.prepared import Parameter, Prepared, PreparedUpdate, insert, keep_generic_plans


def jobs(identifier, before, total):
    return (
        Job.objects.filter(Q(pk=identifier) | Q(progress_total=total), created_at__lt=before, kind="a kind")
        .order_by("pk")
        .values_list("id", "created_at", "parameters", "progress_total")
    )


def query():
    return Prepared(
        jobs,
        identifier=Parameter(models.UUIDField(), uuid.UUID(int=1)),
        before=Parameter(models.DateTimeField(), datetime(1901, 2, 3, 4, 5, 6, 7, tzinfo=UTC)),
        total=Parameter(models.BigIntegerField(), 2_100_000_001),
    )


def test_rows_are_the_orms_rows_for_any_values(db):
    prepared = query()
    made = [Job.objects.create(kind="a kind", parameters={"n": n}, progress_total=n) for n in range(4)]
    Job.objects.create(kind="another kind", progress_total=2)
    later, earlier = datetime(2100, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)
    for values in ((made[0].pk, later, 2), (made[1].pk, later, 1), (made[1].pk, earlier, 1), (uuid.uuid4(), later, 9)):
        given = dict(zip(("identifier", "before", "total"), values, strict=True))
        assert prepared.rows(**given) == list(jobs(**given))
    assert {type(value) for value in prepared.rows(identifier=made[0].pk, before=later, total=9)[0]} == {
        uuid.UUID,
        datetime,
        dict,
        int,
    }


def test_it_is_composed_once(db, monkeypatch, django_assert_num_queries):
    prepared = query()
    given = {"identifier": uuid.uuid4(), "before": datetime(2100, 1, 1, tzinfo=UTC), "total": 1}
    prepared.rows(**given)
    monkeypatch.setattr(prepared, "_build", lambda **samples: pytest.fail("composed again"))
    with django_assert_num_queries(1):
        prepared.rows(**given)


def test_a_parameter_without_a_place_is_a_fault(db):
    unplaced = Prepared(
        lambda identifier: Job.objects.values_list("id"), identifier=Parameter(models.UUIDField(), uuid.UUID(int=1))
    )
    with pytest.raises(AssertionError, match="identifier"):
        unplaced.rows(identifier=uuid.uuid4())


def test_an_update_stores_a_row_with_it_if_it_changes_any(db):
    counting = PreparedUpdate(
        lambda total: Job.objects.filter(kind="counted", progress_total=total).order_by(),
        {"progress_done": 7},
        total=Parameter(models.BigIntegerField(), 2_100_000_001),
    )
    for _ in range(2):
        Job.objects.create(kind="counted", progress_total=4)
    refused = Job(kind="recorded", parameters={"n": 1})
    assert counting.execute_and_record(refused, total=5) is False
    stored = Job(kind="recorded {a} 100% 'mark'", parameters={"n": 2})
    assert counting.execute_and_record(stored, total=4) is True
    assert list(Job.objects.filter(kind="counted").values_list("progress_done", flat=True)) == [7, 7]
    recorded = Job.objects.exclude(kind="counted").get()
    assert (recorded.pk, recorded.kind, recorded.parameters) == (stored.pk, stored.kind, {"n": 2})
    assert recorded.created_at == stored.created_at


def test_rows_are_stored_as_given(db, django_assert_num_queries):
    odd = "100% of 'it', %s {0}"
    jobs = [Job(kind="stored", parameters={"n": n}, progress_total=n, message=odd) for n in range(3)]
    for some in (jobs[:1], jobs[1:]):
        with django_assert_num_queries(1):
            insert(some)
    insert([])
    stored = Job.objects.filter(kind="stored").order_by("progress_total")
    shown = [(job.pk, job.parameters, job.message, job.created_at) for job in stored]
    assert shown == [(job.pk, job.parameters, odd, job.created_at) for job in jobs]
    assert not any(job._state.adding for job in jobs)
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(jobs[:1])


@pytest.mark.postgresql
def test_postgresql_keeps_one_plan_for_all_values(db):
    with connection.cursor() as cursor:
        cursor.execute("SHOW plan_cache_mode")
        assert cursor.fetchone() == ("force_generic_plan",)
    with CaptureQueriesContext(connection) as captured:
        for total in range(8):
            query().rows(identifier=uuid.uuid4(), before=datetime(2100, 1, 1, tzinfo=UTC), total=total)
    assert len(captured) == 8
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans, custom_plans, parameter_types::text FROM pg_prepared_statements"
            " WHERE statement LIKE %s ORDER BY prepare_time DESC LIMIT 1",
            ["%foundation_job%= 'a kind'%"],  # constants are in the text
        )
        generic, custom, types = cursor.fetchone()
    assert generic >= 8
    assert custom == 0
    assert types == '{uuid,bigint,"timestamp with time zone"}'  # each parameter once


class Told:
    """In place of a connection: what it is told."""

    def __init__(self, vendor, **options):
        self.vendor, self.settings_dict, self.statements = vendor, {"OPTIONS": options}, []

    def cursor(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def execute(self, statement):
        self.statements.append(statement)


@pytest.mark.parametrize(
    ("vendor", "options", "told"),
    [
        ("postgresql", {"prepare_threshold": 0}, 1),
        ("postgresql", {"prepare_threshold": 0, "options": "-c statement_timeout=5000"}, 1),
        ("postgresql", {"prepare_threshold": 0, "options": "-c plan_cache_mode=auto"}, 0),
        ("postgresql", {}, 0),  # PREPARE_STATEMENTS=false
        ("sqlite", {}, 0),
    ],
)
def test_only_connections_that_prepare_are_told_to_keep_plans(vendor, options, told):
    opened = Told(vendor, **options)
    keep_generic_plans(connection=opened, sender=None)
    assert opened.statements == ["SET plan_cache_mode = force_generic_plan"] * told


def test_constants_stand_for_themselves(db):
    """Whatever characters they have: on PostgreSQL they are written into the text."""
    odd = "100% of 'it', %s, %(name)s {0} \\ and a ü"
    Job.objects.create(kind="odd", parameters={"n": 1}, progress_total=3, message=odd)
    Job.objects.create(kind="odd", parameters={"n": 2}, progress_total=3, message="another")
    prepared = Prepared(
        lambda total: Job.objects.filter(progress_total=total, message=odd).values_list("parameters", "message"),
        total=Parameter(models.BigIntegerField(), 2_100_000_001),
    )
    assert prepared.rows(total=3) == [({"n": 1}, odd)]
    assert prepared.rows(total=4) == []
