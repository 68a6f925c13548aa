"""Real concurrency, which only PostgreSQL has: SQLite lets one writer in at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from augmed.foundation import audit
from cases.actions import import_layout, put_forward, rebuild_snapshot
from cases.models import Case, CaseSnapshot, LayoutVersion
from cases.tests import omop_rows
from cases.tests.conftest import feature, layout_json

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Run the calls in threads that start together; return what they gave or raised."""
    gate = threading.Barrier(len(calls))
    results: list[object] = [None] * len(calls)

    def run(place: int, call: Callable[[], object]) -> None:
        try:
            gate.wait(timeout=10)
            results[place] = call()
        except Exception as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place, call)) for place, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return results


@pytest.fixture
def layouts() -> list[LayoutVersion]:
    omop_rows.person()
    for visit_id in range(1, 21):
        omop_rows.visit(visit_id)
    content = layout_json(feature("age", "demographics", demographic="age"))
    return [import_layout(content=content, by=None, name=name) for name in ("One", "Two")]


def test_two_who_put_the_same_visits_forward_make_each_case_once(layouts: list[LayoutVersion]) -> None:
    ids = list(range(1, 21))
    results = at_once(
        lambda: put_forward(visit_ids=ids, by=None, layout=layouts[0].layout),
        lambda: put_forward(visit_ids=ids[::-1], by=None, layout=layouts[1].layout),
        lambda: put_forward(visit_ids=ids, by=None, layout=layouts[0].layout),
    )
    assert [(len(r.created) + len(r.kept), r.refused) for r in results] == [(20, [])] * 3  # type: ignore[attr-defined]
    assert sum(len(r.created) for r in results) == 20  # type: ignore[attr-defined]
    assert Case.objects.count() == 20
    assert CaseSnapshot.objects.count() == 40
    assert list(audit.verify()) == []


def test_two_who_rebuild_one_case_make_one_snapshot(layouts: list[LayoutVersion]) -> None:
    version = layouts[0]
    put_forward(visit_ids=[1], by=None, layout=version.layout)
    case = Case.objects.get()
    omop_rows.Person.objects.update(year_of_birth=1950)
    results = at_once(*[lambda: rebuild_snapshot(case=case, layout_version=version, by=None)] * 2)
    assert results[0] == results[1]
    assert sorted(case.snapshots.values_list("number", flat=True)) == [1, 2]
