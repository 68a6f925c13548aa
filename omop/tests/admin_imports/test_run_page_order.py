"""The page of a run: the gravest first, what is left out by itself, and files told apart."""

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from augmed.foundation.models import Job
from omop.actions import IMPORT_JOB, import_files
from omop.admin.imports.presentation import view_of
from omop.imports.options import ImportOptions
from omop.imports.report import FileReport, TableCounts
from omop.models import ImportedFile, ImportRun
from omop.sources import ImportSource
from omop.tests.admin_imports.conftest import page_of
from omop.uploads import store

pytestmark = pytest.mark.django_db


def view(job):
    return view_of(ImportRun.objects.get(job_id=job.pk))


def wrong(report, code, table="person", rows=1, checked=100, column=None):
    report.check(code, table, column).checked = checked
    report.found(code, table, "is wrong", file=f"{table}.csv", line=2, column=column, rows=rows)


def test_what_stops_a_file_comes_before_what_follows_from_it(finished):
    def fill(report):
        wrong(report, "person_exists", rows=90)
        wrong(report, "columns_required", "measurement", checked=1)
        wrong(report, "columns_known", checked=1)
        wrong(report, "file_readable", "death", checked=1)
        wrong(report, "reference_exists", rows=95)
        wrong(report, "table_known", "persons", checked=1)

    shown = [group.code for group in view(finished(fill, status="refused")).errors]
    assert shown == [
        "table_known", "file_readable", "columns_known", "columns_required", "reference_exists", "person_exists",
    ]  # fmt: skip


def test_tolerated_errors_have_a_heading_of_their_own(signed_in, finished):
    def fill(report):
        wrong(report, "value_type", column="year_of_birth")

    job = finished(fill, options=ImportOptions(thresholds={"value_type": 2}), counts={"rejected": 1, "read": 100})
    page = page_of(signed_in, job)
    assert "<h2>Rows left out</h2>" in page
    assert "<h2>Errors</h2>" not in page
    assert 'class="verdict checked tolerated"' in page
    assert "1 of them has an error and would be left out." in page
    assert 'class="verdict checked"' in page_of(signed_in, finished())


def test_a_table_whose_file_was_not_read_is_not_one_without_rows(signed_in, finished):
    def fill(report):
        report.tables = {name: TableCounts() for name in ("person", "death", "note")}
        report.files = [FileReport(f"{name}.csv", name, 12) for name in ("person", "death", "note")]
        wrong(report, "columns_required", "person", checked=1)
        wrong(report, "file_readable", "death", checked=1)

    job = finished(fill, status="refused")
    page = page_of(signed_in, job)
    assert "Files without rows: note." in page
    assert [bool(file["read"]) for file in view(job).files] == [False, False, True]
    assert page.count("not read</span>") == 2


def test_columns_are_not_counted_in_files(signed_in, finished):
    def fill(report):
        report.check("columns_required", "person").checked = 1
        for column in ("gender_concept_id", "year_of_birth", "race_concept_id"):
            report.found(
                "columns_required", "person", "is not there", file="person.csv", column=column, per_column=False
            )

    (group,) = view(finished(fill, status="refused")).errors
    assert (group.rows[0].count, group.rows[0].checked) == (3, 0)


def test_warnings_are_checks_with_their_rows(signed_in, finished):
    def fill(report):
        wrong(report, "concept_mapped", column="a_concept_id", rows=60)
        wrong(report, "plausible_value", column="x", rows=1)  # within its threshold

    page = page_of(signed_in, finished(fill))
    assert "1 warning (60 rows), which does not stop an import." in page

    def more(report):
        fill(report)
        wrong(report, "after_birth", column="y", rows=40)

    assert "2 warnings (100 rows), which do not stop an import." in page_of(signed_in, finished(more))


def test_what_other_apps_say_of_a_check_is_read_before_it_is_confirmed(signed_in, finished, monkeypatch):
    from omop.run_panels import RunPanel

    panel = RunPanel("Cases", "Two cases would change.", (), [])
    monkeypatch.setattr("omop.run_panels._panels", {"cases": lambda run, user: panel})
    page = page_of(signed_in, finished())
    assert page.count("Two cases would change.") == 1
    assert page.index("Two cases would change.") < page.index("Load now")
    assert page_of(signed_in, finished(status="loaded")).count("Two cases would change.") == 1


def test_files_that_were_left_out_are_named(signed_in, finished):
    files = [SimpleUploadedFile(name, b"person_id\n1\n") for name in ("notes.csv", "person.csv", "x.csv")]
    source = ImportSource("upload", store(files)).without({"notes.csv", "x.csv"})
    assert source.left_out() == ["notes.csv", "x.csv"]
    assert ImportSource("upload", source.place).left_out() == []
    job = finished()
    Job.objects.filter(pk=job.pk).update(parameters={**job.parameters, "source": source.to_json()})
    assert "Left out, as you chose: notes.csv, x.csv." in page_of(signed_in, job)
    source.forget()
    assert "Left out" not in page_of(signed_in, job)


def test_recent_imports_are_told_apart(signed_in, finished, data_staff):
    finished(files=4)
    Job.objects.create(kind=IMPORT_JOB, parameters={"dry_run": True}, created_by=data_staff)
    rows = signed_in.get(reverse("admin:omop_bulk_import")).context["recent"]
    assert [(each.files, each.rows) for each in rows] == [("", None), ("person0.csv, person1.csv and 2 more", 4)]


def test_a_damaged_archive_is_remembered_by_its_name(tmp_path):
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("person.csv", "person_id\n1\n")
    path = tmp_path / "spring.zip"
    path.write_bytes(whole.getvalue()[:-30])
    run = import_files(paths=[path], by=None, dry_run=True).run
    assert run.status == "refused"
    assert list(ImportedFile.objects.filter(run=run).values_list("name", "table", "bytes")) == [("spring.zip", "", 0)]
