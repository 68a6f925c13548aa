"""The page of a run that is over: what it says, what it offers, and how many queries it takes."""

import json

import pytest
from django.urls import reverse

from augmed.foundation.models import AuditEvent, Job
from omop.imports import runs
from omop.imports.options import ImportOptions, Mode
from omop.models import ImportRun
from omop.run_panels import Cell, RunPanel
from omop.tests.admin_imports.conftest import page_of

pytestmark = pytest.mark.django_db


def run_of(job):
    return ImportRun.objects.get(job_id=job.pk)


def test_a_refused_check_shows_each_kind_of_error_with_its_first_lines(signed_in, finished):
    def fill(report):
        report.check("value_type", "person", "year_of_birth").checked = 3
        for line in (2, 3):
            report.found(
                "value_type", "person", "is not a whole number",
                file="person.csv", line=line, column="year_of_birth", value="<b>old</b>",
            )  # fmt: skip

    page = page_of(signed_in, finished(fill, status="refused", counts={"rejected": 2, "new": 1, "read": 3}))
    assert "These files cannot be loaded as they are" in page
    assert "2 errors; 3 rows read." in page
    assert "Is each value of its column&#x27;s type?" in page
    assert "person.csv, line 2" in page
    assert "&lt;b&gt;old&lt;/b&gt;" in page
    assert "66.67 %" in page
    assert "Stops the import" in page
    assert "Load now" not in page
    assert "Change choices and check again" in page


def test_passed_and_not_applicable_are_told_apart(signed_in, finished):
    def fill(report):
        report.check("value_type", "person", "person_id").checked = 4
        report.check("value_type", "person", "year_of_birth").checked = 4
        report.check("visit_same_person", "person")

    page = page_of(signed_in, finished(fill))
    assert "1 check found nothing" in page
    assert "1 check had no row to ask" in page
    assert '<td class="number">8</td>' in page


def test_a_tolerated_error_and_a_warning_within_its_threshold_say_so(signed_in, finished):
    def fill(report):
        for code in ("value_type", "concept_mapped"):
            report.check(code, "person", "gender_concept_id").checked = 100
            report.found(code, "person", "is wrong", file="person.csv", line=2, column="gender_concept_id")

    options = ImportOptions(thresholds={"value_type": 2})
    page = page_of(signed_in, finished(fill, options=options, counts={"rejected": 1}))
    assert "Tolerated: rows are left out" in page
    assert ">Tolerated<" in page
    assert "Leave out 1 row with an error" in page


def test_files_loaded_before_are_named(signed_in, finished):
    before = [{"run": "x", "at": "2026-01-31T08:15:00+00:00", "by": "data@example.org"}]
    page = page_of(signed_in, finished(extra={"loaded_before": before}))
    assert "These files were loaded before: 2026-01-31 08:15 UTC by data@example.org." in page


def test_without_its_report_the_counts_stay(signed_in, finished):
    def fill(report):
        report.check("value_type", "person", "year_of_birth").checked = 3
        report.found(
            "value_type", "person", "is odd", file="person.csv", line=2, column="year_of_birth", value="secret"
        )

    job = finished(fill, status="refused", counts={"rejected": 1})
    (runs.folder_of(run_of(job)) / "report.json").unlink()
    page = page_of(signed_in, job)
    assert "was removed" in page
    assert "value_type" in page
    assert "secret" not in page
    assert "person.csv" in page
    assert "Download the report" not in page


def test_what_a_failed_job_says_is_shown(signed_in, finished):
    job = finished()
    Job.objects.filter(pk=job.pk).update(status="failed", error="The disk of the server is full.", result={})
    page = page_of(signed_in, job)
    assert "Load now" not in page


def test_downloads_are_streamed_audited_and_not_stored(signed_in, finished, data_staff):
    job = finished(status="refused")
    run = run_of(job)
    (runs.folder_of(run) / "rejects.csv").write_text("file,line\nperson.csv,2\n")
    answer = signed_in.get(reverse("admin:omop_bulk_rejects", args=[job.pk]))
    assert b"".join(answer.streaming_content) == b"file,line\nperson.csv,2\n"
    assert answer["Cache-Control"].count("no-store")
    assert answer["Content-Type"].startswith("text/csv")
    assert "attachment" in answer["Content-Disposition"]
    event = AuditEvent.objects.get(action="omop_rejects_downloaded")
    assert (event.actor, event.target_id) == (str(data_staff.pk), str(run.pk))

    answer = signed_in.get(reverse("admin:omop_bulk_report_file", args=[job.pk]))
    assert json.loads(b"".join(answer.streaming_content))["status"] == "refused"
    assert AuditEvent.objects.filter(action="omop_report_downloaded").count() == 1


def test_a_download_that_is_not_there_is_a_404_and_no_event(signed_in, finished):
    job = finished()
    assert signed_in.get(reverse("admin:omop_bulk_rejects", args=[job.pk])).status_code == 404
    assert not AuditEvent.objects.filter(action="omop_rejects_downloaded").exists()


def test_the_number_of_queries_does_not_grow(signed_in, finished, django_assert_num_queries):
    def fill(report):
        for number in range(40):
            for code in ("value_type", "concept_mapped"):
                report.check(code, f"table_{number}", "column").checked = 10
                report.found(code, f"table_{number}", "is odd", file="f.csv", line=2, column="column")

    small, large = finished(), finished(fill, files=30, status="refused")
    counts = []
    for job in (small, large):
        signed_in.get(reverse("admin:omop_bulk_report", args=[job.pk]))
        with_report = _queries(signed_in, job)
        (runs.folder_of(run_of(job)) / "report.json").unlink()
        counts.append((with_report, _queries(signed_in, job)))
    # The small one is a check that may be loaded: one query more asks whether it was.
    assert (counts[0][0] - 1, counts[0][1] - 1) == counts[1]
    assert counts[1][1] <= counts[1][0] + 3


def _queries(client, job):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        assert client.get(reverse("admin:omop_bulk_report", args=[job.pk])).status_code == 200
    return len(queries)


@pytest.mark.parametrize(
    ("counts", "typed", "accepted"),
    [
        ({"removed": 1200}, {}, False),
        ({"removed": 1200}, {"remove": "1201"}, False),
        ({"removed": 1200}, {"remove": "1,200"}, True),
        ({"rejected": 2}, {}, False),
        ({"rejected": 2}, {"leave_out": "on"}, True),
        ({"changed": 2}, {}, False),
        ({"changed": 2}, {"overwrite": "on"}, True),
        ({}, {}, True),
    ],
)
def test_what_is_lost_must_be_said(signed_in, finished, monkeypatch, counts, typed, accepted):
    asked = []
    monkeypatch.setattr("omop.actions.confirm_import", lambda job, by: asked.append(job) or job)
    job = finished(counts=counts, options=ImportOptions(mode=Mode.REPLACE_PERSON))
    answer = signed_in.post(reverse("admin:omop_bulk_report", args=[job.pk]), typed)
    assert (answer.status_code, len(asked)) == ((302, 1) if accepted else (422, 0))


def test_a_file_of_an_unknown_name_is_asked_about(signed_in, finished, monkeypatch):
    def fill(report):
        report.found("table_known", "devices_exposure", "is no table", file="DEVICES_EXPOSURE.csv")
        report.found("table_known", "notes", "is no table", file="notes.csv")

    job = finished(fill, status="refused", files=2)
    page = page_of(signed_in, job)
    assert '<option value="device_exposure" selected>device_exposure (most like it)</option>' in page
    started = []
    monkeypatch.setattr("omop.actions.start_import", lambda **given: started.append(given) or job)
    address = reverse("admin:omop_bulk_alias", args=[job.pk])
    signed_in.post(address, {"table_0": "device_exposure", "table_1": "note"})
    assert started[0]["options"].aliases == {"DEVICES_EXPOSURE.csv": "device_exposure", "notes.csv": "note"}
    assert started[0]["source"].to_json() == job.parameters["source"]

    answer = signed_in.post(address, {"table_0": "device_exposure", "table_1": "nonsense"}, follow=True)
    assert "Say which table notes.csv holds" in answer.content.decode()
    assert len(started) == 1


def test_a_file_of_an_unknown_name_can_be_left_out(signed_in, finished, monkeypatch):
    def fill(report):
        report.found("table_known", "person1", "is no table", file="person1.csv")

    job = finished(fill, status="refused", files=3)
    started = []
    monkeypatch.setattr("omop.actions.start_import", lambda **given: started.append(given) or job)
    signed_in.post(reverse("admin:omop_bulk_alias", args=[job.pk]), {"table_0": "-"})
    assert started[0]["source"].names == ("person0.csv", "person2.csv")
    assert [path.name for path in started[0]["source"].paths()] == ["person0.csv", "person2.csv"]


def test_other_choices_for_the_same_files(signed_in, finished, monkeypatch):
    job = finished(options=ImportOptions(mode=Mode.UPSERT, zero_as_null=frozenset({"provider_id"})))
    address = reverse("admin:omop_bulk_again", args=[job.pk])
    form = signed_in.get(address).context["form"]
    assert form["mode"].value() == "upsert"
    assert form["zero_as_null"].value() == "provider_id"
    assert form.more_open
    started = []
    monkeypatch.setattr("omop.actions.start_import", lambda **given: started.append(given) or job)
    body = {field.name: field.value() or "" for field in form}
    assert signed_in.post(address, body).status_code == 302
    assert started[0]["options"] == ImportOptions(mode=Mode.UPSERT, zero_as_null=frozenset({"provider_id"}))
    assert signed_in.post(address, {**body, "zero_as_null": "no_such"}).status_code == 422


def test_a_table_for_a_file_that_is_not_there_is_an_error_at_its_field(signed_in, finished, upload, write_table):
    said = "NOPE.csv was to be read as person, but there is no such file."
    job = finished()
    address = reverse("admin:omop_bulk_again", args=[job.pk])
    body = {field.name: field.value() or "" for field in signed_in.get(address).context["form"]}
    again = signed_in.post(address, {**body, "aliases": "NOPE.csv = person"})
    first = upload(write_table("person"), aliases="NOPE.csv = person")
    for answer in (again, first):
        assert answer.status_code == 422
        assert list(answer.context["form"].errors) == ["aliases"]
        assert said in answer.context["form"].errors["aliases"][0]


def test_what_other_apps_say_of_the_run_is_shown(signed_in, finished, monkeypatch, data_staff):
    def panel(run, user):
        assert user == data_staff
        row = [Cell("Case 7", "/admin/cases/case/7/"), Cell("<3>")]
        return RunPanel("Cases", "Snapshots stay as they are.", ("Case", "Rows"), [row], more=1200)

    monkeypatch.setattr("omop.run_panels._panels", {"cases": panel})
    page = page_of(signed_in, finished())
    assert "Snapshots stay as they are." in page
    assert '<a href="/admin/cases/case/7/">Case 7</a>' in page
    assert "&lt;3&gt;" in page
    assert "And 1,200 more." in page
