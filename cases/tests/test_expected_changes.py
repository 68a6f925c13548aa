"""Which cases a check says that its import would concern."""

import pytest
from django.urls import reverse

from cases.expected_changes import panel
from cases.tests.test_source_changes import case, load, measured
from omop.imports import runs

__all__ = ["case", "load"]


@pytest.fixture
def data_run(load, case):
    return load(dry_run=True, measurement=[measured(1), measured(2)])[0]


def test_a_check_names_the_cases_before_it_is_confirmed(case, data_run, data_staff, django_assert_max_num_queries):
    with django_assert_max_num_queries(2):  # the role is asked once
        shown = panel(data_run, data_staff)
    assert shown is not None
    assert shown.text.startswith("Loading these files would change rows that 1 case could read.")
    assert [[cell.text for cell in row] for row in shown.rows] == [[str(case), "measurement", "2", "0", "0"]]
    assert shown.rows[0][0].link == reverse("admin:cases_case_change", args=[case.pk])


def test_who_may_not_view_cases_is_told_how_many(case, data_run, stranger):
    shown = panel(data_run, stranger)
    assert shown is not None
    assert "1 case could read" in shown.text
    assert list(shown.rows) == []


def test_nothing_is_said_where_there_is_nothing(case, load, data_run, data_staff):
    report = runs.report_path(data_run)
    assert report is not None
    report.unlink()
    assert panel(data_run, data_staff) is None, "the report was removed"
    later, _ = load(dry_run=True, measurement=[measured(3, "2021-01-01")])
    assert panel(later, data_staff) is None, "no case would change"
    loaded, _ = load(measurement=[measured(1)])
    assert panel(loaded, data_staff) is None, "its changes are facts, which have a panel of their own"
