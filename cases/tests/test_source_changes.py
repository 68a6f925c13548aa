"""Which cases an import concerns, and what it leaves alone."""

from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.actions import put_forward
from cases.models import Case, CaseSnapshot, SourceChange
from cases.source_changes import panel
from cases.tests import omop_rows
from omop.actions import import_files
from omop.imports import runs
from omop.imports.options import ImportOptions, Mode

HEADER = {
    "person": "person_id,gender_concept_id,gender_source_value,year_of_birth,month_of_birth,day_of_birth,"
    "race_concept_id,ethnicity_concept_id",
    "visit_occurrence": "visit_occurrence_id,person_id,visit_concept_id,visit_start_date,visit_end_date,"
    "visit_type_concept_id",
    "measurement": "measurement_id,person_id,visit_occurrence_id,measurement_concept_id,measurement_date,"
    "measurement_datetime,measurement_type_concept_id,value_as_number",
}
PERSON = "7,8532,F,1960,5,18,0,0"
VISIT = "70,7,9202,2020-05-17,2020-05-17,32817"


@pytest.fixture
def case(one_visit, everything):
    """A case of person 7, known up to the end of 17 May 2020."""
    put_forward(visit_ids=[one_visit], by=None, layout=everything.layout)
    return Case.objects.get()


@pytest.fixture
def load(tmp_path):
    """`load(table=[line, ...])` imports lines of CSV; the run and the part of its report that is about cases."""

    def go(mode=Mode.UPSERT, dry_run=False, **tables):
        paths = []
        for table, lines in tables.items():
            path = tmp_path / f"{table}.csv"
            path.write_text("\n".join([HEADER[table], *lines]) + "\n")
            paths.append(path)
        outcome = import_files(paths=paths, by=None, options=ImportOptions(mode=mode), dry_run=dry_run)
        assert outcome.report.status == ("checked" if dry_run else "loaded"), outcome.report.errors
        report = runs.report_of(outcome.run)
        assert report is not None
        return outcome.run, report.get("cases")

    return go


def measured(key, day="2020-05-17", time="", person=7, value="1"):
    moment = f"{day} {time}" if time else ""
    return f"{key},{person},,3025315,{day},{moment},32817,{value}"


def changes():
    return list(SourceChange.objects.order_by("case", "table").values_list("table", "added", "changed", "removed"))


def test_rows_up_to_the_index_time_count_and_later_ones_do_not(case, load):
    run, said = load(
        measurement=[measured(1), measured(2, "2020-05-18"), measured(3, time="23:59:59"), measured(4, "1999-01-01")]
    )
    assert changes() == [("measurement", 3, 0, 0)]
    assert SourceChange.objects.get().run_id == run.pk
    first = [{"number": case.number, "table": "measurement", "added": 3, "changed": 0, "removed": 0}]
    text = f"1 case has source rows that this run changed: {case.number}."
    assert said == {"count": 1, "first": first, "text": text}


@pytest.mark.parametrize(
    ("time", "counts"),
    [("08:00:00", True), ("08:30:00", True), ("08:30:01", False), ("00:00:00", True), ("", True)],
)
def test_the_time_counts_where_there_is_one(case, load, time, counts):
    Case.objects.update(index_at=datetime(2020, 5, 17, 8, 30))  # noqa: DTZ001 - OMOP times are local
    load(measurement=[measured(1, time=time)])
    assert changes() == ([("measurement", 1, 0, 0)] if counts else [])


def test_a_row_that_moves_out_of_sight_is_a_change_too(case, load):
    load(measurement=[measured(1)])
    load(measurement=[measured(1, "2021-01-01")])
    load(measurement=[measured(1, "2021-01-02")])
    assert [row[1:] for row in changes()] == [(1, 0, 0), (0, 1, 0)]


def test_the_person_and_the_visit_count(case, load):
    load(person=["7,8532,F,1961,5,18,0,0"], visit_occurrence=["70,7,9202,2020-05-17,2020-05-19,32817"])
    assert changes() == [("person", 0, 1, 0), ("visit_occurrence", 0, 1, 0)]


def test_replacing_a_person_tells_what_goes(case, load):
    load(measurement=[measured(1), measured(2), measured(3, "2021-01-01")])
    run, _ = load(Mode.REPLACE_PERSON, person=[PERSON], measurement=[measured(1, value="2"), measured(4)])
    found = SourceChange.objects.of_run(run).get()
    assert (found.table, found.added, found.changed, found.removed) == ("measurement", 1, 1, 1)


def test_rows_of_other_persons_and_rows_that_stay_concern_nobody(case, load):
    omop_rows.person(8)
    load(measurement=[measured(1)])
    run, said = load(measurement=[measured(1), measured(2, person=8)])
    assert not SourceChange.objects.of_run(run).exists()
    assert said == {"count": 0, "first": [], "text": ""}


def test_a_dry_run_says_the_same_and_writes_nothing(case, load):
    lines = [measured(1), measured(2, "2020-05-18")]
    _, checked = load(dry_run=True, measurement=lines)
    assert not SourceChange.objects.exists()
    _, loaded = load(measurement=lines)
    assert checked == {**loaded, "text": loaded["text"].replace("changed", "would change")}
    assert loaded["count"] == 1


def test_the_first_cases_are_named_and_the_others_counted(case, load):
    for n in range(1, 25):
        Case.objects.create(number=1000 + n, person_id=7, index_at=datetime(2020, 5, 17, 23, 59))  # noqa: DTZ001
    _, said = load(person=["7,8532,F,1961,5,18,0,0"], measurement=[measured(1)])
    numbers = ", ".join(map(str, [case.number, *range(1001, 1020)]))
    assert said["text"] == f"25 cases have source rows that this run changed: {numbers}, and 5 more."
    assert len(said["first"]) == 20


def test_where_there_is_no_case_nothing_is_said(one_visit, load):
    assert load(measurement=[measured(1)])[1] is None


def test_frozen_snapshots_stay_as_they_are(case, load):
    before = list(CaseSnapshot.objects.values())
    load(person=["7,8532,F,1961,5,18,0,0"], measurement=[measured(1)])
    assert list(CaseSnapshot.objects.values()) == before


def test_the_number_of_statements_does_not_grow_with_the_cases(case, load):
    def statements(first):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            load(measurement=[measured(first + n) for n in range(5)])
        return sum("cases_" in query["sql"] for query in captured)

    one = statements(100)
    for n in range(1, 30):
        Case.objects.create(number=1000 + n, person_id=7, index_at=datetime(2020, 5, 17, 23, 59))  # noqa: DTZ001
    assert statements(200) == one
    assert SourceChange.objects.count() == 1 + 30


def test_the_panel_names_cases_to_who_may_view_them(case, load, data_staff, owner):
    run, _ = load(measurement=[measured(1)])
    shown = panel(run, data_staff)
    assert shown is not None
    assert shown.title == "Cases"
    assert "Rows that 1 case could read have changed." in shown.text
    assert [cell.text for cell in shown.rows[0]] == [str(case), "measurement", "1", "0", "0"]
    assert shown.rows[0][0].link == reverse("admin:cases_case_change", args=[case.pk])
    hidden = panel(run, owner)
    assert hidden is not None
    assert not hidden.rows
    assert panel(load(measurement=[measured(1)])[0], data_staff) is None


def test_the_page_of_the_case_lists_the_imports(case, load, data_staff, client):
    load(measurement=[measured(1), measured(2)])
    client.force_login(data_staff, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("admin:cases_case_change", args=[case.pk])).content.decode()
    assert "Changed by imports" in page
    assert "<td>measurement</td><td>2</td><td>0</td><td>0</td>" in page
